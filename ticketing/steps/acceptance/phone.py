"""我的派工, the captain's phone: his day, and one order from the receipt to the customer's signature (procedure 3.5.2, 3.5.3).

The room stands here because its last page is the customer's signature. Every post carries its form's one-time token, so
that a phone may send it again until an answer arrives.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.tickets.views import chips_of
from ticketing.journal.commands import circumstances
from ticketing.kernel import clock
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.procedure.permissions import Act
from ticketing.procedure.repair_roads import order_step
from ticketing.procedure.repairs import OrderStage, Slot
from ticketing.steps.acceptance import commands as acceptance
from ticketing.steps.acceptance.phone_forms import (
    AcknowledgeForm,
    ArriveForm,
    ExtensionForm,
    PhoneForm,
    RefuseForm,
    SelfCheckForm,
    SignForm,
    StrikeUseForm,
    UseForm,
)
from ticketing.steps.work_orders import changing, crew, filing, uses
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.crew import Next
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.pictures import on_the_phone, slots_shown
from ticketing.steps.work_orders.road import ORDERS
from ticketing.steps.work_orders.views import panels_of

bp = Blueprint("phone", __name__, url_prefix="/my-orders")

UNITS = ("工日", "小时", "个", "只", "套", "米", "平方米", "公斤", "袋", "桶", "台班")
PHRASES = ("已修复，试用正常。", "闭水试验无渗漏。", "通水通电正常。", "现场已清理。")
SLIPS = ("数量记错。", "名称记错。", "记重了。", "不是这张单的。")
"""Words a captain would otherwise type with one thumb."""

STEP_FORMS: dict[Next, type[PhoneForm]] = {
    Next.ACKNOWLEDGE: AcknowledgeForm,
    Next.ARRIVE: ArriveForm,
    Next.CHECK: SelfCheckForm,
    Next.SIGN: SignForm,
}


@bp.get("")
@requires(Act.READ_OWN_ORDERS)
def index() -> ResponseReturnValue:
    """His day: today's visits by community and building, then what else waits."""
    scope = current_scope()
    return render_template(
        "phone/index.html", day=crew.day_of(scope, clock.today()), chips=chips_of(scope)
    )


@bp.get("/<int:order_id>")
@requires(Act.READ_OWN_ORDERS)
def order(order_id: int) -> ResponseReturnValue:
    """One order in one column, with the one next step as a big button."""
    return _page(order_id)


@bp.route("/<int:order_id>/acknowledge", methods=["GET", "POST"])
@requires(Act.ACKNOWLEDGE_ORDER)
def acknowledge(order_id: int) -> ResponseReturnValue:
    """Receive the order, name the workers and a day (procedure 3.5.2)."""
    return _act(order_id, AcknowledgeForm, orders.acknowledge, "已签收。", version=None)


@bp.route("/<int:order_id>/arrive", methods=["GET", "POST"])
@requires(Act.ARRIVE_ORDER)
def arrive(order_id: int) -> ResponseReturnValue:
    """The crew stands in the flat."""
    return _act(order_id, ArriveForm, orders.arrive, "已记到场。")


@bp.route("/<int:order_id>/use", methods=["GET", "POST"])
@requires(Act.NOTE_USE)
def note_use(order_id: int) -> ResponseReturnValue:
    """Note labour, material or a machine (procedure 3.5.5)."""
    return _act(order_id, UseForm, uses.note, "已记工料。", anchor="uses")


@bp.route("/<int:order_id>/strike-use", methods=["GET", "POST"])
@requires(Act.STRIKE_USE)
def strike_use(order_id: int) -> ResponseReturnValue:
    """Strike out what was noted wrongly (procedure 3.5.5)."""
    return _act(order_id, StrikeUseForm, uses.strike, "已划去。", anchor="uses")


@bp.route("/<int:order_id>/self-check", methods=["GET", "POST"])
@requires(Act.SELF_CHECK)
def self_check(order_id: int) -> ResponseReturnValue:
    """The crew's own check: the repair's clock stops (procedure 3.5.3)."""
    return _act(order_id, SelfCheckForm, orders.self_check, "已自检，请客户签字。", version=None)


@bp.route("/<int:order_id>/sign", methods=["GET", "POST"])
@requires(Act.SIGN_OFF)
def sign(order_id: int) -> ResponseReturnValue:
    """The customer's opinion and signature (procedure 3.5.3)."""
    return _act(
        order_id,
        SignForm,
        acceptance.sign_off,
        "客户已签字。",
        version=None,
        refused=False,
        refusal_reason="",
        refusal_evidence="",
    )


