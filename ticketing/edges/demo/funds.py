"""The working funds of the demo: customer service and the northern crew spend, count and are filled again (procedure 3.6).

A difference was found once, the last replenishment is under way, and some of the crew's slips have grown old.
"""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import select

from ticketing.books.imprest import commands, funding, orders, queries
from ticketing.books.imprest.models import ImprestFund
from ticketing.books.payments import commands as payments
from ticketing.edges.demo.cast import Cast
from ticketing.edges.demo.story import Story, working_day, works
from ticketing.edges.demo.town import Town
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.contractors.models import RepairTeam
from ticketing.procedure.imprest import COUNT_FROM, SpendingWay, reaches

SERVICE = (
    ("快递登记资料", "顺丰速运", 2_400, 9_800),
    ("慰问老人水果礼盒", "永辉超市", 9_800, 39_800),
    ("客户座谈会茶歇", "云间烘焙", 26_000, 68_000),
    ("漏水住户临时住宿补贴", "如家酒店", 45_000, 98_000),
    ("打印会签表、派工单", "图文快印", 6_000, 21_000),
    ("第三方渗漏检测", "省建科院检测中心", 120_000, 260_000),
)
"""What customer service buys: words, payee, from and to in fen."""

CREW = (
    ("PPR 管件、生料带", "恒通五金", 4_800, 26_000),
    ("聚合物防水涂料", "东方雨虹专卖店", 36_000, 98_000),
    ("瓷砖补片", "诺贝尔瓷砖店", 12_000, 66_000),
    ("角阀、软管", "恒通五金", 3_600, 18_000),
    ("腻子粉、乳胶漆", "立邦漆专卖", 15_000, 58_000),
    ("疏通设备租用", "捷通管道", 90_000, 160_000),
)
"""What the crew buys."""

CASH_ITEM = 100_000


class Boxes:
    """Two funds and those who keep, pay and count them."""

    def __init__(self, town: Town, cast: Cast) -> None:
        self.cast, self.rng = cast, random.Random(f"{town.seed}-funds")
        self.town = town
        self.spends = {"manager": SERVICE, "captain": CREW}

    def fund(self, keeper: str) -> ImprestFund:
        """The fund a person keeps."""
        of = ImprestFund.keeper_id == self.cast[keeper].id
        return db.session.scalars(select(ImprestFund).where(of)).one()

    def open(self) -> None:
        """Finance opens both funds and the keepers ask for their advance."""
        team = db.session.scalars(
            select(RepairTeam).where(RepairTeam.captain_id == self.cast["captain"].id)
        ).one()
        for team_id, keeper in ((None, "manager"), (team.id, "captain")):
            fund = commands.open_fund(
                team_id=team_id, keeper_id=self.cast[keeper].id, actor=self.cast["finance"]
            )
            funding.ask(fund, slip_ids=[], note="首次拨付", actor=self.cast[keeper])

    def prepare(self, *keepers: str) -> None:
        """Finance makes the payments of what is asked for."""
        for keeper in keepers:
            asked = queries.standing(self.fund(keeper)).asked
            if asked is not None and payments.live(asked.source) is None:
                payments.prepare(
                    purpose=asked.purpose, source=asked.source, actor=self.cast["finance"]
                )

    def release(self, *keepers: str) -> None:
        """The cashier releases them."""
        for keeper in keepers:
            asked = queries.standing(self.fund(keeper)).asked
            payment = payments.live(asked.source) if asked is not None else None
            if payment is not None:
                payments.release(
                    payment,
                    version=payment.version,
                    paid_on=clock.today(),
                    bank_reference=f"ZZJ{payment.id:08d}",
                    actor=self.cast["finance2"],
                )

    def spend(self, keeper: str) -> None:
        """One slip, where the fund still pays and, for the crew, there is an order."""
        fund, actor = self.fund(keeper), self.cast[keeper]
        what, payee, least, most = self.rng.choice(self.spends[keeper])
        fen = self.rng.randrange(least, most + 1, 10)
        one = queries.standing(fund)
        if one.stopped or fen > one.cash_fen:
            return
        order_id = community_id = None
        if fund.team_id is not None:
            offered = orders.choices(fund.team_id)[:12]
            if not offered:
                return
            order_id = self.rng.choice(offered).id
        else:
            places = sorted(community.id for community in self.town.communities.values())
            community_id = self.rng.choice([None, *places])
        commands.spend(
            fund,
            on=clock.today(),
            what=what,
            payee=payee,
            amount_fen=fen,
            way=SpendingWay.CASH if fen <= CASH_ITEM else SpendingWay.TRANSFER,
            urgent=False,
            community_id=community_id,
            order_id=order_id,
            actor=actor,
        )

    def ask(self, *, at_any_rate: bool = False) -> None:
        """The manager hands his slips in when the fund runs low."""
        one = queries.standing(self.fund("manager"))
        low = reaches(one.ceiling_fen, one.cash_fen, one.limits.replenish_bp)
        slips = queries.open_slips(one.fund.id)
        if one.asked is None and slips and (low or at_any_rate):
            kept = slips[:-1] or slips
            funding.ask(
                one.fund,
                slip_ids=[slip.id for slip in kept],
                note=f"{clock.today().month} 月零星支出",
                actor=self.cast["manager"],
            )

    def count(self, keeper: str, witness: str, short: int) -> None:
        """The month's counting; once a note was missing."""
        fund, actor = self.fund(keeper), self.cast[keeper]
        cash = queries.standing(fund).cash_fen
        commands.count_cash(
            fund,
            counted_fen=max(0, cash - short),
            witness_id=self.cast[witness].id,
            explanation="找零差错，少收 10 元，已说明。" if short else "",
            actor=actor,
        )

    def clear(self) -> None:
        """Finance confirms what paid settlements gave back to the crew, of each as far as it goes."""
        fund, gone = self.fund("captain"), Counter[int | None]()
        for slip, left in funding.clearable(fund):
            if gone[slip.order_id] + slip.amount_fen <= left:
                funding.clear_slips(fund, slip_ids=[slip.id], actor=self.cast["finance"])
                gone[slip.order_id] += slip.amount_fen


def funds(town: Town, cast: Cast, first: date) -> Story:
    """Both funds from their opening on until today."""
    boxes = Boxes(town, cast)
    both = ("manager", "captain")
    yield clock.at(first, 9, 5)
    boxes.open()
    yield clock.at(first, 10, 10)
    boxes.prepare(*both)
    yield clock.at(first, 15, 20)
    boxes.release(*both)
    counted, month, lately = 0, 0, working_day(town.today, -4)
    for day in _days(working_day(first, 1), town.today):
        yield clock.at(day, 9, 50)
        boxes.prepare("manager")
        yield clock.at(day, 11, 15)
        if boxes.rng.random() < 0.45 or day >= lately:
            boxes.spend("manager")
        if boxes.rng.random() < 0.25:
            boxes.spend("captain")
        yield clock.at(day, 15, 40)
        if day < town.today:
            boxes.release("manager")
        if day.day >= COUNT_FROM and day.month != month:
            month, counted = day.month, counted + 1
            boxes.count("manager", "finance", 1_000 if counted == 3 else 0)
            boxes.count("captain", "office", 0)
            boxes.clear()
        yield clock.at(day, 16, 50)
        boxes.ask(at_any_rate=day == working_day(town.today, -1))


def _days(first: date, last: date) -> Sequence[date]:
    span = range((last - first).days + 1)
    return [day for n in span if works(day := first + timedelta(days=n))]
