"""The pages of a contract's price list 合同价目表 (procedure 3.5.5, 3.5.6): what counts, versions, a proposal, its decision.

The rows and their rules are `masters.prices`; here is who is told.
"""
