"""The captain's part of an account: begin it, price it, hand it in 决算书 (procedure 3.5.5)."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, update

from ticketing.casefile.papers.commands import next_number
from ticketing.casefile.tickets import guards
from ticketing.casefile.tickets.commands import hold
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean, clean_line
from ticketing.masters.parameters import queries as parameters
from ticketing.masters.people.models import User
from ticketing.procedure.capitals import MOST_FEN
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.settlement import (
    MOST_MILLI,
    PriceBasis,
    PriceSource,
    Terms,
    line_fen,
    totals,
    unproved,
)
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import hands, listing, queries
from ticketing.steps.settlement.models import SUBJECT, Settlement, SettlementLine
from ticketing.steps.settlement.road import SETTLEMENTS, begin, follow, tell_holders
from ticketing.steps.work_orders import supplements
from ticketing.steps.work_orders.models import Use, WorkOrder

MOST_LINES = 200


class Priced(NamedTuple):
    """One line as it is typed; quantity and price in thousandths."""

    source: PriceSource
    item: str
    unit: str
    quantity_milli: int
    price_milli: int
    quota_code: str = ""
    place: str = ""
    remark: str = ""


def draft(order: WorkOrder, *, actor: User) -> Settlement:
    """Begin the account of an accepted order, with a line for each use of labour and material noted on it (procedure 3.5.5).

    Raises NotPermitted (another's order), Conflict (not accepted, a contractor's work, begun already).
    """
    hold([order.ticket_id])
    db.session.refresh(order)
    if not may(guards.roles_on(order.ticket, actor), Act.DRAFT_ACCOUNT) or not (
        order.team is not None and order.team.captain_id == actor.id
    ):
        raise NotPermitted("决算书由这张派工单的维修队长编制。")
    if not queries.accountable(order):
        raise Conflict("派工单验收之后才能编制决算书；施工单位维修的不编。")
    if queries.of_order(order.id) is not None:
        raise Conflict("这张派工单已经有决算书。")
    at, edition = clock.now(), parameters.edition_on(clock.today())
    settlement = Settlement(
        number=next_number(order.ticket.community.code, "J", at),
        order_id=order.id,
        ticket_id=order.ticket_id,
        community_id=order.community_id,
        order_class=order.order_class,
        parameter_edition_id=edition,
        vat_bp=parameters.limits_of(edition).vat_bp,
        drafted_at=at,
        drafted_by_id=actor.id,
        price_lists=listing.lists_for(order),
    )
    db.session.add(settlement)
    db.session.flush()
    # the order itself has not changed: its version stays
    db.session.execute(update(WorkOrder).where(WorkOrder.id == order.id).values(accounted_at=at))
    _write(settlement, [_of_use(use) for use in _uses(order)])
    record(
        SUBJECT,
        settlement.id,
        Act.DRAFT_ACCOUNT.value,
        actor=actor,
        at=at,
        clause="3.5.5",
        target=settlement.stage.value,
        version=settlement.version,
        facts={
            "number": settlement.number,
            "order": order.number,
            "price_lists": [one.title for one in settlement.price_lists],
        },
    )
    return settlement


def amend(
    settlement: Settlement,
    *,
    version: int,
    basis: PriceBasis,
    vat_bp: int,
    management_bp: int,
    lines: Sequence[Priced],
    remark: str,
    actor: User,
) -> Settlement:
    """Put the lines down anew: what is not handed in yet is typing, of which only the last state is kept.

    Raises Invalid (with the line's number), NotPermitted, Conflict.
    """
    begin(settlement, Act.AMEND_ACCOUNT, version, actor)
    _write(settlement, lines)
    terms = Terms(basis, vat_bp, management_bp)
    SETTLEMENTS.advance(
        settlement,
        Act.AMEND_ACCOUNT,
        actor=actor,
        version=version,
        changes={
            "submitted_fen": _total(settlement, terms),
            "basis": basis,
            "vat_bp": vat_bp,
            "management_bp": management_bp,
            "remark": clean(remark),
        },
        facts={"lines": len(lines)},
    )
    return settlement


def submit(settlement: Settlement, *, version: int, actor: User) -> Settlement:
    """Hand the account in; from the limit on, the number itself included, audit reviews it (procedure 2.7, 3.5.6).

    Where it goes beyond what was approved before the repair, or into a higher tier, that is approved again meanwhile (3.6.1).

    Raises Invalid (nothing priced, a price that does not show where it comes from, an agreed one that is on no price list),
    NotPermitted, Conflict.
    """
    begin(settlement, Act.SUBMIT_ACCOUNT, version, actor)
    if not settlement.submitted_fen:
        raise Invalid("决算书至少要有一行，合计须大于零。")
    for one in settlement.lines:
        if gap := unproved(one.source, one.quota_code, one.remark):
            raise Invalid(f"第 {one.position} 行：{gap[1]}", field="lines")
    listing.refuse_unlisted(settlement, settlement.lines, "lines")
    limit = queries.limits_of(settlement).audit_min_fen
    route = hands.review_route(settlement, audited=settlement.submitted_fen >= limit)
    at = SETTLEMENTS.advance(
        settlement,
        Act.SUBMIT_ACCOUNT,
        actor=actor,
        version=version,
        changes={
            "submitted_at": clock.now(),
            "submitted_by_id": actor.id,
            "route": route,
            "return_reason": "",
        },
        facts={"submitted_fen": settlement.submitted_fen, "limit_fen": limit},
    )
    if supplements.why_again(settlement.order, settlement.submitted_fen):
        supplements.open_supplement(
            settlement.order,
            settlement.submitted_fen,
            actor,
            basis=f"{settlement.number} 第{settlement.revision}版决算书",
        )
    kind = ClockKind.AUDIT if route is Role.AUDITOR else ClockKind.CS_REVIEW
    follow(settlement, Act.SUBMIT_ACCOUNT, at, [kind])
    words = "已报决算书，请审计" if route is Role.AUDITOR else "已报决算书，请审核"
    tell_holders(settlement, actor, at, words, "submitted")
    return settlement


def _uses(order: WorkOrder) -> Sequence[Use]:
    return db.session.scalars(
        select(Use).where(Use.order_id == order.id, Use.struck_at.is_(None)).order_by(Use.id)
    ).all()


def _of_use(use: Use) -> Priced:
    return Priced(PriceSource.AGREED, use.what, use.unit, use.quantity_milli, 0)


def _write(settlement: Settlement, lines: Sequence[Priced]) -> None:
    """Put the lines of the present revision down anew, in their rows; a row that is left over is dropped, never deleted."""
    if len(lines) > MOST_LINES:
        raise Invalid(f"决算书最多 {MOST_LINES} 行。", field="lines")
    known = {
        one.position: one
        for one in db.session.scalars(
            select(SettlementLine).where(
                SettlementLine.settlement_id == settlement.id,
                SettlementLine.revision == settlement.revision,
            )
        )
    }
    for position, line in enumerate(lines, start=1):
        row = known.pop(position, None)
        if row is None:
            row = SettlementLine(
                settlement_id=settlement.id, revision=settlement.revision, position=position
            )
            db.session.add(row)
        _fill(row, line)
    for row in known.values():
        row.dropped = True
    db.session.flush()
    listing.match(settlement)
    db.session.expire(settlement, ["lines"])


def _fill(row: SettlementLine, line: Priced) -> None:
    item, unit, position = clean_line(line.item), clean_line(line.unit), row.position
    if not item:
        raise Invalid(f"第 {position} 行：请填写工程项目名称。", field="lines")
    if not unit:
        raise Invalid(f"第 {position} 行：请填写单位。", field="lines")
    if not 0 < line.quantity_milli <= MOST_MILLI:
        raise Invalid(f"第 {position} 行：数量须大于零、不超过一百万。", field="lines")
    if not 0 <= line.price_milli <= MOST_MILLI:
        raise Invalid(f"第 {position} 行：单价不能超过一百万元。", field="lines")
    row.source, row.quota_code = line.source, clean_line(line.quota_code)
    row.item, row.unit, row.place = item, unit, clean_line(line.place)
    row.quantity_milli, row.price_milli = line.quantity_milli, line.price_milli
    row.submitted_fen = line_fen(line.quantity_milli, line.price_milli)
    row.remark, row.dropped = clean_line(line.remark), False


def _total(settlement: Settlement, terms: Terms) -> int:
    """The total with tax as handed in. Raises Invalid above what a paper can carry."""
    total = totals((one.submitted_fen for one in settlement.lines), terms).total_fen
    if total > MOST_FEN:
        raise Invalid("合计太大，请核对数量和单价。", field="lines")
    return total


def next_revision(settlement: Settlement, *, approved: bool) -> int:
    """Copy the lines into a new revision, for an account that goes back; with what was approved, or without.

    Returns the revision's number; the lines of the one before stay as they are.
    """
    before = list(settlement.lines)
    revision = settlement.revision + 1
    db.session.add_all(
        SettlementLine(
            settlement_id=settlement.id,
            revision=revision,
            position=one.position,
            source=one.source,
            quota_code=one.quota_code,
            item=one.item,
            place=one.place,
            unit=one.unit,
            quantity_milli=one.quantity_milli,
            price_milli=one.price_milli,
            submitted_fen=one.submitted_fen,
            approved_quantity_milli=one.approved_quantity_milli if approved else None,
            approved_price_milli=one.approved_price_milli if approved else None,
            approved_fen=one.approved_fen if approved else None,
            why=one.why if approved else "",
            remark=one.remark,
            listed_id=one.listed_id,
        )
        for one in before
        if approved or one.quantity_milli
    )
    db.session.flush()
    return revision
