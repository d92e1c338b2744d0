"""Contractors 施工单位 and repair teams 维修队 (procedure 2.6, 3.4.5, 3.4.6, 3.5): who built, who repairs.

Paper: the construction contract with its 售后维修补充协议. Who: the customer service manager and engineering keep them.
"""
