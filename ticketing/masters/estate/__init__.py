"""Communities, buildings, units and the customers who live there (procedure 2.2.5, 3.7.1).

A unit has several customers, a customer several units and phones. One page each shows everything
that ever happened. Data comes in and goes out by workbook; duplicates are found and merged, never deleted.
"""
