"""The board of time limits 时限看板 (procedure 3.4.2.2, 3.4.4, 3.4.5, 3.5.4, 3.10.3): what is late, due today, due this week.

For the office and the department: every running clock they may see, by step and by person, counted and listed,
the next deadline first. It only reads; clocks are started and stopped by the acts of the road.
"""
