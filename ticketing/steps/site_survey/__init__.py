"""Site survey 现场勘察 (procedure 3.4.5, 5.5): within one working day the parties stand in the flat and sign one sheet.

Paper: 现场勘察会签表. Who: customer service, engineering or the property office, the captain, the contractor, the customer.
Before: `dispatch`. After: `work_orders`, or `handling` when nothing is to be repaired.
"""
