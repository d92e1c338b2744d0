"""Pages of major complaints: the leaders' list, the panel on a ticket's page, measures, minutes, special report."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.tickets import commands as mover
from ticketing.casefile.tickets import grading, queries
from ticketing.casefile.tickets.act_page import ENDPOINTS, act_page, open_form
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.views import PANELS, Panel, qr_code
from ticketing.journal.queries import StoryLine, story
from ticketing.kernel.errors import NotFound
from ticketing.kernel.text import row_id
from ticketing.masters.people import queries as people
from ticketing.masters.people.guard import current_scope, requires
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.oversight.escalation import commands, paper
from ticketing.oversight.escalation import queries as files
from ticketing.oversight.escalation.forms import (
    DirectForm,
    InstructForm,
    MinutesForm,
    SpecialForm,
    SubmitForm,
)
from ticketing.procedure.permissions import Act, roles_for
from ticketing.procedure.vocabulary import Grade, SpecialStage
from ticketing.steps.work_orders import queries as orders

bp = Blueprint("escalation", __name__)


@bp.get("/major/")
@requires(Act.READ_MAJOR)
def index() -> ResponseReturnValue:
    """The open major complaints, those without measures first (procedure 3.4.7)."""
    rows = files.open_majors(current_scope())
    groups = [
        ("待拟定处理措施", [row for row in rows if row.directed_at is None]),
        ("待专题会议纪要", [row for row in rows if row.directed_at and row.minuted_at is None]),
        ("措施与纪要齐备，处理中", [row for row in rows if row.directed_at and row.minuted_at]),
    ]
    return render_template(
        "escalation/index.html",
        groups=groups,
        total=len(rows),
        to_sign=orders.waiting_for(current_scope()),
    )


def panel(scope: Scope, actor: User, ticket: Ticket, told: list[StoryLine]) -> Panel | None:
    """重大投诉 on the ticket's page: why, since when, who was told, the papers, and what is missing."""
    has_file = ticket.grade is Grade.MAJOR or ticket.papers
    if not has_file or not scope.may(Act.READ_MAJOR):
        return None
    meetings = files.meetings(ticket.id)
    since, reason = paper.why_major(told)
    return Panel(
        "escalation/_panel.html",
        {
            "since": since,
            "reason": reason,
            "told": files.told(ticket.id),
            "directives": files.directives(ticket.id),
            "meetings": meetings,
            "open_assignments": files.open_assignments(meetings),
            "special": files.special_of(ticket.id),
            "proposal": grading.waiting_proposal(ticket),
            "missing": [
                (act, name, "、".join(sorted(role.label for role in roles_for(act))))
                for act, column, name in paper.WAITS_FOR
                if ticket.is_open
                and ticket.grade is Grade.MAJOR
                and getattr(ticket, column) is None
            ],
            "number_of": paper.number_of,
            "endpoints": ENDPOINTS,
        },
    )


PANELS.append(panel)


@bp.route("/tickets/<int:ticket_id>/direct", methods=["GET", "POST"])
@requires(Act.DIRECT)
def direct(ticket_id: int) -> ResponseReturnValue:
    """Decide the measures (procedure 2.1.2)."""
    scope = current_scope()
    ticket = queries.ticket_for(scope, ticket_id)
    form = open_form(
        DirectForm, ticket, department_ids=[ticket.department_id] if ticket.department_id else []
    )
    form.department_ids.offer((d.id, d.name) for d in people.departments())
    form.also.offer((one.id, str(one)) for one in files.kin(scope, ticket, Ticket.directed_at))
    context = {"directives": files.directives(ticket.id)}
    return act_page(
        ticket,
        Act.DIRECT,
        form,
        commands.direct,
        template="escalation/direct.html",
        more={"scope": scope},
        context=context,
    )


