"""The clocks of the complaint road: how long each step may take, from when, under which clause."""

from datetime import date
from typing import NamedTuple

from ticketing.kernel.enums import Labelled
from ticketing.procedure.vocabulary import TicketStage
from ticketing.procedure.workdays import Calendar, Due, add_calendar_days, add_working_days


class Unit(Labelled):
    """In what a time limit is counted."""

    WORKING_DAYS = "wd", "个工作日"
    CALENDAR_DAYS = "day", "天"


class TimeLimit(NamedTuple):
    """One time limit: how much of which unit, and the clause that sets it."""

    name: str
    label: str
    amount: int
    unit: Unit
    clause: str

    def due(self, start: date, calendar: Calendar) -> Due:
        """The due date of this limit when it starts on `start`."""
        if self.unit is Unit.WORKING_DAYS:
            return add_working_days(start, self.amount, calendar)
        return add_calendar_days(start, self.amount, calendar)

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


DISPATCHING = TimeLimit("dispatching", "分派", 1, Unit.WORKING_DAYS, "3.4.2")
"""The procedure says 及时 without a figure; one working day is the house rule (docs/road.md)."""
FEEDBACK = TimeLimit("dept_feedback", "部门反馈", 3, Unit.WORKING_DAYS, "3.4.2.2")
COMPLAINT = TimeLimit("complaint", "办结", 7, Unit.CALENDAR_DAYS, "3.4.5-他")
CALLBACK = TimeLimit("callback", "回访", 1, Unit.WORKING_DAYS, "3.5.4")

LIMITS = (DISPATCHING, FEEDBACK, COMPLAINT, CALLBACK)

STAGE_LIMIT: dict[TicketStage, TimeLimit] = {
    TicketStage.REGISTERED: DISPATCHING,
    TicketStage.DISPATCHED: FEEDBACK,
    TicketStage.HANDLING: COMPLAINT,
    TicketStage.CALLBACK: CALLBACK,
}
"""Which limit the person at this stage works against; it orders his list."""


def on_time(done_on: date, due_on: date) -> bool:
    """On time iff the Shanghai date of doing is not after the due date."""
    return done_on <= due_on
