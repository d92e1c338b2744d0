"""Tells accounts: a settlement brought to any stage in one call."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from tests.support.make import Maker
from tests.support.repairs import LEAK, Repairs
from ticketing.casefile.defects.commands import Broken
from ticketing.kernel.db import db, transaction
from ticketing.masters.contractors.models import Contract
from ticketing.procedure.repairs import Cause, OrderClass, OrderStage
from ticketing.procedure.settlement import NoticeWay, PriceBasis, PriceSource, SettlementStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import certifying, confirming, drafting, hands, reviewing
from ticketing.steps.settlement.drafting import Priced
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.settlement.reviewing import Audited

EXAMPLE = (
    Priced(PriceSource.AGREED, "防水涂料", "㎡", 3_000, 120_000),
    Priced(PriceSource.QUOTA, "瓷砖铺贴", "㎡", 18_600, 85_500, quota_code="B1-23"),
    Priced(PriceSource.ENQUIRY, "渣土清运", "车", 1_000, 260_000, remark="3月2日 恒通清运 260元"),
    Priced(PriceSource.AGREED, "人工", "工日", 6_000, 45_335),
)
"""The worked example: 2,482.31 before tax, 2,705.72 with 9 % of it."""

AUDITED = ((2_500, 110_000), (18_200, 80_000), (1_000, 260_000), (6_000, 45_335))
"""What its review leaves: 2,263.01 before tax, 2,466.68 with it."""


class Settlements:
    """Makes accounts of the test world."""

    def __init__(self, make: Maker) -> None:
        self.make, self.repairs = make, Repairs(make)

    def begun(self, *broken: Broken, cause: Cause = Cause.WORKMANSHIP, **facts: Any) -> Settlement:
        """The account of an accepted order (by default of class A), with nothing in it."""
        facts = {"estimate_fen": 260_000, **facts}
        order = self.repairs.order(OrderStage.ACCEPTED, *(broken or (LEAK,)), cause=cause, **facts)
        with transaction():
            return drafting.draft(order, actor=self.make.user("captain"))

    def of_class_b(self, **facts: Any) -> Settlement:
        """The account of a class B order: a design fault is not the contractor's."""
        begun = self.begun(LEAK, cause=Cause.DESIGN, **facts)
        assert begun.order_class is OrderClass.B
        return begun

    def priced(self, settlement: Settlement, lines: Sequence[Priced] = EXAMPLE) -> Settlement:
        """Put lines down."""
        with transaction():
            return drafting.amend(
                settlement,
                version=settlement.version,
                basis=PriceBasis.EXCLUSIVE,
                vat_bp=900,
                management_bp=0,
                lines=lines,
                remark="",
                actor=self.make.user("captain"),
            )

    def costing(self, settlement: Settlement, fen: int) -> Settlement:
        """Put down one line that comes to `fen` with the tax in it."""
        with transaction():
            return drafting.amend(
                settlement,
                version=settlement.version,
                basis=PriceBasis.INCLUSIVE,
                vat_bp=900,
                management_bp=0,
                lines=(Priced(PriceSource.AGREED, "整改", "项", 1_000, fen * 10),),
                remark="",
                actor=self.make.user("captain"),
            )

    def bring(self, settlement: Settlement, stage: SettlementStage) -> Settlement:
        """Bring an account on from its draft to `stage`."""
        make, s = self.make, settlement
        if stage is SettlementStage.DRAFTING:
            return s
        if not s.submitted_fen:
            self.priced(s)
        with transaction():
            drafting.submit(s, version=s.version, actor=make.user("captain"))
        if stage is SettlementStage.SUBMITTED:
            return s
        reviewer = make.user("auditor" if s.route is Role.AUDITOR else "manager")
        if stage is SettlementStage.RETURNED:
            with transaction():
                return reviewing.send_back(
                    s, version=s.version, reason="缺采购凭证", actor=reviewer
                )
        self.reviewed(s)
        if stage is SettlementStage.REVIEWED:
            return s
        self.compiled(s)
        return self.bring_on(s, stage)

    def bring_on(self, s: Settlement, stage: SettlementStage) -> Settlement:
        """Bring a compiled account on to its contractor's answer, or its certification."""
        make = self.make
        if s.order_class is OrderClass.A:
            with transaction():
                confirming.notify(
                    s,
                    version=s.version,
                    way=NoticeWay.COURIER,
                    evidence="SF1029384756",
                    actor=make.user("auditor"),
                )
            if stage is SettlementStage.CONFIRMING:
                return s
            if stage is SettlementStage.DISPUTED:
                with transaction():
                    return confirming.dispute(
                        s, version=s.version, dispute="单价过高", actor=make.user("auditor")
                    )
            with transaction():
                confirming.confirm(
                    s,
                    version=s.version,
                    confirmed_by="张经理",
                    evidence="确认函 12 号",
                    actor=make.user("auditor"),
                )
            if stage is SettlementStage.CONFIRMED:
                return s
        with transaction():
            return certifying.certify(
                s, version=s.version, opinion="同意", actor=make.user("chief")
            )

    def reviewed(
        self, s: Settlement, audited: Sequence[tuple[int, int]] | None = None
    ) -> Settlement:
        """Review every line: as the worked example says, or as handed in."""
        reviewer = self.make.user(
            "auditor" if hands.reviewing_role(s) is Role.AUDITOR else "manager"
        )
        wanted = audited or (AUDITED if len(s.lines) == len(AUDITED) else None)
        with transaction():
            return reviewing.finish(
                s,
                version=s.version,
                audited=[
                    Audited(one.id, *wanted[n])
                    if wanted
                    else Audited(one.id, one.quantity_milli, one.price_milli)
                    for n, one in enumerate(s.lines)
                ],
                basis=s.basis,
                vat_bp=s.vat_bp,
                management_bp=s.management_bp,
                review="按实审定",
                actor=reviewer,
            )

    def compiled(self, s: Settlement, **facts: Any) -> Settlement:
        """Make the settlement of the review."""
        a = s.order_class is OrderClass.A
        with transaction():
            return reviewing.compile_settlement(
                s,
                **{
                    "version": s.version,
                    "contract_id": self.contract() if a else None,
                    "actor": self.make.user("office"),
                    **facts,
                },
            )

    def contract(self) -> int:
        """The contract for plumbing in the world's first community."""
        found = db.session.scalar(select(Contract.id).where(Contract.number == "YX-SD-01"))
        assert found is not None
        return found
