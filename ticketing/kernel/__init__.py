"""Plumbing that knows nothing of complaints: clock, database, text, forms, workbooks."""
