"""Tickets: the row of the 来电来访登记表, its notes, and the one function that moves it (procedure 3.4).

Every room of `steps` acts through `commands.advance`; every page reads through `queries`, which
narrow to the scope of the person asking.
"""
