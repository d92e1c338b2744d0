"""The sub-ledger (procedure 2.6, 3.5.9): accounts, entries that balance, reversals, statements, the proof of it all.

Paper: the voucher 凭证. Who: finance's acts in the rooms above post here; finance asks for a reversal or
for a closing of the books 结账, audit agrees.
What is booked never changes; the database itself refuses it (`ddl`).
"""
