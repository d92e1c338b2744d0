"""The one page behind every act on an order: show the form, carry it out, or show what others did meanwhile."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.journal.queries import story
from ticketing.kernel.forms import BaseForm, VersionedForm
from ticketing.masters.people.guard import current_scope, current_user
from ticketing.procedure.permissions import Act
from ticketing.steps.work_orders import paper, queries
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.road import ORDERS

ENDPOINTS: dict[Act, str] = {
    Act.AMEND_ORDER: "work_orders.acts.amend",
    Act.SUBMIT_ORDER: "work_orders.acts.hand_in",
    Act.APPROVE_ORDER: "work_orders.acts.approve",
    Act.RETURN_ORDER: "work_orders.acts.send_back",
    Act.ISSUE_ORDER: "work_orders.acts.issue",
    Act.ISSUE_FIRST: "work_orders.acts.issue_first",
    Act.PLAN_ORDER: "work_orders.acts.plan",
    Act.INSPECT_ORDER: "acceptance.inspect",
    Act.SIGN_OFF: "acceptance.sign_off",
    Act.REJECT_WORK: "acceptance.reject",
    Act.EXTEND_ORDER: "work_orders.acts.extend",
    Act.ADD_TRADE: "work_orders.acts.add_trade",
    Act.TRANSFER_ORDER: "work_orders.acts.transfer",
    Act.CANCEL_ORDER: "work_orders.acts.cancel",
}
"""The page on which each act of the desk is done; the crew's are done on the captain's own pages."""


def order_page(
    order: WorkOrder,
    act: Act,
    form: BaseForm,
    command: Callable[..., Any],
    *,
    template: str = "orders/act.html",
    done: str = "",
    context: dict[str, Any] | None = None,
) -> ResponseReturnValue:
    """Answer a request to do `act` on `order` with `form`, which becomes `command`'s arguments.

    On success the person goes back to the order. A conflict shows what others did after he opened the page beside what
    he typed, and lets him submit again on the present version.

    Raises NotPermitted, Conflict, Invalid when the act is not possible at all and nothing was typed yet.
    """
    actor = current_user()
    if request.method == "GET":
        ORDERS.check_first(ORDERS.allowed(order, act, actor), order, actor)
    order_id = order.id
    if form.carry_out(command, order, actor=actor):
        flash(done or f"已办理：{act}。", "success")
        return redirect(url_for("work_orders.show", order_id=order_id))
    newer = []
    if form.conflict is not None:
        order = queries.order_for(current_scope(), order_id)
        if form.conflict.seen is not None:
            since = story(ORDERS.subject, order_id, after_version=form.conflict.seen)
            newer = paper.told(since, queries.team_names())
        if isinstance(form, VersionedForm):
            form.version.data = order.version
            form.version.raw_data = None
    page = render_template(
        template, order=order, act=act, form=form, newer=newer, **(context or {})
    )
    return page, form.status


def open_form(form_class: type[BaseForm], order: WorkOrder, **values: Any) -> Any:
    """A form for `order`, filled with `values` and the version the person is about to see."""
    return form_class(data={"version": order.version, **values})
