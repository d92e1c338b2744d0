"""Reports 周报、季报 (procedure 3.4.4, 3.10.3, 3.10.4, 5.1): compiled, checked, submitted, then frozen.

A report is a snapshot with a cut-off: query -> frozen figures -> page or workbook, one set of numbers
with two faces. The balance holds: opening + new + reopened - closed - invalid - withdrawn - merged
= closing; figures that do not add up are never stored.

Counting: `stock` (who was open when, told from the flows), `service` (what fell due and was kept),
`cases` (the lists), set out in rows by `compiling` as the frozen `figures`. Showing: `layout` and
`quarter` lay the figures out as `table`s whose cells know their `links`; page and `paper` print them.
"""
