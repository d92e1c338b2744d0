"""Editions of the figures the procedure leaves open (procedure 3.4.5, 3.5.6, 3.6, 3.6.1).

The CS manager or the administrator proposes an edition from a date, the general manager confirms it. A paper keeps the
edition it began with; the pages and notices are `oversight.parameters`.
"""
