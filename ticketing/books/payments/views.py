"""Pages of payments: what waits, the list, one payment with what is booked for it."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.books.ledger import reversing
from ticketing.books.payments import commands, queries
from ticketing.books.payments.forms import PrepareForm, ReleaseForm, VoidForm
from ticketing.books.payments.models import SUBJECT, Payment
from ticketing.journal.queries import story
from ticketing.kernel import clock
from ticketing.kernel.enums import chosen
from ticketing.kernel.forms import BaseForm
from ticketing.kernel.text import row_id
from ticketing.masters.people.guard import current_user, requires
from ticketing.procedure.accounts import PaymentState, Purpose
from ticketing.procedure.permissions import Act

bp = Blueprint("payments", __name__, url_prefix="/finance/payments")


@bp.get("/")
@requires(Act.READ_BOOKS)
def index() -> ResponseReturnValue:
    """Payments of a state and purpose, the newest first (procedure 2.6, 3.5.9)."""
    wanted = queries.Wanted(
        state=chosen(PaymentState, request.args.get("state")),
        purpose=chosen(Purpose, request.args.get("purpose")),
        since=request.args.get("since", type=date.fromisoformat),
        until=request.args.get("until", type=date.fromisoformat),
        before=request.args.get("after", type=row_id),
    )
    rows, following = queries.payments(wanted)
    return render_template(
        "finance/payments.html",
        rows=rows,
        following=following,
        wanted=wanted,
        prepared=queries.prepared().number,
        states=PaymentState,
        purposes=Purpose,
    )


@bp.get("/waiting")
@requires(Act.READ_BOOKS)
def waiting() -> ResponseReturnValue:
    """What is owed and not yet prepared: 待拨付 (procedure 2.6, 3.5.9)."""
    return _waiting(PrepareForm(formdata=None))


def _waiting(form: BaseForm) -> ResponseReturnValue:
    every = queries.waiting()
    sources = [one.claim.source for one in every]
    after = request.args.get("after")
    first = sources.index(after) + 1 if after in sources else 0
    rows = every[first : first + queries.PAGE]
    return render_template(
        "finance/waiting.html",
        every=every,
        rows=rows,
        following=rows[-1].claim.source if first + queries.PAGE < len(every) else "",
        form=form,
    ), form.status


@bp.post("/prepare")
@requires(Act.PREPARE_PAYMENT)
def prepare() -> ResponseReturnValue:
    """Make the payment a document owes."""
    form = PrepareForm()
    if form.carry_out(commands.prepare, actor=current_user()):
        flash("付款单已制好，等待出纳放款。", "success")
        return redirect(url_for("payments.show", payment_id=int(form.outcome)))
    return _waiting(form)


@bp.get("/<int:payment_id>")
@requires(Act.READ_BOOKS)
def show(payment_id: int) -> ResponseReturnValue:
    """One payment: whom, how much, who, and what is booked."""
    return _page(queries.payment(payment_id))


@bp.post("/<int:payment_id>/release")
@requires(Act.RELEASE_PAYMENT)
def release(payment_id: int) -> ResponseReturnValue:
    """Let the money go (procedure 3.5.9)."""
    payment, form = queries.payment(payment_id), ReleaseForm()
    if form.carry_out(commands.release, payment, actor=current_user()):
        flash("已放款并入账。", "success")
        return redirect(url_for("payments.show", payment_id=payment_id))
    return _page(queries.payment(payment_id), release_form=form)


@bp.post("/<int:payment_id>/void")
@requires(Act.VOID_PAYMENT)
def void(payment_id: int) -> ResponseReturnValue:
    """Give up a payment that has not left."""
    payment, form = queries.payment(payment_id), VoidForm()
    if form.carry_out(commands.void, payment, actor=current_user()):
        flash("付款单已作废。", "success")
        return redirect(url_for("payments.show", payment_id=payment_id))
    return _page(queries.payment(payment_id), void_form=form)


def _page(payment: Payment, **forms: Any) -> ResponseReturnValue:
    """The payment and its forms; one that was refused keeps what was typed and goes on from the present version."""
    data = {"version": payment.version, "paid_on": clock.today()}
    release_form = forms.get("release_form") or ReleaseForm(formdata=None, data=data)
    void_form = forms.get("void_form") or VoidForm(formdata=None, data=data)
    for form in (release_form, void_form):
        form.version.data, form.version.raw_data = payment.version, None
    entries = queries.entries_of(payment.id)
    page = render_template(
        "finance/payment.html",
        payment=payment,
        entries=entries,
        waiting=reversing.waiting_for(entries[0]) if entries else None,
        release_form=release_form,
        void_form=void_form,
        story=story(SUBJECT, payment.id),
    )
    return page, max(release_form.status, void_form.status)
