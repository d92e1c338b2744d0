"""Pages of the ledger: entries, one entry, accounts with their balances, an account's statement, reversals, closings."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.books.ledger import closing, queries, reversing
from ticketing.books.ledger.forms import (
    AnswerForm,
    AskClosingForm,
    AskReopeningForm,
    AskReversalForm,
)
from ticketing.books.ledger.models import LedgerEntry
from ticketing.kernel import clock
from ticketing.kernel.enums import chosen
from ticketing.kernel.forms import BaseForm
from ticketing.kernel.text import row_id
from ticketing.masters.people.guard import current_user, requires
from ticketing.procedure.accounts import (
    CREDIT_KINDS,
    AccountKind,
    EntryKind,
    closable,
    reopenable,
)
from ticketing.procedure.permissions import Act

bp = Blueprint("ledger", __name__, url_prefix="/finance/ledger")


def _day(name: str) -> date | None:
    return request.args.get(name, type=date.fromisoformat)


@bp.get("/")
@requires(Act.READ_BOOKS)
def index() -> ResponseReturnValue:
    """Entries by period, kind and account, the newest first (procedure 2.6)."""
    wanted = queries.Wanted(
        since=_day("since"),
        until=_day("until"),
        kind=chosen(EntryKind, request.args.get("kind")),
        account_kind=chosen(AccountKind, request.args.get("account")),
        source=request.args.get("source", "")[:80],
        before=request.args.get("after", type=row_id),
    )
    rows, following = queries.entries(wanted)
    return render_template(
        "finance/entries.html",
        rows=rows,
        following=following,
        wanted=wanted,
        kinds=EntryKind,
        account_kinds=AccountKind,
        waiting=reversing.waiting(),
    )


@bp.get("/<int:entry_id>")
@requires(Act.READ_BOOKS)
def show(entry_id: int) -> ResponseReturnValue:
    """One entry with its lines, what it books, what reversed it."""
    return _page(entry_id)


@bp.post("/<int:entry_id>/ask-reversal")
@requires(Act.ASK_REVERSAL)
def ask_reversal(entry_id: int) -> ResponseReturnValue:
    """Ask audit to agree to a reversal (access matrix 33)."""
    form = AskReversalForm()
    if form.carry_out(reversing.ask_reversal, queries.entry(entry_id), actor=current_user()):
        flash("已申请冲销，等待审计同意。", "success")
        return redirect(url_for("ledger.show", entry_id=entry_id))
    return _page(entry_id, ask_form=form)


@bp.post("/reversals/<int:request_id>/settle")
@requires(Act.AGREE_REVERSAL)
def settle_reversal(request_id: int) -> ResponseReturnValue:
    """Agree to a reversal or refuse it (procedure 2.7)."""
    asked, form = reversing.request(request_id), AnswerForm()
    entry_id = asked.entry_id
    if form.carry_out(reversing.settle_reversal, asked, actor=current_user()):
        flash("审计意见已登记。", "success")
        return redirect(url_for("ledger.show", entry_id=entry_id))
    return _page(entry_id, settle_form=form)


def _page(entry_id: int, **forms: Any) -> ResponseReturnValue:
    entry = queries.entry(entry_id)
    together = reversing.together(entry)
    ask_form = forms.get("ask_form") or AskReversalForm(formdata=None)
    settle_form = forms.get("settle_form") or AnswerForm(formdata=None)
    page = render_template(
        "finance/entry.html",
        entry=entry,
        others=[one for one in together if one.id != entry.id],
        waiting=reversing.waiting_for(together[0]),
        requests=reversing.requests_on(entry),
        open_to_reversal=_open(entry),
        ask_form=ask_form,
        settle_form=settle_form,
    )
    return page, max(ask_form.status, settle_form.status)


def _open(entry: LedgerEntry) -> bool:
    return entry.reverses_id is None and entry.reversed_by is None


@bp.get("/closings")
@requires(Act.READ_BOOKS)
def closings() -> ResponseReturnValue:
    """Through which day the books are closed, and every closing and reopening there ever was (access matrix 33)."""
    return _closings()


@bp.post("/closings/ask")
@requires(Act.ASK_CLOSING)
def ask_closing() -> ResponseReturnValue:
    """Ask audit to agree to a closing."""
    form = AskClosingForm()
    form.offer(_offered(queries.closed_through())[0])
    if form.carry_out(closing.ask_closing, actor=current_user()):
        return _to_closings("已申请结账，等待审计同意。")
    return _closings(ask_form=form)


@bp.post("/closings/ask-reopening")
@requires(Act.ASK_CLOSING)
def ask_reopening() -> ResponseReturnValue:
    """Ask audit to agree to a reopening."""
    form = AskReopeningForm()
    form.offer(_offered(queries.closed_through())[1])
    if form.carry_out(closing.ask_reopening, actor=current_user()):
        return _to_closings("已申请反结账，等待审计同意。")
    return _closings(reopen_form=form)


@bp.post("/closings/<int:closing_id>/settle")
@requires(Act.AGREE_CLOSING)
def settle_closing(closing_id: int) -> ResponseReturnValue:
    """Agree to a closing or reopening, or refuse it (procedure 2.7)."""
    asked, form = queries.closing(closing_id), AnswerForm()
    if form.carry_out(closing.settle_closing, asked, actor=current_user()):
        return _to_closings("审计意见已登记。")
    return _closings(settle_form=form)


def _to_closings(said: str) -> ResponseReturnValue:
    flash(said, "success")
    return redirect(url_for("ledger.closings"))


def _offered(closed: date | None) -> tuple[list[date], list[date]]:
    """Through which days the books may be closed, and through which they may stay closed when reopened."""
    first = queries.first_day()
    if first is None:
        return [], []
    return closable(first, closed, clock.today()), reopenable(first, closed)


def _closings(**refused: BaseForm) -> ResponseReturnValue:
    """The page of closings with its forms; the one that was refused keeps what was typed."""
    closed = queries.closed_through()
    forms: dict[str, Any] = {
        "ask_form": AskClosingForm(formdata=None),
        "reopen_form": AskReopeningForm(formdata=None),
        "settle_form": AnswerForm(formdata=None),
    } | refused
    for name, days in zip(("ask_form", "reopen_form"), _offered(closed), strict=True):
        forms[name].offer(days)
    rows, following = queries.closings(request.args.get("after", type=row_id))
    page = render_template(
        "finance/closings.html",
        rows=rows,
        following=following,
        closed=closed,
        waiting=queries.closing_that_waits(),
        **forms,
    )
    return page, max((form.status for form in refused.values()), default=200)


@bp.get("/accounts")
@requires(Act.READ_BOOKS)
def accounts() -> ResponseReturnValue:
    """The trial balance 科目余额表 of a period: openings, movements, closings, and their sums (procedure 2.6)."""
    since, until = _day("since"), _day("until")
    return render_template(
        "finance/accounts.html",
        rows=queries.trial_balance(since, until),
        since=since,
        until=until,
    )


@bp.get("/accounts/<int:account_id>")
@requires(Act.READ_BOOKS)
def account(account_id: int) -> ResponseReturnValue:
    """One account's lines with the balance after each."""
    subject = queries.account(account_id)
    since, until = _day("since"), _day("until")
    return render_template(
        "finance/account.html",
        account=subject,
        credit=subject.kind in CREDIT_KINDS,
        statement=queries.statement(
            [subject.id], since=since, until=until, after=_place(request.args.get("after", ""))
        ),
        since=since,
        until=until,
    )


def _place(text: str) -> tuple[date, int] | None:
    """Where a page of a statement goes on: ``2026-11-20_17``; anything else begins at the beginning."""
    day, _, line = text.partition("_")
    try:
        return date.fromisoformat(day), row_id(line)
    except ValueError:
        return None
