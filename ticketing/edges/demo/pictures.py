"""Pictures for the demo, drawn here: a wall with a stain, the same wall mended, a signature."""

import hashlib
import random
import secrets

from ticketing.casefile.attachments.models import Attachment
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.people.models import User
from ticketing.procedure.repairs import Slot
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.work_orders.models import WorkOrder


def photo(
    rng: random.Random,
    slot: Slot,
    actor: User,
    *,
    survey: SiteSurvey | None = None,
    order: WorkOrder | None = None,
) -> str:
    """File a picture for a survey or an order; its key."""
    ticket_id = survey.ticket_id if survey else order.ticket_id if order else 0
    picture = Attachment(
        key=secrets.token_hex(16),
        ticket_id=ticket_id,
        survey_id=survey.id if survey else None,
        order_id=order.id if order else None,
        slot=slot,
        name=f"{slot.value}.jpg",
        kind="image/jpeg",
        size=3,
        width=1,
        height=1,
        sha256=hashlib.sha256(secrets.token_bytes(8)).hexdigest(),
        at=clock.now(),
        by_id=actor.id,
        once=secrets.token_hex(8),
    )
    db.session.add(picture)
    db.session.flush()
    return picture.key
