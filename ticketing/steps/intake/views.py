"""Pages of intake: the form with the caller lookup beside it, a repeated call, corrections."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.defects import commands as repairs
from ticketing.casefile.defects import queries as defects
from ticketing.casefile.tickets import lists, queries
from ticketing.casefile.tickets.act_page import act_page, open_form
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.errors import NotFound
from ticketing.kernel.text import clean_line, phone_digits, row_id
from ticketing.masters.estate import queries as estate
from ticketing.masters.estate.models import Community, Unit
from ticketing.masters.people import queries as people
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Part, Trade
from ticketing.procedure.suggestions import USUAL_TRADE, likely_defects
from ticketing.procedure.warranty import arithmetic, outlook
from ticketing.steps.intake import commands
from ticketing.steps.intake.forms import AmendForm, CorrectForm, EntryForm, IntakeForm, JoinForm

bp = Blueprint("intake", __name__)


@bp.route("/intake", methods=["GET", "POST"])
@requires(Act.REGISTER, in_turn=True)
def new() -> ResponseReturnValue:
    """Register a call: find the caller, see what is open, write it down (procedure 3.4.3)."""
    scope, form = current_scope(), IntakeForm()
    if request.method == "GET":
        _take_over(form)
    communities, departments = lists.filter_choices(scope)
    form.community_id.offer(communities)
    form.collected_by_id.offer(departments)
    unseen = _unseen_open_tickets(form) if request.method == "POST" else []
    if not unseen and form.carry_out(commands.register, actor=current_user(), scope=scope):
        return _after(form)
    if unseen:
        form.status = 409
        form.form_errors.append("这位客户还有未结的登记表，请先看右侧；确是新事项再保存一次即可。")
    form.spare_lines()
    form.seen.data = ",".join(filter(None, [form.seen.data, *(str(one.id) for one in unseen)]))
    return (
        render_template(
            "intake/new.html", form=form, unseen=unseen, **_caller(form), **_lines(form)
        ),
        form.status,
    )


def _take_over(form: IntakeForm) -> None:
    """Another matter of the same call starts with the caller already filled in; so does a page's link."""
    args, scope = request.args, current_scope()
    earlier_id = args.get("same_call", type=row_id)
    if earlier_id:
        earlier = queries.ticket_for(scope, earlier_id)
        if not scope.reaches_community(earlier.community_id):
            raise NotFound
        form.call.data = earlier.call
        form.unit_id.data, form.customer_id.data = earlier.unit_id, earlier.customer_id
        form.community_id.data = earlier.community_id
        form.place.data, form.channel.data = earlier.room, earlier.channel
        form.caller_name.data, form.caller_phone.data = earlier.caller_name, earlier.caller_phone
        form.received_at.data = earlier.received_at
    elif unit_id := args.get("unit", type=row_id):
        home = estate.unit(scope, unit_id)
        form.unit_id.data, form.place.data = home.id, home.label
        form.community_id.data = home.community_id
        if customer_id := args.get("customer", type=row_id):
            customer = estate.customer(scope, customer_id)
            form.customer_id.data, form.caller_name.data = customer.id, customer.name
            form.caller_phone.data = customer.phones[0].number if customer.phones else ""
    else:
        homes = estate.communities(scope)
        if len(homes) == 1:
            form.community_id.data = homes[0].id


def _unseen_open_tickets(form: IntakeForm) -> list[queries.Sibling]:
    """Open tickets of this home or phone that the clerk had not before his eyes when he saved.

    Another matter of the same call needs no warning about its sisters.
    """
    phone = phone_digits(form.caller_phone.data or "")
    if not (form.unit_id.data or phone):
        return []
    seen = set((form.seen.data or "").split(","))
    return [
        ticket
        for ticket in queries.open_tickets_of(
            current_scope(),
            unit_id=form.unit_id.data,
            customer_id=form.customer_id.data,
            phone=phone,
            except_call=form.call.data or "",
        )
        if str(ticket.id) not in seen
    ]


