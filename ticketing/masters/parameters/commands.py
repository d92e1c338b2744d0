"""Acts on the parameters: one person proposes an edition, another confirms it, or it is withdrawn.

No paper under way is touched: each keeps the edition it began with. Every act is journalled.
"""

from datetime import date

from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean
from ticketing.masters.parameters import queries
from ticketing.masters.parameters.models import EditionState, ParameterEdition, ParameterValue
from ticketing.masters.people.models import User
from ticketing.procedure.parameters import Limits, differences, faults
from ticketing.procedure.permissions import Act, may

SUBJECT = "parameters"
LATEST_DAYS = 366
"""How far ahead an edition may be dated."""


def propose(*, effective_on: date, reason: str, actor: User, **values: int) -> ParameterEdition:
    """Propose all figures as they shall count from a day on (procedure 3.6.1). `values` are the fields of `Limits`.

    Raises Invalid (at the field), NotPermitted, Conflict (another one waits).
    """
    if not may(actor.roles, Act.PROPOSE_PARAMETERS):
        raise NotPermitted("您的岗位不能拟定制度参数。")
    proposed, today = Limits(**values), clock.today()
    for name, sentence in faults(proposed):
        raise Invalid(sentence, field=name)
    if effective_on < today:
        raise Invalid("生效日期不能早于今天：参数不追溯。", field="effective_on")
    if (effective_on - today).days > LATEST_DAYS:
        raise Invalid("生效日期最多在一年之内。", field="effective_on")
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明理由，例如批准的文件或会议。", field="reason")
    if queries.pending() is not None:
        raise Conflict("已有一版参数在等待确认，请先确认或撤下。")
    base_id = queries.edition_on(effective_on)
    base = queries.limits_of(base_id)
    if base_id is not None and base == proposed:
        raise Invalid("与届时有效的参数完全相同，不需要新的一版。")
    made = ParameterEdition(
        based_on_id=base_id,
        effective_on=effective_on,
        reason=reason,
        proposed_at=clock.now(),
        proposed_by_id=actor.id,
    )
    db.session.add(made)
    db.session.flush()
    db.session.add_all(
        ParameterValue(edition_id=made.id, key=key, value=value)
        for key, value in proposed.by_key.items()
    )
    db.session.flush()
    _journal(
        made,
        Act.PROPOSE_PARAMETERS.value,
        actor,
        {
            "effective_on": effective_on.isoformat(),
            "reason": reason,
            "values": proposed.by_key,
            "changed": {
                one.parameter.key: [one.old, one.new] for one in differences(base, proposed)
            },
        },
    )
    return made


def confirm(edition: ParameterEdition, *, version: int, actor: User) -> ParameterEdition:
    """The general manager puts a proposed edition in force, from its date but not before today (procedure 3.6.1).

    Raises NotPermitted (role, or the proposer under any account of his), Conflict.
    """
    if not may(actor.roles, Act.CONFIRM_PARAMETERS):
        raise NotPermitted("制度参数由总经理确认。")
    _still_waits(edition, version)
    if edition.proposed_by.is_same_person(actor):
        raise NotPermitted("须由拟定人以外的第二人确认。")
    asked, today = edition.effective_on, clock.today()
    edition.effective_on = max(asked, today)
    _decide(edition, EditionState.CONFIRMED, actor)
    _journal(
        edition,
        Act.CONFIRM_PARAMETERS.value,
        actor,
        {
            "asked_for": asked.isoformat(),
            "effective_on": edition.effective_on.isoformat(),
            "proposed_by": edition.proposed_by.name,
            "values": edition.limits.by_key,
        },
    )
    return edition


def withdraw(edition: ParameterEdition, *, version: int, actor: User) -> ParameterEdition:
    """Take a proposed edition off the table; it stays in the history. Raises NotPermitted, Conflict."""
    if not (may(actor.roles, Act.PROPOSE_PARAMETERS) or may(actor.roles, Act.CONFIRM_PARAMETERS)):
        raise NotPermitted("您的岗位不能撤下制度参数。")
    _still_waits(edition, version)
    _decide(edition, EditionState.WITHDRAWN, actor)
    _journal(edition, "withdraw_parameters", actor, {"proposed_by": edition.proposed_by.name})
    return edition


def _still_waits(edition: ParameterEdition, version: int) -> None:
    """Hold the row, so that of two people who answer at once one is told."""
    db.session.refresh(edition, with_for_update={"of": ParameterEdition})
    if edition.state is not EditionState.PENDING or edition.version != version:
        raise Conflict("这一版参数已经处理过了。")


def _decide(edition: ParameterEdition, state: EditionState, actor: User) -> None:
    edition.state, edition.decided_at, edition.decided_by_id = state, clock.now(), actor.id
    db.session.flush()


def _journal(edition: ParameterEdition, act: str, actor: User, facts: dict[str, object]) -> None:
    record(
        SUBJECT,
        edition.id,
        act,
        actor=actor,
        at=clock.now(),
        clause="3.6.1",
        version=edition.version,
        facts=facts,
    )
