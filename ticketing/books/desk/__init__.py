"""Finance's desk (procedure 2.6, 3.5.9, 3.6): what is to be done, statements, vouchers for the accounting system, year end.

Who: finance works here, audit and the general manager read. Over the other rooms of the books; it books nothing itself.
"""
