"""The figures an account goes by that the procedure leaves blank or does not name (procedure 3.5.6)."""

VAT_BP = 900
"""The rate of value-added tax of repair work, in basis points."""

AUDIT_MIN_FEN = 2_000_000
"""From this total with tax on, the number itself included, audit reviews (procedure 2.7)."""


def vat_bp() -> int:
    """The rate of tax a new account starts with; its captain and its reviewer may choose another."""
    return VAT_BP


def audit_min_fen() -> int:
    """The total with tax from which on audit reviews."""
    return AUDIT_MIN_FEN
