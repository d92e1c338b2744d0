"""维修工程决算书 and 维修工程结算书（A、B类） as they stand on paper, in the layout of the procedure's own form (procedure 5.4)."""

from datetime import date
from typing import NamedTuple

from ticketing.kernel import clock
from ticketing.procedure.capitals import amount_in_words
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import Reduction, Terms, Totals, reduction, totals
from ticketing.steps.settlement import listing
from ticketing.steps.settlement.models import Settlement, SettlementLine

ROWS = 21
"""So many numbered rows the form has; a longer account goes on."""


class PaperLine(NamedTuple):
    """One line: as handed in, and as approved where the account is reviewed."""

    quota_code: str
    item: str
    unit: str
    source: str
    quantity_milli: int
    price_milli: int
    submitted_fen: int
    approved_quantity_milli: int | None
    approved_price_milli: int | None
    approved_fen: int | None
    remark: str


class AccountPaper(NamedTuple):
    """What stands on one account. `approved` is None on a 决算书; `submitted_fen` is the total with tax as handed in."""

    settlement_id: int
    number: str
    order_number: str
    order_class: OrderClass
    customer: str
    community: str
    room: str
    day: date
    terms: Terms
    lines: list[PaperLine]
    submitted_fen: int
    approved: Totals | None
    captain: str
    head: str
    clerk: str
    reviewer: str

    @property
    def title(self) -> str:
        """决算书 until the review is done, 结算书 afterwards."""
        return "维修工程决算书" if self.approved is None else "维修工程结算书"

    @property
    def submitted(self) -> Totals | None:
        """The sums as handed in; None where they were reckoned by other rates than the account now has."""
        found = totals((one.submitted_fen for one in self.lines), self.terms)
        return found if found.total_fen == self.submitted_fen else None

    @property
    def total_fen(self) -> int:
        """The total with tax: as approved, before that as handed in."""
        return self.submitted_fen if self.approved is None else self.approved.total_fen

    @property
    def words(self) -> str:
        """审定总价（大写）."""
        return amount_in_words(self.total_fen)

    @property
    def cut(self) -> Reduction | None:
        """审减, once it is reviewed."""
        if self.approved is None:
            return None
        return reduction(self.submitted_fen, self.approved.total_fen)

    @property
    def blank_rows(self) -> int:
        """How many rows of the form stay empty."""
        return max(ROWS - len(self.lines), 0)


def paper_of(settlement: Settlement) -> AccountPaper:
    """The paper of an account as it stands now."""
    reviewed = settlement.reviewed_at is not None
    approved = (
        totals((one.approved_fen or 0 for one in settlement.lines), settlement.terms)
        if reviewed
        else None
    )
    ticket, order = settlement.ticket, settlement.order
    listed = listing.beside(settlement, settlement.lines, approved=reviewed)
    at = settlement.compiled_at or settlement.reviewed_at or settlement.submitted_at

    def name(person: object) -> str:
        return str(getattr(person, "name", ""))

    return AccountPaper(
        settlement_id=settlement.id,
        number=settlement.number,
        order_number=order.number,
        order_class=settlement.order_class,
        customer=ticket.caller_name,
        community=ticket.community.name,
        room=ticket.room,
        day=clock.local(at or settlement.drafted_at).date(),
        terms=settlement.terms,
        lines=[_line(one, reviewed, listed.get(one.id)) for one in settlement.lines],
        submitted_fen=settlement.submitted_fen,
        approved=approved,
        captain=name(order.team.captain if order.team else settlement.drafted_by),
        head=name(settlement.certified_by),
        clerk=name(settlement.compiled_by),
        reviewer=name(settlement.reviewed_by),
    )


def _line(one: SettlementLine, reviewed: bool, listed: listing.Beside | None) -> PaperLine:
    remarks = (one.remark, one.why if reviewed else "", listed.words if listed else "")
    return PaperLine(
        quota_code=one.quota_code,
        item=f"{one.item}（{one.place}）" if one.place else one.item,
        unit=one.unit,
        source=one.source.label,
        quantity_milli=one.quantity_milli,
        price_milli=one.price_milli,
        submitted_fen=one.submitted_fen,
        approved_quantity_milli=one.approved_quantity_milli if reviewed else None,
        approved_price_milli=one.approved_price_milli if reviewed else None,
        approved_fen=one.approved_fen if reviewed else None,
        remark="；".join(filter(None, remarks)),
    )
