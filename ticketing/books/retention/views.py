"""Pages of deposits: the ledger of all contracts, one contract's file, what contractors owe and pay in."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.books.ledger import queries as ledger
from ticketing.books.ledger.forms import AnswerForm
from ticketing.books.payments.commands import live
from ticketing.books.retention import commands, queries, releasing
from ticketing.books.retention.forms import (
    ApplyForm,
    DepositForm,
    OpineForm,
    ReceiptForm,
    RemindForm,
    VerifyForm,
    WithdrawForm,
)
from ticketing.journal.queries import story
from ticketing.kernel import clock
from ticketing.kernel.forms import BaseForm, VersionedForm
from ticketing.masters.people.guard import current_user, requires
from ticketing.procedure.accounts import ALERT_DAYS, ReleaseStage
from ticketing.procedure.permissions import Act

bp = Blueprint("retention", __name__, url_prefix="/finance/retention")

PILES: dict[str, tuple[str, Callable[[queries.Standing], bool]]] = {
    "ending": (
        "60 天内到期",
        lambda one: (
            bool(one.held_fen)
            and one.liability is not None
            and 0 <= (one.liability.until - clock.today()).days <= ALERT_DAYS[0]
        ),
    ),
    "over": (
        "已到期未返还",
        lambda one: (
            bool(one.held_fen) and one.liability is not None and one.liability.until < clock.today()
        ),
    ),
    "missing": ("未入账", lambda one: one.missing_fen > 0),
    "release": ("返还申请", lambda one: one.release is not None),
}
"""What the list can be narrowed to: label and condition."""


@bp.get("/")
@requires(Act.READ_RETENTION)
def index() -> ResponseReturnValue:
    """The deposit of every contract: entered, deducted, paid back, held, until when (procedure 2.6, 3.6.2)."""
    every = queries.standings()
    pile = request.args.get("pile", "")
    rows = [one for one in every if PILES[pile][1](one)] if pile in PILES else every
    return render_template(
        "finance/retention.html",
        rows=rows,
        pile=pile,
        every=len(every),
        piles=[(name, label, sum(map(holds, every))) for name, (label, holds) in PILES.items()],
        open_items=queries.open_items([one.contract for one in rows]),
    )


@bp.get("/<int:contract_id>")
@requires(Act.READ_RETENTION)
def show(contract_id: int) -> ResponseReturnValue:
    """One contract's deposit: what moved it, what stands open, the application under way (procedure 3.6.2)."""
    return _page(contract_id)


@bp.post("/<int:contract_id>/enter")
@requires(Act.ENTER_RETENTION)
def enter(contract_id: int) -> ResponseReturnValue:
    """Enter the deposit (procedure 2.6)."""
    form = DepositForm()
    subject = queries.contract(contract_id)
    if form.carry_out(commands.enter_deposit, subject, actor=current_user()):
        return _to(contract_id, "已登记，等待审计审核后入账。")
    return _page(contract_id, enter=form)


@bp.post("/<int:contract_id>/deposits/<int:deposit_id>/settle")
@requires(Act.AGREE_RETENTION)
def settle(contract_id: int, deposit_id: int) -> ResponseReturnValue:
    """Agree to a deposit or refuse it (procedure 2.7)."""
    form, deposit = AnswerForm(), queries.deposit(deposit_id)
    if form.carry_out(commands.settle_deposit, deposit, actor=current_user()):
        return _to(deposit.contract_id, "审计意见已登记。")
    return _page(contract_id, settle=form)


@bp.post("/<int:contract_id>/apply")
@requires(Act.APPLY_RELEASE)
def apply_release(contract_id: int) -> ResponseReturnValue:
    """Note an application for the deposit (procedure 3.6.2)."""
    form, subject = ApplyForm(), queries.contract(contract_id)
    if form.carry_out(releasing.apply_release, subject, actor=current_user()):
        return _to(contract_id, "申请已登记，请在 14 天内核实。")
    return _page(contract_id, apply=form)


@bp.post("/releases/<int:release_id>/remind")
@requires(Act.APPLY_RELEASE)
def remind(release_id: int) -> ResponseReturnValue:
    """Note that the contractor called for an answer."""
    return _step(release_id, "remind", RemindForm(), releasing.note_reminder, "催告已登记。")


