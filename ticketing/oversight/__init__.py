"""What is seen from above: reports of the offices and the audit trail (procedure 3.10)."""
