"""Dispatch board 派工看板 (procedure 3.5.1, 3.5.2): repair teams and days, what each has to do, what waits for a day.

Who: the customer service manager and the service offices. Before: an order is drafted. After: the captain's visit.
"""
