"""Departments: their names, the handler complaints go to, the head who hears of what is late (procedure 3.4.2.1)."""

from sqlalchemy import select

from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean_line
from ticketing.masters.people.models import Department, User


def save_department(
    department: Department | None,
    *,
    code: str,
    name: str,
    aliases: str,
    handler_id: int | None,
    head_id: int | None = None,
    active: bool,
    actor: User | None,
) -> Department:
    """Make or change a department, its complaint handler and its head (procedure 3.4.2.1).

    Raises Conflict (same name or code), Invalid (handler or head is not of the department).
    """
    code, name = clean_line(code).upper(), clean_line(name)
    twin = db.session.scalars(
        select(Department).where((Department.code == code) | (Department.name == name))
    ).first()
    if twin is not None and twin is not department:
        raise Conflict("已有同名或同代号的部门。", field="name")
    if department is None:
        department = Department(code=code, name=name)
        db.session.add(department)
    for field, user_id, title in (
        ("handler_id", handler_id, "专人"),
        ("head_id", head_id, "负责人"),
    ):
        if user_id is not None and department.id is not None:
            person = db.session.get(User, user_id)
            if person is None or person.department_id != department.id:
                raise Invalid(f"指定的{title}须是本部门人员。", field=field)
    department.code, department.name = code, name
    department.aliases, department.active = clean_line(aliases), active
    department.handler_id, department.head_id = handler_id, head_id
    db.session.flush()
    record(
        "department",
        department.id,
        "save",
        actor=actor,
        at=clock.now(),
        facts={
            "code": code,
            "name": name,
            "handler_id": handler_id,
            "head_id": head_id,
            "active": active,
        },
    )
    return department
