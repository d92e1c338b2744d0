"""The audit page: the journal newest first, for those who may read it (docs/trust.md)."""
