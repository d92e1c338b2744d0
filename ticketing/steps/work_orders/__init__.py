"""Work orders 派工 (procedure 3.5.1, 3.5.2, 3.4.5, 3.4.6, 3.6.1): one class, one team, the money approved before.

Paper: 工程派工单（A、B类）. Who: the office drafts, those of 3.6.1 approve by amount, the manager issues, the captain receives
and repairs. Before: `site_survey`. After: `acceptance`.
"""
