"""The contractor's answer to a class A account: notice with proof, reminder, confirmation, objection (procedure 3.5.7)."""

from ticketing.casefile.timers import commands as timers
from ticketing.kernel import clock
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean_line
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.deadlines import ClockKind, limit_of
from ticketing.procedure.permissions import Act
from ticketing.procedure.settlement import Confirmation, NoticeWay
from ticketing.steps.settlement import queries
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.settlement.reviewing import back_to_review
from ticketing.steps.settlement.road import SETTLEMENTS, begin, follow, tell_holders
from ticketing.steps.work_orders.follow import filled


def notify(
    settlement: Settlement, *, version: int, way: NoticeWay, evidence: str, actor: User
) -> Settlement:
    """Audit notifies the contractor of the result, with proof; his days begin (procedure 3.5.7).

    What the agreement says today of his silence counts from now on, whatever becomes of the contract's text.
    """
    begin(settlement, Act.NOTIFY_CONTRACTOR, version, actor)
    contract = settlement.contract
    assert contract is not None  # the guard has seen it compiled
    answer = _answer(settlement)
    at = SETTLEMENTS.advance(
        settlement,
        Act.NOTIFY_CONTRACTOR,
        actor=actor,
        version=version,
        changes={
            "notified_at": clock.now(),
            "notified_by_id": actor.id,
            "notice_way": way,
            "notice_evidence": filled(
                evidence, "evidence", "请写明送达凭证，例如快递单号或签收人。"
            ),
            "answer_due_on": answer.deadline.on,
            "agreement": contract.agreement,
            "silence_confirms": contract.deemed_confirmation,
        },
    )
    follow(settlement, Act.NOTIFY_CONTRACTOR, at, [answer])
    return settlement


def remind(settlement: Settlement, *, version: int, evidence: str, actor: User) -> Settlement:
    """His days are over without an answer: once more, with proof, and as many days again (procedure 3.5.7)."""
    begin(settlement, Act.REMIND_CONTRACTOR, version, actor)
    answer = _answer(settlement)
    at = SETTLEMENTS.advance(
        settlement,
        Act.REMIND_CONTRACTOR,
        actor=actor,
        version=version,
        changes={
            "reminded_at": clock.now(),
            "reminder_evidence": filled(evidence, "evidence", "请写明催告的送达凭证。"),
            "answer_due_on": answer.deadline.on,
        },
    )
    follow(settlement, Act.REMIND_CONTRACTOR, at, [answer])
    return settlement


def confirm(
    settlement: Settlement, *, version: int, confirmed_by: str, evidence: str, actor: User
) -> Settlement:
    """The contractor has confirmed: who signed for him, and on what (procedure 3.5.7)."""
    begin(settlement, Act.CONFIRM_ACCOUNT, version, actor)
    name = clean_line(confirmed_by)
    if not name:
        raise Invalid("请填写施工单位确认人。", field="confirmed_by")
    proof = filled(evidence, "evidence", "请写明确认凭证，例如签字件编号。")
    return _confirmed(
        settlement, Act.CONFIRM_ACCOUNT, Confirmation.SIGNED, name, proof, version, actor
    )


def deem(settlement: Settlement, *, version: int, actor: User) -> Settlement:
    """Silence counts as confirmation, only where the supplementary agreement says so (procedure 3.5.7)."""
    begin(settlement, Act.DEEM_CONFIRMED, version, actor)
    proof = f"补充协议：{settlement.agreement}；催告凭证：{settlement.reminder_evidence}"
    return _confirmed(
        settlement, Act.DEEM_CONFIRMED, Confirmation.DEEMED, "", proof, version, actor
    )


def dispute(settlement: Settlement, *, version: int, dispute: str, actor: User) -> Settlement:
    """The contractor objects, or stays silent without an agreement that would let it count (procedure 3.5.7)."""
    begin(settlement, Act.DISPUTE_ACCOUNT, version, actor)
    at = SETTLEMENTS.advance(
        settlement,
        Act.DISPUTE_ACCOUNT,
        actor=actor,
        version=version,
        changes={
            "disputed_at": clock.now(),
            "dispute": filled(dispute, "dispute", "请写明施工单位的异议。"),
        },
    )
    follow(settlement, Act.DISPUTE_ACCOUNT, at)
    return settlement


def review_again(settlement: Settlement, *, version: int, reason: str, actor: User) -> Settlement:
    """The objection is looked into: the account goes back to its review (procedure 3.5.7)."""
    begin(settlement, Act.REVIEW_AGAIN, version, actor)
    back_to_review(
        settlement,
        Act.REVIEW_AGAIN,
        version=version,
        reason=reason,
        actor=actor,
        words="施工单位有异议，请重新审定",
    )
    return settlement


def _confirmed(
    settlement: Settlement,
    act: Act,
    how: Confirmation,
    name: str,
    proof: str,
    version: int,
    actor: User,
) -> Settlement:
    at = SETTLEMENTS.advance(
        settlement,
        act,
        actor=actor,
        version=version,
        changes={
            "confirmation": how,
            "confirmed_at": clock.now(),
            "confirmed_by": name,
            "confirmation_evidence": proof,
        },
    )
    follow(settlement, act, at, [ClockKind.CERTIFICATION])
    tell_holders(settlement, actor, at, "施工单位已确认，请认定", "confirmed")
    return settlement


def _answer(settlement: Settlement) -> timers.Start:
    """The clock of his answer: so many days as the account's own edition of the parameters gives him."""
    at, kind = clock.now(), ClockKind.CONTRACTOR_CONFIRMATION
    days = queries.limits_of(settlement).confirm_days
    limit = limit_of(kind)._replace(amount=days)
    return timers.Start(kind, at, limit.deadline(at, workcalendar.snapshot()))
