"""The daily digest (procedure 3.4.5): each working morning everybody with open work is told what it is.

Written from the running clocks into the inboxes; e-mail is the notices' business.
"""