def _caller(form: IntakeForm) -> dict[str, object]:
    """What stands beside the form for the caller chosen so far."""
    scope = current_scope()
    unit_id, phone = form.unit_id.data, phone_digits(form.caller_phone.data or "")
    home = estate.unit(scope, unit_id) if unit_id else None
    return {
        "unit": home,
        "residents": estate.residents(home.id) if home else [],
        "beside": queries.beside(scope, unit=home, customer_id=form.customer_id.data, phone=phone),
    }


def _after(form: IntakeForm) -> ResponseReturnValue:
    """Where to go after saving: another matter of the call, dispatch if he may, else the ticket."""
    ticket_id = int(form.outcome)
    number = form.number or queries.number_of(current_scope(), ticket_id)
    flash(f"已登记 {number}。", "success")
    if request.form.get("another"):
        return redirect(url_for("intake.new", same_call=ticket_id))
    if current_scope().may(Act.DISPATCH):
        return redirect(url_for("dispatch.dispatch", ticket_id=ticket_id))
    return redirect(url_for("tickets.show", ticket_id=ticket_id))


@bp.get("/intake/callers")
@requires(Act.REGISTER)
def callers() -> ResponseReturnValue:
    """A fragment: who may be calling, as the clerk types; within one community if it is named."""
    scope, community_id = current_scope(), request.args.get("community", type=row_id)
    if community_id:
        scope = replace(scope, communities=frozenset({estate.community(scope, community_id).id}))
    found = estate.callers(scope, clean_line(request.args.get("q", ""))[:60])
    return render_template("intake/_callers.html", callers=found)


@bp.get("/intake/beside")
@requires(Act.REGISTER)
def beside() -> ResponseReturnValue:
    """A fragment: the chosen home, who lives there, and the open tickets near it."""
    scope, args = current_scope(), request.args
    unit_id = args.get("unit", type=row_id)
    home = estate.unit(scope, unit_id) if unit_id else None
    phone = phone_digits(clean_line(args.get("phone", ""))[:30])
    found = queries.beside(
        scope, unit=home, customer_id=args.get("customer", type=row_id), phone=phone
    )
    people_there = estate.residents(home.id) if home else []
    return render_template("intake/_beside.html", unit=home, residents=people_there, beside=found)


class Terms(NamedTuple):
    """What the warranty says of one part of the home: its name, the reckoning, what may come of it."""

    part: str
    arithmetic: list[str]
    outlook: str


Item = tuple[Part, Trade]


def _terms(
    unit: Unit | None, community: Community | None, items: Iterable[Item], day: date
) -> dict[str, Any]:
    """The warranty of some parts as the fragment shows it; nothing until the place is known."""
    chosen = list(dict.fromkeys(items))
    found = defects.covers(unit, community, chosen, day) if community else []
    return {
        "terms": [Terms(over.part.label, arithmetic(over), outlook(over, day)) for over in found],
        "common": unit is None,
    }


def _lines(form: IntakeForm | EntryForm, ticket: Ticket | None = None) -> dict[str, Any]:
    """What the lines of 报修项目 need: the usual trades, and the warranty of those filled in."""
    scope, day = current_scope(), clock.today()
    items = [
        (line.part.data, line.trade.data or USUAL_TRADE[line.part.data])
        for line in form.lines
        if line.part.data
    ]
    unit = estate.unit(scope, form.unit_id.data) if items and form.unit_id.data else None
    community = unit.community if unit else None
    if ticket is not None:
        community, day = ticket.community, clock.local(ticket.received_at).date()
    elif community is None and items and (community_id := form.facts.get("community_id")):
        community = estate.community(scope, community_id)
    usual = {part.value: trade.value for part, trade in USUAL_TRADE.items()}
    return {"usual": usual, **_terms(unit, community, items, day)}


