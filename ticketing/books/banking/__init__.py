"""The bank's files (procedure 2.6): what the bank says left and came in, beside the payments of the books.

Who: finance's accountant. Before: payments released by the cashier. After: what agrees on neither side is looked into.
"""
