"""Keeping the table of account codes."""

from ticketing.books.desk import queries
from ticketing.books.desk.models import AccountCode
from ticketing.journal.changes import write
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean_line
from ticketing.masters.people.models import User
from ticketing.masters.people.rights import permit
from ticketing.procedure.accounts import AccountKind
from ticketing.procedure.permissions import Act


def map_account(*, kind: AccountKind, code: str, name: str, actor: User) -> AccountCode:
    """Say under which code and name the accounting system keeps a kind of accounts. Raises NotPermitted, Invalid."""
    permit(actor, Act.MAP_ACCOUNTS)
    code, name = clean_line(code), clean_line(name) or kind.label
    if not code:
        raise Invalid("请填写科目编码。", field="code")
    row = queries.codes().get(kind)
    if row is None:
        row = AccountCode(kind=kind, code=code, name=name)
        db.session.add(row)
        changed = {"code": ["", code], "name": ["", name]}
    else:
        changed = write(row, {"code": code, "name": name})
    db.session.flush()
    record(
        "books",
        row.id,
        Act.MAP_ACCOUNTS.value,
        actor=actor,
        at=clock.now(),
        facts={"kind": kind.value, "changed": changed},
    )
    return row
