"""The accounts of the demo's repairs: every working day captain, reviewer, office, auditor, certifier and finance do what has come to them.

Most accounts go all the way to the money. Some of the last days are left in every state, so that whoever signs in finds
something to do (procedure 3.5.5 to 3.5.9).
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select

from ticketing.books.payments import commands as payments
from ticketing.edges.demo.cast import Cast
from ticketing.edges.demo.prices import WHOLE
from ticketing.edges.demo.repair_stock import WORKS_AS
from ticketing.edges.demo.story import Story, works
from ticketing.edges.demo.town import Town
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import scope_of
from ticketing.masters.prices import queries as prices
from ticketing.masters.prices.queries import Wanted
from ticketing.procedure.accounts import Purpose
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import NoticeWay, PriceBasis, PriceSource, SettlementStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import (
    certifying,
    confirming,
    drafting,
    listing,
    queries,
    reviewing,
)
from ticketing.steps.settlement.booking import source_of
from ticketing.steps.settlement.drafting import Priced
from ticketing.steps.settlement.models import Settlement, SettlementLine
from ticketing.steps.settlement.reviewing import Audited
from ticketing.steps.work_orders import approving, supplements
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.turns import next_step

S = SettlementStage
AUDIT_LINE = {1_999_999: S.SUBMITTED, 2_000_000: S.SUBMITTED, 2_000_001: S.CERTIFIED}
"""Estimates in fen on each side of the audit's limit, and how far their accounts come, which amount to exactly the same."""

UNCOMPILED = (64_900, 71_700, 83_300)
"""The estimates of repairs whose 结算书 nobody has made yet: one for each community, so one for each office."""

LEFT: dict[int, SettlementStage | None] = {
    **AUDIT_LINE,
    321_500: None,
    86_300: S.DRAFTING,
    145_700: S.RETURNED,
    2_681_000: S.CONFIRMING,
    96_100: S.CONFIRMING,
    411_300: S.DISPUTED,
    58_700: S.DISPUTED,
    1_241_000: S.CONFIRMED,
    75_300: S.CONFIRMED,
    231_700: S.CONFIRMED,
    187_900: S.REVIEWED,
    **dict.fromkeys(UNCOMPILED, S.REVIEWED),
    92_300: S.CERTIFIED,
}
"""How far the accounts of some repairs are brought, known by their estimates; None: not begun. All others are paid."""

PRICES = {"工日": 280_000, "千克": 26_500, "升": 38_800, "个": 14_250, "米": 6_335}
"""Unit prices in thousandths of a yuan; what is in no list costs `OTHERWISE`."""
OTHERWISE = 45_000

ASKED = ("恒通建材", "澄江五金", "安居装饰材料")
"""Whom captains ask for the price of what is on no list."""

DEARER = {86_300: 112, 145_700: 108, 187_900: 110, 231_700: 106}
"""Estimates of repairs whose captain asks for more than the agreed price: so many per cent of it."""
AGREED_DEARER = 187_900
"""The one of them where the reviewer agrees to the dearer price, and says why."""
QUOTED = 86_300
"""A repair whose captain prices by quota what is on the price list."""


PAID_AFTER = 5
"""Days between the certification and the payment's being made."""