@bp.post("/releases/<int:release_id>/verify")
@requires(Act.VERIFY_RELEASE)
def verify(release_id: int) -> ResponseReturnValue:
    """Note what was found together (procedure 3.6.2)."""
    return _step(release_id, "verify", VerifyForm(), releasing.verify_release, "核实情况已登记。")


@bp.post("/releases/<int:release_id>/opine")
@requires(Act.OPINE_RELEASE)
def opine(release_id: int) -> ResponseReturnValue:
    """Write the opinion on the payment (procedure 3.6.2)."""
    return _step(release_id, "opine", OpineForm(), releasing.opine, "支付意见已出具。")


@bp.post("/releases/<int:release_id>/withdraw")
@requires(Act.APPLY_RELEASE)
def withdraw(release_id: int) -> ResponseReturnValue:
    """Give an application up."""
    return _step(release_id, "withdraw", WithdrawForm(), releasing.withdraw_release, "申请已撤回。")


def _step(
    release_id: int, name: str, form: BaseForm, command: Callable[..., Any], said: str
) -> ResponseReturnValue:
    release = queries.release(release_id)
    contract_id = release.contract_id
    if form.carry_out(command, release, actor=current_user()):
        return _to(contract_id, said)
    return _page(contract_id, **{name: form})


def _to(contract_id: int, said: str) -> ResponseReturnValue:
    flash(said, "success")
    return redirect(url_for("retention.show", contract_id=contract_id))


FORMS: dict[str, type[BaseForm]] = {
    "enter": DepositForm,
    "settle": AnswerForm,
    "apply": ApplyForm,
    "remind": RemindForm,
    "verify": VerifyForm,
    "opine": OpineForm,
    "withdraw": WithdrawForm,
}


def _page(contract_id: int, **refused: BaseForm) -> ResponseReturnValue:
    """A contract's file with its forms; the one that was refused keeps what was typed, at the present version."""
    standing = queries.standing(contract_id)
    release, today = standing.release, clock.today()
    data = {
        "version": release.version if release else 1,
        "on": today,
        "applied_on": today,
        "applied_fen": standing.held_fen,
        "reminded_on": today,
        "verified_on": today,
        "release_fen": standing.held_fen,
    }
    if release is not None and release.stage is ReleaseStage.OPINED:
        names = ("quality", "cooperation", "deduct_fen", "release_fen", "opinion")
        data |= {name: getattr(release, name) for name in names}
    forms = {
        name: refused.get(name) or kind(formdata=None, data=data) for name, kind in FORMS.items()
    }
    for form in refused.values():
        if isinstance(form, VersionedForm) and release is not None:
            form.version.data, form.version.raw_data = release.version, None
    account = ledger.account_by_key(f"retention:{contract_id}")
    page = render_template(
        "finance/retention_file.html",
        one=standing,
        contract=standing.contract,
        release=release,
        payment=live(release.source) if release else None,
        releases=queries.releases(contract_id),
        deposits=queries.deposits(contract_id),
        items=queries.open_items([standing.contract])[contract_id],
        statement=ledger.statement([account.id], size=None) if account else None,
        forms=forms,
        story=story(commands.SUBJECT, contract_id),
        early=queries.why_early(standing.contract, today),
        owed=ledger.owed(standing.contract.contractor_id),
    )
    return page, max((form.status for form in refused.values()), default=200)


@bp.get("/receivables")
@requires(Act.READ_BOOKS)
def receivables() -> ResponseReturnValue:
    """What contractors owe beyond their deposits, by age (procedure 2.6)."""
    return render_template(
        "finance/receivables.html",
        rows=queries.debtors(clock.today()),
        bands=queries.BANDS,
        today_on=clock.today(),
    )


@bp.route("/receivables/<int:contractor_id>/receive", methods=["GET", "POST"])
@requires(Act.RECEIVE_MONEY)
def receive(contractor_id: int) -> ResponseReturnValue:
    """Note what a contractor paid in (procedure 2.6)."""
    subject = queries.debtor(contractor_id)
    form = ReceiptForm(data={"received_on": clock.today()})
    if form.carry_out(commands.receive, subject, actor=current_user()):
        flash("来款已登记入账。", "success")
        return redirect(url_for("retention.receivables"))
    page = render_template(
        "finance/receive.html",
        contractor=subject,
        owed=ledger.owed(contractor_id),
        receipts=queries.receipts(contractor_id),
        form=form,
    )
    return page, form.status
