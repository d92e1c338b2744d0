"""Clocks 时限 (procedure 3.4.2.2, 3.4.4, 3.4.5, 3.4.7, 3.5.4): when each step must be done, and what became of it.

A clock is a row with its present due date and the events that made it: started, warned, extended, met, breached,
cancelled. Which act starts and stops which clock is a table in `procedure.deadlines`; the mover asks it.
What falls due is found and told by `oversight.clockwork`.
"""
