"""Those who built the demo's communities and those who repair them: contractors, contracts, two repair teams."""

from datetime import date, timedelta

from ticketing.edges.demo.cast import JIANGBEI, JIANGNAN, Cast
from ticketing.edges.demo.town import PLANS, Plan, Town
from ticketing.masters.contractors import commands as contractors
from ticketing.procedure.repairs import Part, Trade

BUILDERS = (
    ("TJ", "澄江建工集团有限公司", "项目经理 林国栋", (Trade.CIVIL,), 620_000_00),
    ("ZS", "雅筑装饰工程有限公司", "售后 何志鹏", (Trade.DECORATION, Trade.OTHER), 260_000_00),
    (
        "SD",
        "恒通机电安装有限公司",
        "售后 苏晓东",
        (Trade.PLUMBING_ELECTRIC, Trade.INTELLIGENT, Trade.LIFT),
        340_000_00,
    ),
    ("LH", "绿野园林工程有限公司", "养护 方圆", (Trade.LANDSCAPE,), 80_000_00),
)
"""Mark of the contract, company, its contact, trades, retention held in fen."""

TEAMS = (
    ("江北维修队", "captain", JIANGBEI, ("阿强", "老周", "小陈", "阿明")),
    ("江南维修队", "captain2", JIANGNAN, ("大刘", "小郑", "老何")),
)
CRAFTS = (Trade.PLUMBING_ELECTRIC, Trade.CIVIL, Trade.DECORATION, Trade.CIVIL)
BUILT_BEFORE = timedelta(days=95)
"""How long before its delivery a community had its completion acceptance."""


def builders_and_crews(town: Town, cast: Cast) -> None:
    """Enter contractors with a contract a community, promised warranty periods, and the repair teams."""
    manager = cast["manager"]
    for mark, name, contact, trades, retention_fen in BUILDERS:
        contractor = contractors.save_contractor(
            None, name=name, contact=contact, phone="", active=True, actor=manager
        )
        for plan in PLANS:
            contractors.save_contract(
                None,
                number=f"{plan.code}-{mark}-01",
                contractor_id=contractor.id,
                community_id=town.communities[plan.code].id,
                trades=trades,
                completed_on=completed_on(town, plan),
                liability_months=24,
                retention_fen=retention_fen,
                agreement=f"{plan.name}售后维修补充协议",
                deemed_confirmation=mark == "ZS",
                actor=manager,
            )
    for part in (Part.PLASTER, Part.FLOOR, Part.DOORS):
        contractors.promise(
            community_id=None,
            part=part,
            owner_months=24,
            contractor_months=24,
            since=date(2015, 1, 1),
            source="住宅质量保证书",
            actor=manager,
        )
    for name, captain, places, workers in TEAMS:
        team = contractors.save_team(
            None,
            name=name,
            captain_id=cast[captain].id,
            community_ids=[town.communities[code].id for code in places],
            active=True,
            actor=manager,
        )
        for worker, trade in zip(workers, CRAFTS, strict=False):
            contractors.save_worker(
                None, team, name=worker, phone="", trade=trade, active=True, actor=manager
            )


def completed_on(town: Town, plan: Plan) -> date:
    """The day a community's construction passed its completion acceptance."""
    return town.delivered_on(plan) - BUILT_BEFORE
