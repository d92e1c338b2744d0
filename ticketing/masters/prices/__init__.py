"""合同价目表 (procedure 3.5.5, 3.5.6): what work costs by the supplementary agreement of a contract, in dated versions.

Paper: the price list of the 售后维修补充协议. Who: the customer service manager or the administrator proposes a version, the
general manager puts it in force (trust: S9). Before: `contractors`; after: `steps/settlement`. Its pages are `oversight/prices`.
"""
