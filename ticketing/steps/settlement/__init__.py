"""The account of a repair: 维修工程决算书 by the captain, reviewed or audited by amount, 维修工程结算书, the contractor's
confirmation, certification (procedure 3.5.5 to 3.5.8, 5.4).

Before it stands an accepted work order; after it finance pays (3.5.9).
"""
