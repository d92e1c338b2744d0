"""The journal: every act as a row of one hash chain, written in the transaction of the act.

Each row's hash covers its content and the hash before it; the head row holds count and last hash.
A changed, removed or inserted row, and a cut tail, are found by `queries.verify`.
"""
