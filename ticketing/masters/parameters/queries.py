"""Which figures count on a day, and which a paper began with."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload, selectinload

from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.parameters.models import EditionState, ParameterEdition, ParameterValue
from ticketing.procedure.parameters import STANDARD, Limits, limits

_CONFIRMED = ParameterEdition.state == EditionState.CONFIRMED


def edition_on(day: date) -> int | None:
    """The edition in force on a day, as a paper that begins then keeps it; None is the shipped standard."""
    return db.session.scalar(
        select(ParameterEdition.id)
        .where(_CONFIRMED, ParameterEdition.effective_on <= day)
        .order_by(
            ParameterEdition.effective_on.desc(),
            ParameterEdition.decided_at.desc(),
            ParameterEdition.id.desc(),
        )
        .limit(1)
    )


def limits_of(edition_id: int | None) -> Limits:
    """The figures a paper began with, in one statement; without an edition the shipped standard, in none."""
    if edition_id is None:
        return STANDARD
    rows = db.session.execute(
        select(ParameterValue.key, ParameterValue.value).where(
            ParameterValue.edition_id == edition_id
        )
    )
    return limits({row[0]: row[1] for row in rows})


def limits_on(day: date) -> Limits:
    """The figures in force on a day."""
    return limits_of(edition_on(day))


class History(NamedTuple):
    """What one figure was and will be, the newest first: from when on, and its value (None: the shipped standard)."""

    values: list[tuple[date, int | None]]

    @property
    def ever(self) -> bool:
        """Whether it is, was or will be anything but nothing."""
        return any(value for _since, value in self.values)

    def on(self, day: date) -> int | None:
        """Its value on a day; None where the shipped standard counts."""
        return next((value for since, value in self.values if since <= day), None)


def history(key: str) -> History:
    """What one figure was on any day, in one statement."""
    rows = db.session.execute(
        select(ParameterEdition.effective_on, ParameterValue.value)
        .outerjoin(
            ParameterValue,
            and_(ParameterValue.edition_id == ParameterEdition.id, ParameterValue.key == key),
        )
        .where(_CONFIRMED)
        .order_by(
            ParameterEdition.effective_on.desc(),
            ParameterEdition.decided_at.desc(),
            ParameterEdition.id.desc(),
        )
    )
    return History([(row[0], row[1]) for row in rows])


class Standing(NamedTuple):
    """Whether the blanks of the procedure have been filled by two people, and whether an edition waits for the second."""

    confirmed: bool
    waits: bool


def standing() -> Standing:
    """How the parameters stand, in one statement: for the first screen of those who propose and confirm them."""
    states = set(
        db.session.scalars(
            select(ParameterEdition.state)
            .where(ParameterEdition.state != EditionState.WITHDRAWN)
            .distinct()
        )
    )
    return Standing(EditionState.CONFIRMED in states, EditionState.PENDING in states)


def pending() -> ParameterEdition | None:
    """The edition that waits for the second person."""
    return db.session.scalar(
        select(ParameterEdition).where(ParameterEdition.state == EditionState.PENDING)
    )


def editions() -> Sequence[ParameterEdition]:
    """Every edition with its values and people, the newest first."""
    return db.session.scalars(
        select(ParameterEdition)
        .options(
            selectinload(ParameterEdition.values),
            joinedload(ParameterEdition.proposed_by),
            joinedload(ParameterEdition.decided_by),
        )
        .order_by(ParameterEdition.id.desc())
    ).all()


def edition(edition_id: int) -> ParameterEdition:
    """One edition. Raises NotFound."""
    found = db.session.get(ParameterEdition, edition_id)
    if found is None:
        raise NotFound
    return found
