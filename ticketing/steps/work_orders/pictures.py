"""The pictures of a 派工单: which are on file, and which of them count as the proof of finished work (procedure 3.5.3)."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from ticketing.casefile.attachments import queries as attachments
from ticketing.casefile.attachments.models import Attachment, PaperKind
from ticketing.kernel.db import db
from ticketing.procedure.repairs import Slot
from ticketing.steps.site_survey.filing import CALLED_FOR
from ticketing.steps.work_orders.models import WorkOrder


def work_pictures(order_id: int) -> Sequence[Attachment]:
    """The pictures before and after the repair on file of an order, replaced ones left out, oldest first."""
    return attachments.of_paper(PaperKind.ORDER, order_id, Slot.BEFORE, Slot.AFTER)


def slots_shown(order: WorkOrder, pictures: Iterable[Attachment]) -> frozenset[Slot]:
    """Of which slots these pictures of an order count now (procedure 3.5.3).

    After a rejection the finished work is to be shown anew: what came in before it, or is the same picture once more
    (filed beside the old one or in its place), does not count.
    """
    own = [one for one in pictures if one.order_id == order.id]
    since = order.rejected_at
    if since is None:
        return frozenset(one.slot for one in own)
    earlier = select(Attachment.sha256).where(
        Attachment.order_id == order.id, Attachment.slot == Slot.AFTER, Attachment.at < since
    )
    seen = set(db.session.scalars(earlier))
    return frozenset(
        one.slot
        for one in own
        if one.slot is not Slot.AFTER or (one.at >= since and one.sha256 not in seen)
    )


def pictures_of(order: WorkOrder) -> list[Attachment]:
    """What is on file of an order: what the customer and the survey showed of its defects, and its own; none replaced."""
    return [
        one
        for one in attachments.of_ticket(order.ticket_id)
        if one.replaced_at is None
        and (
            one.order_id == order.id
            or (one.slot is Slot.SITE and one.survey_id == order.survey_id)
            or one.slot is Slot.REPORTED
        )
    ]


def on_the_phone(order: WorkOrder) -> Sequence[Attachment]:
    """What a captain is shown: what is on file of his order, and what its ticket's photos show of the damage; none replaced."""
    return [
        one
        for one in attachments.of_ticket(order.ticket_id)
        if one.replaced_at is None and (one.order_id == order.id or one.slot in CALLED_FOR)
    ]
