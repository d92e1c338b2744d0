"""Acceptance 竣工验收 (procedure 3.5.3, 3.4.6): checked by service or property, signed by the customer.

Paper: the lower half of the 工程派工单. Who: customer service, the property office or engineering; the captain holds the phone
for the customer. Before: `work_orders`. After: `callback`.
"""