@bp.route("/tickets/<int:ticket_id>/minutes", methods=["GET", "POST"])
@requires(Act.MINUTE)
def minute(ticket_id: int) -> ResponseReturnValue:
    """Write the minutes of a meeting, or with ``?meeting=`` a further edition of them (procedure 3.10.5)."""
    scope = current_scope()
    ticket = queries.ticket_with_story(scope, ticket_id)
    meeting = request.args.get("meeting", type=row_id)
    last, values = None, {}
    if request.method == "GET" and meeting is not None:
        last = files.minutes_of(ticket.id, meeting)
    elif request.method == "GET":
        values = paper.first_minutes(ticket, files.directives(ticket.id))
    form = MinutesForm(obj=last, data={"version": ticket.version, **values})
    form.also.offer((one.id, str(one)) for one in files.kin(scope, ticket, Ticket.minuted_at))
    if request.method == "GET":
        form.spare_lines()
    return act_page(
        ticket,
        Act.MINUTE,
        form,
        commands.minute,
        template="escalation/minute.html",
        more={"scope": scope},
        done="专题会议纪要已保存。",
    )


@bp.get("/tickets/<int:ticket_id>/minutes/<int:meeting>")
@requires(Act.READ_MAJOR)
def minutes_paper(ticket_id: int, meeting: int) -> ResponseReturnValue:
    """The minutes for A4, the last edition or with ``?edition=`` an earlier one (procedure 3.10.5)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    minutes = files.minutes_of(ticket.id, meeting, request.args.get("edition", type=row_id))
    address = url_for(
        "escalation.minutes_paper",
        ticket_id=ticket.id,
        meeting=meeting,
        edition=minutes.edition,
        _external=True,
    )
    return render_template(
        "escalation/minutes_paper.html",
        ticket=ticket,
        minutes=minutes,
        number=paper.number_of(ticket, minutes),
        qr=qr_code(address),
    )


@bp.route("/tickets/<int:ticket_id>/special", methods=["GET", "POST"])
@requires(Act.DRAFT_SPECIAL)
def draft_special(ticket_id: int) -> ResponseReturnValue:
    """Draft the special report, filled from the record the first time (procedure 3.10.6)."""
    ticket = queries.ticket_with_story(current_scope(), ticket_id)
    values = {}
    if request.method == "GET":
        values = paper.special_words(
            ticket,
            files.special_of(ticket.id),
            story=story(mover.SUBJECT, ticket.id),
            directives=files.directives(ticket.id),
            meetings=files.meetings(ticket.id),
        )
    return act_page(
        ticket,
        Act.DRAFT_SPECIAL,
        open_form(SpecialForm, ticket, **values),
        commands.draft_special,
        template="escalation/special.html",
        done="专题报告草稿已保存，核对后请上报。",
    )


@bp.route("/tickets/<int:ticket_id>/special/submit", methods=["GET", "POST"])
@requires(Act.SUBMIT_SPECIAL)
def submit_special(ticket_id: int) -> ResponseReturnValue:
    """Hand the report in: a last look at it and a button (procedure 3.10.6)."""
    return _about_report(ticket_id, Act.SUBMIT_SPECIAL, SubmitForm, commands.submit_special)


@bp.route("/tickets/<int:ticket_id>/special/instruct", methods=["GET", "POST"])
@requires(Act.INSTRUCT)
def instruct(ticket_id: int) -> ResponseReturnValue:
    """The general manager reads the report and instructs (procedure 3.10.6)."""
    return _about_report(ticket_id, Act.INSTRUCT, InstructForm, commands.instruct)


def _about_report(
    ticket_id: int, act: Act, form_class: type[SubmitForm] | type[InstructForm], command: Any
) -> ResponseReturnValue:
    ticket = queries.ticket_for(current_scope(), ticket_id)
    return act_page(
        ticket,
        act,
        open_form(form_class, ticket),
        command,
        template="escalation/about_report.html",
        context={"report": files.special_of(ticket.id)},
    )


@bp.get("/tickets/<int:ticket_id>/special/paper")
@requires(Act.READ_MAJOR)
def special_paper(ticket_id: int) -> ResponseReturnValue:
    """The special report for A4 (procedure 3.10.6)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    report = files.special_of(ticket.id)
    if report is None:
        raise NotFound
    address = url_for("escalation.special_paper", ticket_id=ticket.id, _external=True)
    return render_template(
        "escalation/special_paper.html",
        ticket=ticket,
        report=report,
        draft=ticket.special is SpecialStage.DRAFTED,
        qr=qr_code(address),
    )
