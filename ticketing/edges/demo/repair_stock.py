"""What repairs of the demo are made of: prices, causes, materials, and how often customers are content."""

from typing import NamedTuple

from ticketing.casefile.defects.commands import Broken
from ticketing.procedure.repairs import Cause, Liable, Part, Phenomenon, Trade
from ticketing.procedure.vocabulary import Role, Satisfaction

PRICES = (18_000, 26_000, 42_000, 68_000, 95_000, 130_000, 240_000, 420_000, 760_000)
DEAR = (1_350_000, 2_150_000, 4_900_000, 6_200_000)
CAUSES = {
    Cause.WORKMANSHIP: 62,
    Cause.MATERIAL: 16,
    Cause.DESIGN: 5,
    Cause.WEAR: 5,
    Cause.MISUSE: 4,
    Cause.PRODUCT: 8,
}
LIABLE = {
    Cause.WORKMANSHIP: Liable.CONTRACTOR,
    Cause.MATERIAL: Liable.CONTRACTOR,
    Cause.DESIGN: Liable.DESIGNER,
    Cause.PRODUCT: Liable.SUPPLIER,
    Cause.WEAR: Liable.CUSTOMER,
    Cause.MISUSE: Liable.CUSTOMER,
}
SECOND = Broken(Part.PLASTER, Phenomenon.FALLING, Trade.DECORATION, "", "墙面起皮")
WORKS_AS = {
    Role.CS_MANAGER: "manager",
    Role.DEPUTY_CHIEF_ENGINEER: "chief",
    Role.DEPUTY_GM: "deputy_gm",
    Role.GENERAL_MANAGER: "gm",
}
ANSWERS = {Satisfaction.VERY_SATISFIED: 30, Satisfaction.SATISFIED: 60, Satisfaction.NEUTRAL: 10}


class Material(NamedTuple):
    """What a crew takes for a kind of work."""

    what: str
    unit: str


MATERIALS = {
    Trade.CIVIL: (Material("聚氨酯防水涂料", "千克"), Material("堵漏王", "千克")),
    Trade.DECORATION: (Material("内墙腻子", "千克"), Material("乳胶漆", "升")),
    Trade.PLUMBING_ELECTRIC: (Material("PVC 管件", "个"), Material("BV2.5 导线", "米")),
}
