"""What a period had of repairs: defects by trade and phenomenon, orders by party and class (3.4.5, 3.5.1 to 3.5.4).

A repair clock says when an order was due and when its crew was done; one that was rejected goes on with a further clock, and the
last one begun by the cut-off counts. An order is in repair from its issue until it is accepted or cancelled.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, func, select, union_all

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock
from ticketing.kernel.db import db
from ticketing.masters.contractors.models import Contractor, RepairTeam
from ticketing.oversight.reports import service, stock
from ticketing.oversight.reports.repair_rows import DefectRow, OrderRow, PartyRow, RepairFigures
from ticketing.oversight.reports.service import Window
from ticketing.oversight.reports.stock import Extent
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.repairs import OrderClass, Phenomenon, Presence, Side, Trade
from ticketing.steps.site_survey.models import SiteSurvey, SurveyBox
from ticketing.steps.work_orders import behind
from ticketing.steps.work_orders.behind import PARTY
from ticketing.steps.work_orders.models import OrderItem, WorkOrder
from ticketing.steps.work_orders.queries import IS_OPEN

NOBODY = "未登记施工单位"


class Party(NamedTuple):
    """Who carries an order out: its team, or the contractor it was transferred to."""

    team_id: int | None
    contractor_id: int | None


@dataclass
class Tally:
    """The orders of one party while they are being counted."""

    issued: int = 0
    due: int = 0
    on_time: int = 0
    original_due: int = 0
    original_on_time: int = 0
    overdue: int = 0
    longest: int = 0
    completed: int = 0
    held: int = 0
    undone: int = 0
    absences: int = 0


class Repaired(NamedTuple):
    """What was found: the tables, and by community the repairs due and those of them done in time."""

    figures: RepairFigures
    due: Counter[int]
    on_time: Counter[int]


def count(extent: Extent, window: Window) -> Repaired:
    """W3, W4 by party, and W7 of one period."""
    parties: dict[Party, Tally] = defaultdict(Tally)
    classes = {one: Counter[str]() for one in OrderClass if one.repairs}
    for order_class, party, number, estimate_fen in _moved(WorkOrder.issued_at, extent, window):
        parties[party].issued += number
        classes[order_class].update(issued=number, estimate_fen=estimate_fen)
    for order_class, party, number, _ in _moved(WorkOrder.accepted_at, extent, window):
        parties[party].completed += number
        classes[order_class].update(completed=number)
    for order_class, _, number, _ in _moved(WorkOrder.cancelled_at, extent, window):
        classes[order_class].update(cancelled=number)
    for party, held, undone in _held(extent, window):
        parties[party].held += held
        parties[party].undone += undone
    for order_class, _, _ in _in_repair(extent, window.start):
        classes[order_class].update(opening=1)
    for order_class, party, due_on in _in_repair(extent, window.cutoff):
        classes[order_class].update(in_repair=1)
        over = (window.as_of_on - due_on).days if due_on else 0
        if over > 0:
            parties[party].overdue += 1
            parties[party].longest = max(parties[party].longest, over)
    due, on_time = Counter[int](), Counter[int]()
    for party, community_id, fallen, kept in _fallen_due(extent, window):
        parties[party].due += fallen
        parties[party].on_time += kept
        due[community_id] += fallen
        on_time[community_id] += kept
    for party, _, fallen, kept in _fallen_due(extent, window, original=True):
        parties[party].original_due += fallen
        parties[party].original_on_time += kept
    for contractor_id, absences in _absences(extent, window):
        parties[Party(None, contractor_id)].absences += absences
    rows, total = _defects(extent, window)
    orders = tuple(OrderRow(one, one.label, **counted) for one, counted in classes.items())
    return Repaired(RepairFigures(rows, total, tuple(_named(parties)), orders), due, on_time)


def _within(column: Any, window: Window) -> tuple[ColumnElement[bool], ...]:
    return column >= window.start, column < window.cutoff


def _moved(column: Any, extent: Extent, window: Window) -> list[tuple[OrderClass, Party, int, int]]:
    """(class, party, orders, estimates in fen) of the issued orders of which `column` lies in the period."""
    rows = db.session.execute(
        select(WorkOrder.order_class, *PARTY, func.count(), func.sum(WorkOrder.estimate_fen))
        .where(
            *_within(column, window),
            WorkOrder.issued_at.is_not(None),
            extent.holds(WorkOrder.community_id),
        )
        .group_by(WorkOrder.order_class, *PARTY)
    )
    return [(row[0], Party(row[1], row[2]), row[3], int(row[4])) for row in rows]


def _held(extent: Extent, window: Window) -> list[tuple[Party, int, int]]:
    """(party, accepted orders that had to hold at the end of the period, of these done again by then)."""
    again = case((behind.undone(window.cutoff), 1), else_=0)
    rows = db.session.execute(
        select(*PARTY, func.count(), func.sum(again))
        .where(*behind.held(window.cutoff), extent.holds(WorkOrder.community_id))
        .group_by(*PARTY)
    )
    return [(Party(row[0], row[1]), row[2], int(row[3])) for row in rows]


def _in_repair(extent: Extent, at: datetime) -> list[tuple[OrderClass, Party, date | None]]:
    """The orders in repair at `at`; the date is that of a repair its crew had not finished then.

    Only orders that are open now or ended since can be, so the reading stays short however old the register is.
    """
    chosen = (
        select(WorkOrder.order_class, *PARTY, Clock.due_on)
        .outerjoin(Clock, behind.unmet_repair(at))
        .where(*behind.in_repair(at), extent.holds(WorkOrder.community_id))
    )
    rows = db.session.execute(
        union_all(
            chosen.where(IS_OPEN),
            chosen.where(WorkOrder.accepted_at >= at),
            chosen.where(WorkOrder.cancelled_at >= at),
        )
    )
    return [(row[0], Party(row[1], row[2]), row[3]) for row in rows]


def _fallen_due(
    extent: Extent, window: Window, *, original: bool = False
) -> list[tuple[Party, int, int, int]]:
    """(party, community, repairs due in the window, of these done in time), by the present or the first due date."""
    limits = service.limits(window)
    in_time = case((service.done_before(limits.c.late_at), 1), else_=0)
    rows = db.session.execute(
        select(*PARTY, WorkOrder.community_id, func.count(), func.sum(in_time))
        .select_from(Clock)
        .join(limits, limits.c.due_on == (Clock.original_due_on if original else Clock.due_on))
        .join(WorkOrder, WorkOrder.id == Clock.order_id)
        .join(Ticket, Ticket.id == Clock.ticket_id)
        .where(
            Clock.kind == ClockKind.REPAIR,
            behind.last_begun(window.cutoff),
            *service.counted(extent, window),
        )
        .group_by(*PARTY, WorkOrder.community_id)
    )
    return [(Party(row[0], row[1]), row[2], row[3], int(row[4])) for row in rows]


def _absences(extent: Extent, window: Window) -> list[tuple[int | None, int]]:
    """(contractor, surveys of the period he was called to and stayed away from)."""
    rows = db.session.execute(
        select(SiteSurvey.contractor_id, func.count())
        .join(SurveyBox, SurveyBox.survey_id == SiteSurvey.id)
        .join(Ticket, Ticket.id == SiteSurvey.ticket_id)
        .where(
            SurveyBox.side == Side.CONTRACTOR,
            SurveyBox.presence == Presence.ABSENT,
            *_within(SurveyBox.at, window),
            extent.holds(Ticket.community_id),
        )
        .group_by(SiteSurvey.contractor_id)
    )
    return [(row[0], row[1]) for row in rows]


def _named(parties: dict[Party, Tally]) -> Iterator[PartyRow]:
    """The parties with something to tell, teams first, each kind by name."""
    names: dict[Party, str] = {Party(None, None): NOBODY}
    for row in db.session.execute(select(RepairTeam.id, RepairTeam.name)):
        names[Party(row[0], None)] = row[1]
    for row in db.session.execute(select(Contractor.id, Contractor.name)):
        names[Party(None, row[0])] = row[1]
    order = sorted(parties, key=lambda one: (one.team_id is None, names[one]))
    for party in order:
        yield PartyRow(*party, names[party], **vars(parties[party]))


def _defects(extent: Extent, window: Window) -> tuple[tuple[DefectRow, ...], DefectRow]:
    """W3: one row for each trade and phenomenon there is something of, and the same counted without telling them apart."""
    kinds = (Defect.trade, Defect.phenomenon)
    new = (
        select(*kinds, func.count(), func.count(Ticket.unit_id.distinct()))
        .join(Ticket, Ticket.id == Defect.ticket_id)
        .where(*_within(Defect.at, window), extent.holds(Defect.community_id))
    )
    rework = (
        select(*kinds, func.count())
        .join(OrderItem, OrderItem.defect_id == Defect.id)
        .join(WorkOrder, WorkOrder.id == OrderItem.order_id)
        .where(
            WorkOrder.rework_of_id.is_not(None),
            OrderItem.dropped_at.is_(None),
            *_within(WorkOrder.issued_at, window),
            extent.holds(WorkOrder.community_id),
        )
    )
    open_ones = (
        select(*kinds, func.count())
        .join(Ticket, Ticket.id == Defect.ticket_id)
        .where(Defect.at < window.cutoff, Ticket.id.in_(stock.open_ids(extent, window.cutoff)))
    )
    cells: dict[tuple[Trade, Phenomenon], Counter[str]] = defaultdict(Counter)
    total = Counter[str]()
    for names, chosen in (
        (("new", "homes"), new),
        (("rework",), rework),
        (("open",), open_ones),
    ):
        for trade, phenomenon, *numbers in db.session.execute(chosen.group_by(*kinds)):
            cells[trade, phenomenon].update(dict(zip(names, numbers, strict=True)))
        whole = chosen.with_only_columns(*chosen.selected_columns[2:], maintain_column_froms=True)
        total.update(dict(zip(names, db.session.execute(whole).one(), strict=True)))
    return tuple(_in_order(cells)), DefectRow(None, None, **total)


def _in_order(cells: dict[tuple[Trade, Phenomenon], Counter[str]]) -> Iterable[DefectRow]:
    """The rows in the order of the vocabulary."""
    for trade in Trade:
        for phenomenon in Phenomenon:
            if (trade, phenomenon) in cells:
                yield DefectRow(trade, phenomenon, **cells[trade, phenomenon])
