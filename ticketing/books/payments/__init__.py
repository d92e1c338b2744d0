"""Payments (procedure 2.6, 3.5.9, 3.6, 3.6.2): one table for all money that leaves, made by one person, released by another.

Who: finance's accountant prepares what a document owes, the cashier releases it; releasing books it in the same breath.
Before: a certified settlement, a fund to fill, an opinion on a deposit (rooms above, by `purposes`). After: the bank's file.
"""
