"""The bells of the clocks (procedure 3.4.2.2, 3.4.5, 3.4.7, 3.10.3): who is told when, and breaches on record.

What rings is found in the state of the database, never in a schedule: however many processes look, and whatever
was killed in between, each level of each deadline is told once (docs/decisions/0011).
"""