@bp.route("/<int:order_id>/refuse", methods=["GET", "POST"])
@requires(Act.SIGN_OFF)
def refuse(order_id: int) -> ResponseReturnValue:
    """The customer does not sign (procedure 3.5.3)."""
    return _act(
        order_id,
        RefuseForm,
        acceptance.sign_off,
        "已记客户拒签。",
        version=None,
        refused=True,
        satisfaction=None,
        opinion="",
        signature="",
    )


@bp.route("/<int:order_id>/extension", methods=["GET", "POST"])
@requires(Act.ASK_EXTENSION)
def ask_extension(order_id: int) -> ResponseReturnValue:
    """Ask the office for more time (procedure 3.4.5-延)."""
    return _act(order_id, ExtensionForm, changing.ask_extension, "已申请延期，等客户服务处答复。")


def _act(
    order_id: int,
    kind: type[PhoneForm],
    command: Callable[..., Any],
    done: str,
    *,
    anchor: str = "step",
    **more: Any,
) -> ResponseReturnValue:
    """Carry out `command` on the captain's order; a refusal is shown on the order's page, the typing kept."""
    found = crew.order_of_captain(current_scope(), order_id)
    form = _form(kind, found)
    with circumstances(**form.told):
        if form.carry_out(command, found, actor=current_user(), **more):
            flash(done, "success")
            return redirect(url_for("phone.order", order_id=order_id, _anchor=anchor))
    return _page(order_id, form)


def _form(kind: type[PhoneForm], found: WorkOrder) -> Any:
    """A form of `kind`, filled with what is known of the order."""
    known: dict[str, Any] = {"customer_name": found.ticket.caller_name, "visit_on": found.visit_on}
    form = kind(data=known)
    if isinstance(form, AcknowledgeForm):
        workers = contractors.workers(found.team_id or 0)
        form.worker_ids.offer((one.id, f"{one.name}（{one.trade}）") for one in workers)
    if isinstance(form, StrikeUseForm):
        form.use_id.offer(uses.to_strike(found, sent=request.method == "POST"))
    return form


def _page(order_id: int, filled: PhoneForm | None = None) -> ResponseReturnValue:
    """The order's page; `filled` is the form that was refused, shown in its place with its sentences."""
    scope = current_scope()
    found = crew.order_of_captain(scope, order_id)
    pictures = on_the_phone(found)
    slots = slots_shown(found, pictures)
    following = crew.next_of(found, slots)
    filed = filing.place_of(found, current_user())

    def of(kind: type[PhoneForm] | None) -> Any:
        if kind is None:
            return None
        return filled if isinstance(filled, kind) else _form(kind, found)

    asking = order_step(found.stage, Act.ASK_EXTENSION)
    asks = isinstance(filled, ExtensionForm) or (
        asking is not None and ORDERS.offered(asking, found, current_user())
    )
    noting = found.arrived_at is not None and found.stage in _NOTING
    page = render_template(
        "phone/order.html",
        order=found,
        pictures=pictures,
        slots=slots,
        filing=filed,
        more=[slot for slot in (Slot.AFTER, Slot.BEFORE) if slot in filed.slots & slots],
        next=following,
        ticks=crew.ticks(found, slots),
        in_hand=crew.in_his_hands(found),
        rejection=crew.rejection_of(found),
        step=of(STEP_FORMS.get(following)),
        use=of(UseForm) if noting else None,
        recent=crew.recent_uses(scope) if noting else [],
        strike=of(StrikeUseForm) if crew.in_his_hands(found) and uses.to_strike(found) else None,
        refuse=of(RefuseForm) if following is Next.SIGN else None,
        extension=of(ExtensionForm) if asks else None,
        refused=filled,
        panels=panels_of(scope, current_user(), found),
        days=_days(),
        units=UNITS,
        phrases=PHRASES,
        slips=SLIPS,
        Slot=Slot,
        Next=Next,
    )
    return page, filled.status if filled is not None else 200


def _days() -> list[tuple[str, str]]:
    """The next three days as (word, date) for a tap instead of a calendar."""
    today = clock.today()
    words = ("今天", "明天", "后天")
    return [(word, (today + timedelta(days=n)).isoformat()) for n, word in enumerate(words)]


_NOTING = frozenset({OrderStage.ACKNOWLEDGED, OrderStage.SELF_CHECKED})
