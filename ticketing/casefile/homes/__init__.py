"""One page for each home and each customer: everything that ever happened (procedure 2.2.5, 3.7.1).

Read by all of customer service. The estate below knows who lives where, the register beside knows what
was complained of; only here do the two meet on one page.
"""
