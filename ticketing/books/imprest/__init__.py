"""The working funds 周转金 of customer service and of the repair teams (procedure 3.6).

Paper: slips, the count 盘点, the request for money. Who: the keeper or captain spends and counts, finance opens a fund, tops it up
and supervises, audit reads. Before: the parameters that fix the ceilings; after: payments and the ledger below, the quarterly report above.
"""
