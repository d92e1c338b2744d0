"""Dispatch 分派 (procedure 3.4.2, 3.4.2.1, 2.1.3): one category, one department, one named handler.

Who: service office or manager. Before: `intake`. After: `handling`. The department may send a ticket
back with its reason; the office may transfer it, and ask other departments to assist.
"""
