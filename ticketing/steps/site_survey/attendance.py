"""Whether the contractor has to be at a survey: by the estimate and its exceptions (procedure 3.4.5)."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import db
from ticketing.procedure.grading import yuan
from ticketing.procedure.parameters import Limits
from ticketing.procedure.repairs import Part, Phenomenon

SAME_CAUSE_HOMES = 3
SAME_CAUSE_DAYS = 30


def must_attend(
    ticket: Ticket, items: Sequence[Defect], total: int | None, disputed: bool, limits: Limits
) -> str:
    """Why the contractor has to be there; empty when he may stay away (procedure 3.4.5)."""
    whys = []
    if total is None:
        whys.append("估价未定")
    elif total > limits.contractor_optional_fen:
        whys.append(f"估价超过 {yuan(limits.contractor_optional_fen)}")
    if disputed:
        whys.append("类别有争议")
    if any(item.part is Part.STRUCTURE for item in items) or ticket.mark_structure:
        whys.append("涉及结构")
    if ticket.mark_safety or any(item.phenomenon is Phenomenon.SHORT for item in items):
        whys.append("涉及安全")
    if ticket.rework_count:
        whys.append("同一问题再次维修")
    if _homes_of_cause(ticket) >= SAME_CAUSE_HOMES:
        whys.append(f"{SAME_CAUSE_DAYS} 天内 {SAME_CAUSE_HOMES} 户以上同类问题")
    return "、".join(whys)


def _homes_of_cause(ticket: Ticket) -> int:
    if ticket.cause is None:
        return 0
    since = ticket.received_at - timedelta(days=SAME_CAUSE_DAYS)
    return (
        db.session.scalar(
            select(func.count(func.distinct(Ticket.unit_id))).where(
                Ticket.community_id == ticket.community_id,
                Ticket.cause == ticket.cause,
                Ticket.received_at >= since,
                Ticket.unit_id.is_not(None),
            )
        )
        or 0
    )
