"""People, departments, roles, scope, sign-in (procedure 2, 3.4.2.1): who may do what, and where.

Every page's door is `guard.requires`; every select goes through the `scope` of the person asking.
"""
