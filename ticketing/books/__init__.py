"""The books of the money (procedure 2.6, 2.7, 3.5.9, 3.6, 3.6.2): ledger, payments, retention, and finance's desk over them."""
