"""What a period had of money: accounts handed in, reviewed, certified and paid, and what contractors bear (3.5.5 to 3.5.9)."""

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import func, select

from ticketing.kernel.db import db
from ticketing.masters.contractors.models import Contract, Contractor
from ticketing.oversight.reports.cost_rows import CostFigures, CostRow, RecoveryRow
from ticketing.oversight.reports.service import Window
from ticketing.oversight.reports.stock import Extent
from ticketing.procedure.repairs import OrderClass
from ticketing.steps.settlement.models import Settlement


def count(extent: Extent, window: Window) -> CostFigures:
    """The accounts of one period: by class, and those of class A by contractor."""
    classes = {one: Counter[str]() for one in OrderClass if one.repairs}
    for column, names in (
        (Settlement.submitted_at, ("submitted", "submitted_fen")),
        (Settlement.reviewed_at, ("reviewed", "approved_fen", "before_fen")),
        (Settlement.certified_at, ("certified", "certified_fen")),
        (Settlement.paid_at, ("paid", "paid_fen")),
    ):
        amounts = [
            Settlement.submitted_fen if name in _AS_HANDED_IN else Settlement.approved_fen
            for name in names[1:]
        ]
        rows = db.session.execute(
            select(Settlement.order_class, func.count(), *(func.sum(one) for one in amounts))
            .where(*_within(column, extent, window))
            .group_by(Settlement.order_class)
        )
        for order_class, number, *sums in rows:
            told = dict(zip(names, (number, *(int(one or 0) for one in sums)), strict=True))
            classes[order_class].update(told)
    return CostFigures(
        tuple(CostRow(one, one.label, **counted) for one, counted in classes.items()),
        _recoveries(extent, window),
    )


_AS_HANDED_IN = ("submitted_fen", "before_fen")


def _within(column: Any, extent: Extent, window: Window) -> tuple[Any, ...]:
    return (
        column >= window.start,
        column < window.cutoff,
        extent.holds(Settlement.community_id),
    )


def _recoveries(extent: Extent, window: Window) -> tuple[RecoveryRow, ...]:
    """One row for each contractor with something to tell, by name."""
    told: dict[int, Counter[str]] = defaultdict(Counter)
    names: dict[int, str] = {}
    for column, counted in (
        (Settlement.notified_at, "notified"),
        (Settlement.disputed_at, "disputed"),
        (Settlement.paid_at, "paid"),
    ):
        rows = db.session.execute(
            select(
                Contractor.id,
                Contractor.name,
                func.count(),
                func.sum(Settlement.chargeback_fen),
                func.sum(Settlement.deducted_fen),
            )
            .join(Contract, Contract.id == Settlement.contract_id)
            .join(Contractor, Contractor.id == Contract.contractor_id)
            .where(*_within(column, extent, window))
            .group_by(Contractor.id, Contractor.name)
        )
        for contractor_id, name, number, owed, deducted in rows:
            names[contractor_id] = name
            told[contractor_id].update({counted: number})
            if counted == "paid":
                told[contractor_id].update(owed_fen=int(owed), deducted_fen=int(deducted))
    order = sorted(names, key=lambda one: names[one])
    return tuple(RecoveryRow(one, names[one], **told[one]) for one in order)
