"""A fund's request as a document that is paid, and what follows in a fund when an entry of it is reversed (procedure 3.6)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select, update

from ticketing.books.imprest import queries
from ticketing.books.imprest.commands import told
from ticketing.books.imprest.models import (
    ImprestCount,
    ImprestRequest,
    ImprestReturn,
    ImprestSlip,
)
from ticketing.books.ledger import accounts
from ticketing.books.ledger.commands import Line, Posting, credit, debit
from ticketing.books.ledger.models import LedgerEntry
from ticketing.books.ledger.reversing import ON_REVERSAL, Follower
from ticketing.books.payments.models import Payment
from ticketing.books.payments.purposes import HANDLERS, Claim
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, NotFound
from ticketing.kernel.text import row_id
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import EntryKind, Purpose
from ticketing.procedure.imprest import RequestState
from ticketing.procedure.permissions import Act

PREFIX = "imprest_request:"
KINDS = {
    Purpose.IMPREST_ADVANCE: EntryKind.IMPREST_ADVANCE,
    Purpose.IMPREST_REPLENISHMENT: EntryKind.IMPREST_REPLENISHMENT,
}


class Replenishing:
    """The payments into funds of one purpose. Requests change with the book locked only, so `hold` has nothing to lock."""

    def __init__(self, purpose: Purpose) -> None:
        self.purpose = purpose

    def hold(self, source: str) -> None:
        """See that there is such a request. Raises NotFound."""
        self._of(source)

    def claims(self) -> Sequence[Claim]:
        """The requests under way, the oldest first."""
        rows = db.session.scalars(
            select(ImprestRequest)
            .where(
                ImprestRequest.state == RequestState.ASKED, ImprestRequest.purpose == self.purpose
            )
            .order_by(ImprestRequest.id)
        )
        return [self._claim(one) for one in rows]

    def claim(self, source: str) -> Claim:
        """What a request asks for. Raises Conflict unless it is under way."""
        request = self._of(source)
        if request.state is not RequestState.ASKED:
            raise Conflict(f"周转金申请{request.state}，不能付款。")
        return self._claim(request)

    def involved(self, source: str) -> Iterable[int]:
        """Who asked, keeps the fund, or wrote the slips that are handed in."""
        request = self._of(source)
        wrote = [slip.entered_by_id for slip in request.slips]
        return [request.asked_by_id, request.fund.keeper_id, *wrote]

    def postings(self, payment: Payment) -> Sequence[Posting]:
        """Cash from the bank, and the slips handed in become the department's expense, by community."""
        request = self._of(payment.source)
        fund = request.fund
        lines = [
            debit(accounts.imprest_cash(fund.id, fund.name), request.amount_fen),
            *_expenses(request),
            credit(accounts.bank(), request.amount_fen),
        ]
        if request.slips_fen:
            lines.append(credit(accounts.imprest_slips(fund.id, fund.name), request.slips_fen))
        return [Posting(KINDS[self.purpose], lines, payment.text)]

    def released(self, payment: Payment, actor: User, at: datetime) -> None:
        """The fund has its money."""
        request = self._of(payment.source)
        request.state, request.paid_at = RequestState.PAID, at
        db.session.flush()
        facts = {"payment": payment.number, "amount_fen": payment.amount_fen}
        told(request.fund, Act.RELEASE_PAYMENT, actor, facts)

    def undone(self, payment: Payment, actor: User, at: datetime) -> None:
        """The request is under way again. Raises Conflict where another one is."""
        request = self._of(payment.source)
        if queries.standing(request.fund).asked is not None:
            raise Conflict("这笔周转金另有申请在途，须先拨付或撤回，才能冲销以前的拨付。")
        request.state, request.paid_at = RequestState.ASKED, None
        db.session.flush()
        told(request.fund, Act.AGREE_REVERSAL, actor, {"payment": payment.number})

    def _of(self, source: str) -> ImprestRequest:
        try:
            request = queries.request(row_id(source.removeprefix(PREFIX)))
        except ValueError:
            raise NotFound from None
        if not source.startswith(PREFIX) or request.purpose is not self.purpose:
            raise NotFound
        return request

    def _claim(self, request: ImprestRequest) -> Claim:
        fund = request.fund
        return Claim(
            source=request.source,
            payee=fund.keeper.name,
            amount_fen=request.amount_fen,
            text=f"{self.purpose} {fund.name}",
            path=f"/imprest/{fund.id}",
        )


def _expenses(request: ImprestRequest) -> list[Line]:
    rows = db.session.execute(
        select(Community, func.sum(ImprestSlip.amount_fen))
        .select_from(ImprestSlip)
        .outerjoin(Community, Community.id == ImprestSlip.community_id)
        .where(ImprestSlip.request_id == request.id)
        .group_by(Community.id)
        .order_by(Community.id)
    )
    return [debit(accounts.imprest_expense(community), int(fen)) for community, fen in rows]


for _purpose in KINDS:
    HANDLERS[_purpose] = Replenishing(_purpose)


def _slip_of(entry: LedgerEntry) -> ImprestSlip | None:
    name, _, row = entry.source.partition(":")
    if name != "slip":
        return None
    return db.session.get(ImprestSlip, int(row), populate_existing=True)


def _hold(entries: Sequence[LedgerEntry]) -> None:
    """Refuse to strike a slip that was handed in: its request rests on it."""
    for entry in entries:
        slip = _slip_of(entry) if entry.kind is EntryKind.IMPREST_SPENDING else None
        if slip is not None and slip.request_id is not None:
            raise Conflict("单据已随申请报销，须先撤回申请或冲销其拨付。")


def _undo(entries: Sequence[LedgerEntry], _actor: User, at: datetime) -> None:
    """A spending is struck, a clearing is open again, a count or a return counts no more."""
    _hold(entries)
    for entry in entries:
        slip, name = _slip_of(entry), entry.source.partition(":")[0]
        if slip is not None and entry.kind is EntryKind.IMPREST_SPENDING:
            slip.struck_at = at
        elif slip is not None and entry.kind is EntryKind.IMPREST_CLEARING:
            slip.cleared_at = None
        elif name in _ROWS:
            model = _ROWS[name]
            row = int(entry.source.partition(":")[2])
            db.session.execute(update(model).where(model.id == row).values(reversed_at=at))
    db.session.flush()


_ROWS: dict[str, type[ImprestCount] | type[ImprestReturn]] = {
    "imprest_count": ImprestCount,
    "imprest_return": ImprestReturn,
}

ON_REVERSAL.append(Follower(hold=_hold, undo=_undo))
