"""Reports 周报、季报 (procedure 3.4.4, 3.10.3, 3.10.4, 5.1): compiled, checked, submitted, then frozen.

A report is a snapshot with a cut-off: query -> frozen figures -> page or workbook, one set of numbers
with two faces. The balance holds: opening + new + reopened - closed - invalid - withdrawn - merged
= closing.
"""