@bp.get("/intake/warranty")
@requires(Act.REGISTER)
def warranty() -> ResponseReturnValue:
    """A fragment: the warranty of the chosen parts in the chosen home, reckoned in words (procedure 3.4.5).

    ``item`` is a part with its trade, ``WET_WP.civil``, once for each; what no list holds is passed over.
    """
    scope, args = current_scope(), request.args
    unit_id, community_id = args.get("unit", type=row_id), args.get("community", type=row_id)
    unit = estate.unit(scope, unit_id) if unit_id else None
    community = unit.community if unit else None
    if unit is None and community_id:
        community = estate.community(scope, community_id)
    items = [item for typed in args.getlist("item")[: repairs.MOST] if (item := _item(typed))]
    return render_template(
        "intake/_warranty.html", **_terms(unit, community, items, _day(args.get("received", "")))
    )


def _item(typed: str) -> Item | None:
    part_value, _, trade_value = typed.partition(".")
    try:
        part = Part(part_value)
        return part, Trade(trade_value) if trade_value else USUAL_TRADE[part]
    except ValueError:
        return None


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed[:10])
    except ValueError:
        return clock.today()


@bp.get("/intake/likely")
@requires(Act.REGISTER)
def likely() -> ResponseReturnValue:
    """A fragment: the defects the typed words probably speak of, to be taken over by a click."""
    words = clean_line(request.args.get("content", ""))[:300]
    return render_template("intake/_likely.html", likely=likely_defects(words))


@bp.route("/tickets/<int:ticket_id>/again", methods=["GET", "POST"])
@requires(Act.REGISTER)
def again(ticket_id: int) -> ResponseReturnValue:
    """The customer called again about this ticket."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    form = JoinForm()
    if request.method == "GET":
        form.content.data = request.args.get("content", "")[:5000]
    return act_page(
        ticket, Act.FOLLOW_UP, form, commands.join_call, done=f"已记入 {ticket.number} 的再次来电。"
    )


def _entry(ticket: Ticket) -> dict[str, object]:
    names = (
        "received_at",
        "caller_name",
        "caller_phone",
        "channel",
        "collected_by_id",
        "summary",
        "content",
        "action_taken",
        "action_needed",
    )
    return {"place": ticket.room} | {name: getattr(ticket, name) for name in names}


@bp.route("/tickets/<int:ticket_id>/correct", methods=["GET", "POST"])
@requires(Act.CORRECT)
def correct(ticket_id: int) -> ResponseReturnValue:
    """Put the entry right before it is dispatched."""
    return _rewrite(ticket_id, Act.CORRECT, CorrectForm)


@bp.route("/tickets/<int:ticket_id>/amend", methods=["GET", "POST"])
@requires(Act.AMEND)
def amend(ticket_id: int) -> ResponseReturnValue:
    """Change the entry after dispatch, with a reason."""
    return _rewrite(ticket_id, Act.AMEND, AmendForm)


_LINE = ("place", "part", "phenomenon", "trade")


def _rewrite(ticket_id: int, act: Act, form_class: type[EntryForm]) -> ResponseReturnValue:
    scope = current_scope()
    ticket = queries.ticket_for(scope, ticket_id)
    entry = {name: value for name, value in _entry(ticket).items() if hasattr(form_class, name)}
    home = {"unit_id": ticket.unit_id, "customer_id": ticket.customer_id}
    written = [
        {"defect_id": one.id, **{name: getattr(one, name) for name in _LINE}}
        for one in defects.of_ticket(ticket.id)
    ]
    form = open_form(form_class, ticket, **home, **entry, defects=written)
    form.collected_by_id.offer((d.id, d.name) for d in people.departments())
    if repairs.settled(ticket.id):
        del form.defects
    form.spare_lines()
    return act_page(
        ticket,
        act,
        form,
        commands.correct if act is Act.CORRECT else commands.amend,
        template="intake/rewrite.html",
        more={"scope": scope},
        context={"present": entry, **_lines(form, ticket)},
    )
