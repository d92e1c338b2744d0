"""Acts of dispatch: assign, transfer, send back, ask for assistance."""

from collections.abc import Iterable

from ticketing.casefile.tickets.commands import advance, allowed_step
from ticketing.casefile.tickets.grading import weighed
from ticketing.casefile.tickets.models import Assistance, Ticket
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean
from ticketing.masters.people import queries as people
from ticketing.masters.people.models import Department, User
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Category, Grade, Mark
from ticketing.procedure.workflow import HANDLERS


def dispatch(
    ticket: Ticket,
    *,
    version: int,
    category: Category,
    grade: Grade,
    department_id: int,
    handler_id: int | None,
    assisting_ids: list[int],
    instruction: str,
    actor: User,
    marks: Iterable[Mark] | None = None,
    claim_fen: int | None = None,
) -> Ticket:
    """Classify a ticket and give it to a department and one named person (procedure 3.4.2).

    Without `handler_id` it goes to the department's designated handler (3.4.2.1). Each of
    `assisting_ids` is asked to help without owning it (2.1.3). The grade may be raised here, never lowered;
    `marks` and the claim (fen) None leave them as they are.

    Raises Invalid (no handler, not of that department, a lower grade), Conflict, NotPermitted.
    """
    allowed_step(ticket, Act.DISPATCH, actor)
    if grade.weight < ticket.grade.weight:
        raise Invalid(
            f"本单已是“{ticket.grade}”。降低等级须由客户服务部经理用“调整等级”写明理由办理。",
            field="grade",
        )
    return _assign(
        ticket,
        Act.DISPATCH,
        version=version,
        department_id=department_id,
        handler_id=handler_id,
        changes={"category": category, "grade": grade, **weighed(ticket, marks, claim_fen)},
        assisting_ids=assisting_ids,
        remark=instruction,
        actor=actor,
    )


def transfer(
    ticket: Ticket,
    *,
    version: int,
    category: Category,
    department_id: int,
    handler_id: int | None,
    reason: str,
    actor: User,
) -> Ticket:
    """Give a dispatched ticket to another department or person; its feedback clock starts anew."""
    return _assign(
        ticket,
        Act.TRANSFER,
        version=version,
        department_id=department_id,
        handler_id=handler_id,
        changes={"category": category},
        assisting_ids=[],
        remark=reason,
        actor=actor,
    )


def _assign(
    ticket: Ticket,
    act: Act,
    *,
    version: int,
    department_id: int,
    handler_id: int | None,
    changes: dict[str, object],
    assisting_ids: list[int],
    remark: str,
    actor: User,
) -> Ticket:
    department = people.department(department_id)
    handler = handler_of(department, handler_id)
    if act is Act.TRANSFER and (ticket.department_id, ticket.handler_id) == (
        department.id,
        handler.id,
    ):
        raise Invalid("责任部门和责任人都没有变化。", field="handler_id")
    waiting = {a.department_id for a in ticket.assistances if a.replied_at is None}
    asked = [
        people.department(assisting_id)
        for assisting_id in dict.fromkeys(assisting_ids)
        if assisting_id != department.id and assisting_id not in waiting
    ]
    at = advance(
        ticket,
        act,
        actor=actor,
        version=version,
        changes={**changes, "department_id": department.id, "handler_id": handler.id},
        facts={
            "department": department.name,
            "handler": handler.name,
            **({"reason": clean(remark)} if remark else {}),
            **({"assisting": "、".join(other.name for other in asked)} if asked else {}),
        },
        asked=asked,
    )
    for other in asked:
        db.session.add(
            Assistance(
                ticket_id=ticket.id,
                department_id=other.id,
                asked_at=at,
                asked_by_id=actor.id,
                question=clean(remark) or "请协助处理。",
            )
        )
    db.session.flush()
    return ticket


def handler_of(department: Department, handler_id: int | None) -> User:
    """The named handler: the person chosen, or the department's designated one (3.4.2.1).

    Raises Invalid.
    """
    if handler_id:
        handler = people.user(handler_id)
        if (
            not handler.active
            or handler.department_id != department.id
            or not handler.roles & HANDLERS
        ):
            raise Invalid(
                f"责任人须是{department.name}能够办理投诉的在岗人员。", field="handler_id"
            )
        return handler
    if (
        department.handler is None
        or not department.handler.active
        or not department.handler.roles & HANDLERS
    ):
        raise Invalid(f"{department.name}没有指定投诉处理专人，请选择责任人。", field="handler_id")
    return department.handler


def send_back(ticket: Ticket, *, version: int, reason: str, actor: User) -> Ticket:
    """The department returns a ticket that is not its own, with its reason (procedure 3.4.2)."""
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明退回原因。", field="reason")
    advance(
        ticket,
        Act.RETURN,
        actor=actor,
        version=version,
        changes={
            "department_id": None,
            "handler_id": None,
            "return_count": ticket.return_count + 1,
        },
        facts={"reason": reason},
    )
    return ticket


def ask_assistance(
    ticket: Ticket, *, version: int, department_id: int, question: str, actor: User
) -> Ticket:
    """Ask another department, the legal centre for instance, to help (procedure 2.1.3).

    Raises Invalid, Conflict (asked already and not yet answered), NotPermitted.
    """
    department = people.department(department_id)
    if department.id == ticket.department_id:
        raise Invalid("责任部门不需要协办自己的投诉。", field="department_id")
    waiting = {a.department_id for a in ticket.assistances if a.replied_at is None}
    if department.id in waiting:
        raise Conflict(f"已请{department.name}协办，尚未回复。", field="department_id")
    at = advance(
        ticket,
        Act.ASK_ASSISTANCE,
        actor=actor,
        version=version,
        facts={"department": department.name, "question": clean(question)},
        asked=[department],
    )
    ticket.assistances.append(
        Assistance(
            department_id=department.id,
            asked_at=at,
            asked_by_id=actor.id,
            question=clean(question),
        )
    )
    db.session.flush()
    return ticket
