"""Intake 来电来访登记表 (procedure 3.4.1, 3.4.3, 5.3): the records clerk writes what the caller says.

Before: a call, a visit, a letter, a colleague of another department. After: `dispatch`.
The caller is found by one box, his open tickets stand beside the form, several matters of one call
become several tickets of that call, and a repeated call is joined to the ticket it is about.
"""
