"""Closing and the side exits (procedure 2.2.2, 3.4.2, 3.5.4): closed, reopened, invalid, withdrawn, merged.

Who: office or manager; the customer's withdrawal also the clerk. Nothing is ever deleted: each exit
keeps its reason, and a closed ticket can be taken up again.
"""
