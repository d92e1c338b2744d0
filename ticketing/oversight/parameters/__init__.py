"""The page of the figures the procedure leaves open: values with clause, history, proposal, confirmation.

The rows and their rules are `masters.parameters`; here is who is told (procedure 3.6.1).
"""
