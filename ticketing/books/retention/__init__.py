"""Deposits of contractors 质量保证金 (procedure 2.6, 2.7, 3.5.9, 3.6.2): entered, deducted from, owed beyond, paid back.

Paper: the deposit ledger of a contract, the 工程尾款支付意见. Who: finance enters and audit agrees; engineering verifies an
application; the customer service manager writes the opinion without which nothing is released. After: a payment.
"""
