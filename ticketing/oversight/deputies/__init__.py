"""我的代理: who signs in one's name while one is away, and in whose name one signs (trust: S10).

The rows and their rules are `masters.people.deputies`; here are the page and who is told.
"""