class AccountDesks:
    """Those who make, review, certify and pay accounts, each with his hour of the day."""

    def __init__(self, town: Town, cast: Cast) -> None:
        self.cast, self.rng = cast, random.Random(f"{town.seed}-accounts")
        self.hours: tuple[tuple[int, int, Callable[[], None]], ...] = (
            (9, 40, self.contractors),
            (10, 20, self.reviewers),
            (10, 50, self.accountant),
            (14, 10, self.compilers),
            (14, 50, self.cashier),
            (15, 25, self.captains),
            (16, 30, self.certifier),
        )

    def goes_on(self, order: WorkOrder, stage: SettlementStage | None) -> bool:
        """Whether the account of an order is brought on from `stage`."""
        end = LEFT.get(order.estimate_fen, S.PAID)
        if order.order_class is OrderClass.B and end in _OF_A:
            end = S.PAID
        return stage is not end

    def at(self, *stages: SettlementStage) -> Iterator[Settlement]:
        """The accounts that stand at one of `stages` and go on from there."""
        rows = db.session.scalars(
            select(Settlement).where(Settlement.stage.in_(stages)).order_by(Settlement.id)
        ).all()
        return (one for one in rows if self.goes_on(one.order, one.stage))

    def captains(self) -> None:
        """Both captains price what was accepted the day before, and what came back."""
        for name in ("captain", "captain2"):
            captain = self.cast[name]
            for order in queries.to_account(scope_of(captain)):
                if _days_since(order.accepted_at) >= 1 and self.goes_on(order, None):
                    self.price(order, drafting.draft(order, actor=captain))
        for settlement in self.at(S.DRAFTING, S.RETURNED):
            drafting.submit(
                settlement,
                version=settlement.version,
                actor=settlement.drafted_by,
            )

    def price(self, order: WorkOrder, settlement: Settlement) -> None:
        """Put prices beside what was noted, and one line for the rest of the estimate."""
        exact = order.estimate_fen in AUDIT_LINE
        lines = (
            [self.whole(settlement, order.estimate_fen)]
            if exact
            else self.lines(order, settlement.lines)
        )
        drafting.amend(
            settlement,
            version=settlement.version,
            basis=PriceBasis.INCLUSIVE if exact else PriceBasis.EXCLUSIVE,
            vat_bp=settlement.vat_bp,
            management_bp=0 if exact else self.rng.choice((0, 0, 300)),
            lines=lines,
            remark="",
            actor=settlement.drafted_by,
        )

    def whole(self, settlement: Settlement, fen: int) -> Priced:
        """One line for a whole repair: by the price list where it is on it, though at another price."""
        item = WHOLE
        lists = [one.id for one in settlement.price_lists]
        listed = prices.find(lists, [Wanted("", item.item, item.unit)])[0]
        source = PriceSource.AGREED if listed else PriceSource.ENQUIRY
        code, remark = (item.code, "") if listed else ("", self.asked())
        return Priced(source, item.item, item.unit, 1_000, fen * 10, code, remark=remark)

    def asked(self) -> str:
        """Whom the captain asked for a price, the day before he wrote the account."""
        return f"{clock.today() - timedelta(days=1)} {ASKED[clock.today().day % len(ASKED)]}报价"

    def lines(self, order: WorkOrder, noted: Sequence[SettlementLine]) -> list[Priced]:
        """The lines of an account near its estimate."""
        percent = DEARER.get(order.estimate_fen, 112 if order.id % 23 == 7 else 100)
        lines = [self.noted(order, one, percent if n == 0 else 100) for n, one in enumerate(noted)]
        rest = order.estimate_fen * self.rng.randint(78, 90) // 100
        rest -= sum(one.quantity_milli * one.price_milli // 10_000 for one in lines)
        if rest > 2_000:
            area = self.rng.choice((1_000, 2_500, 4_000, 6_200))
            price = rest * 10_000 // area
            source = self.rng.choice((PriceSource.QUOTA, PriceSource.PUBLISHED))
            code = f"B{self.rng.randint(1, 9)}-{self.rng.randint(10, 99)}"
            lines.append(Priced(source, "基层处理及面层修复", "㎡", area, price, quota_code=code))
        return lines

    def noted(self, order: WorkOrder, one: SettlementLine, percent: int) -> Priced:
        """What was noted on the order, by the price list where it is on it: at its price, or so many per cent of that."""
        source, price, code = PriceSource.ENQUIRY, PRICES.get(one.unit, OTHERWISE), ""
        if one.listed is not None:
            source = PriceSource.QUOTA if order.estimate_fen == QUOTED else PriceSource.AGREED
            price, code = one.listed.price_milli * percent // 100, one.listed.code
        remark = self.asked() if source is PriceSource.ENQUIRY else ""
        return Priced(
            source, one.item, one.unit, one.quantity_milli, price, quota_code=code, remark=remark
        )

    def reviewers(self) -> None:
        """The manager or the auditor looks at every line; now and then an account goes back to its captain."""
        for settlement in self.at(S.SUBMITTED):
            actor = self.cast["auditor" if settlement.route is Role.AUDITOR else "manager"]
            ends_returned = LEFT.get(settlement.order.estimate_fen) is S.RETURNED
            if settlement.revision == 1 and (ends_returned or self.rng.random() < 0.06):
                reviewing.send_back(
                    settlement,
                    version=settlement.version,
                    reason="材料缺采购凭证，数量与现场照片不符，请核对后重报。",
                    actor=actor,
                )
                continue
            self.approve_again(settlement)
            reviewing.finish(
                settlement,
                version=settlement.version,
                audited=[self.audited(settlement, one) for one in settlement.lines],
                basis=settlement.basis,
                vat_bp=settlement.vat_bp,
                management_bp=settlement.management_bp,
                review="按现场实际工程量和协议价审定。",
                actor=actor,
            )

    def approve_again(self, settlement: Settlement) -> None:
        """Those whose turn it is approve an account that went beyond its estimate (procedure 3.6.1)."""
        order = settlement.order
        while supplements.why_again(order, settlement.submitted_fen):
            step = next_step(order)
            assert step is not None  # handing it in has opened the round
            approving.approve(
                order,
                version=order.version,
                reason="现场实际工程量大于勘察估计，同意。",
                actor=self.cast[WORKS_AS[step.role]],
            )

    def audited(self, settlement: Settlement, line: SettlementLine) -> Audited:
        """A line as it is approved: mostly as handed in, sometimes a little less, hardly ever above the agreed price."""
        cut = self.rng.choice((100, 100, 100, 95, 90)) if line.quantity_milli > 1_000 else 100
        price, why = line.price_milli, ""
        if line.listed is not None:
            listed = listing.listed_milli(line.listed, settlement.basis, settlement.vat_bp)
            if price > listed and settlement.order.estimate_fen == AGREED_DEARER:
                why = "夜间抢修，人工加价，有现场签证。"
            else:
                price = min(price, listed)
        return Audited(line.id, line.quantity_milli * cut // 100, price, why)

    def compilers(self) -> None:
        """The office makes the 结算书; some are left to whoever tries the demo."""
        for settlement in db.session.scalars(
            select(Settlement)
            .where(Settlement.stage == S.REVIEWED, Settlement.compiled_at.is_(None))
            .order_by(Settlement.id)
        ).all():
            if settlement.order.estimate_fen not in UNCOMPILED:
                self.compile(settlement)

    def compile(self, settlement: Settlement) -> None:
        """The 结算书 of one account."""
        contract = None
        if settlement.order_class is OrderClass.A:
            offered = queries.contracts_for(settlement)
            contract = queries.likely_contract(settlement) or offered[0][0]
        reviewing.compile_settlement(
            settlement,
            version=settlement.version,
            contract_id=contract,
            actor=self.office(settlement),
        )

    def office(self, settlement: Settlement) -> User:
        """The head of the office of its community."""
        return self.cast.desk_of(settlement.ticket.community.code)[1]

    def contractors(self) -> None:
        """The auditor notifies contractors and writes down their answers."""
        auditor = self.cast["auditor"]
        for one in self.at(S.CONFIRMING):
            if _days_since(one.notified_at) < 2:
                continue
            if LEFT.get(one.order.estimate_fen) is S.DISPUTED:
                confirming.dispute(
                    one, version=one.version, dispute="认为基层处理的工程量偏大。", actor=auditor
                )
            elif self.silent(one):
                if one.reminded_at is None and queries.answer_over(one, clock.today()):
                    confirming.remind(
                        one, version=one.version, evidence="催告函快递签收单", actor=auditor
                    )
            else:
                assert one.contract is not None  # compiling has named it
                confirming.confirm(
                    one,
                    version=one.version,
                    confirmed_by=one.contract.contractor.contact,
                    evidence=f"盖章确认函 {one.number}",
                    actor=auditor,
                )
        for one in self.at(S.REVIEWED):
            if one.compiled_at is not None and one.order_class is OrderClass.A:
                confirming.notify(
                    one,
                    version=one.version,
                    way=self.rng.choice(list(NoticeWay)),
                    evidence=f"送达回执 {one.number}",
                    actor=auditor,
                )

    def silent(self, settlement: Settlement) -> bool:
        """Whether its contractor keeps silent until he is reminded."""
        answered = settlement.reminded_at is not None and _days_since(settlement.reminded_at) >= 1
        return settlement.id % 11 == 5 and not answered

    def certifier(self) -> None:
        """The deputy chief engineer certifies what is ready."""
        for one in self.at(S.REVIEWED, S.CONFIRMED):
            ready = one.compiled_at is not None and (
                one.order_class is OrderClass.B or one.stage is S.CONFIRMED
            )
            if ready:
                certifying.certify(
                    one, version=one.version, opinion="同意。", actor=self.cast["chief"]
                )

    def accountant(self) -> None:
        """Finance makes the payment of what was certified some days ago."""
        for one in self.at(S.CERTIFIED):
            if (
                _days_since(one.certified_at) >= PAID_AFTER
                and payments.live(source_of(one)) is None
            ):
                payments.prepare(
                    purpose=Purpose.SETTLEMENT, source=source_of(one), actor=self.cast["finance"]
                )

    def cashier(self) -> None:
        """The cashier lets go what was prepared before today."""
        for one in self.at(S.CERTIFIED):
            payment = payments.live(source_of(one))
            if payment is not None and _days_since(payment.prepared_at):
                payments.release(
                    payment,
                    version=payment.version,
                    paid_on=clock.today(),
                    bank_reference=f"WX{payment.id:010d}",
                    actor=self.cast["finance2"],
                )


_OF_A = (S.CONFIRMING, S.DISPUTED, S.CONFIRMED)


def _days_since(instant: datetime | None) -> int:
    """The days from an instant's date to today's."""
    assert instant is not None  # asked only of what has happened
    return (clock.today() - clock.local(instant).date()).days


def accounts(town: Town, cast: Cast, first_day: date) -> Story:
    """What is done about accounts on every working day from `first_day` until today."""
    desks = AccountDesks(town, cast)
    day = first_day
    while day <= town.today:
        if works(day):
            for hour, minute, act in desks.hours:
                yield clock.at(day, hour, minute)
                act()
        day += timedelta(days=1)
