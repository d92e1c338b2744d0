"""Where each figure of a report leads: the work list filtered to the tickets it counts (3.10.3)."""

from datetime import date, timedelta
from typing import Any, NamedTuple

from ticketing.casefile.tickets.behind import Event
from ticketing.oversight.reports.figures import Figures
from ticketing.procedure.periods import ONE_DAY


class Link(NamedTuple):
    """An endpoint and its values; the page makes the address."""

    endpoint: str
    values: dict[str, Any]


Query = dict[str, str]


class Lists:
    """Makes the links of one report. A figure of 0 leads nowhere."""

    def __init__(self, figures: Figures) -> None:
        self.first_on, self.as_of_on = figures.first_on, figures.as_of_on
        self.office_id = figures.office_id

    def place(self, community_id: int | None) -> Query:
        """The filter of a community; None is the whole office, or the company."""
        if community_id is not None:
            return {"community": str(community_id)}
        return {"office": str(self.office_id)} if self.office_id is not None else {}

    def category(self, code: str, *, everything: bool = False) -> Query:
        """The filter of a category within the report; an empty code is what is unclassified."""
        if everything:
            return self.place(None)
        return {**self.place(None), **({"category": code} if code else {"unclassified": "1"})}

    def department(self, department_id: int | None, *, everything: bool = False) -> Query:
        """The filter of a responsible department within the report; None is not yet dispatched."""
        if everything:
            return self.place(None)
        if department_id is None:
            return {**self.place(None), "undispatched": "1"}
        return {**self.place(None), "department": str(department_id)}

    def owed_by(self, department_id: int | None, *, everything: bool = False) -> Query:
        """The filter of a step by the department that owed it, though others hold the case now."""
        if everything or department_id is None:
            return self.department(department_id, everything=everything)
        return {**self.place(None), "owner": str(department_id)}

    def event(
        self, count: int, event: Event, where: Query, days: tuple[date, date] | None = None
    ) -> Link | None:
        """What happened or fell due in the period, or in other `days`."""
        first_on, last_on = days or (self.first_on, self.as_of_on)
        asked = {
            "event": event.value,
            "event_from": first_on.isoformat(),
            "event_to": last_on.isoformat(),
        }
        return _list(count, {**asked, **where})

    def opening(self, count: int, where: Query) -> Link | None:
        """What was open when the period began."""
        return _list(count, {"open_on": (self.first_on - ONE_DAY).isoformat(), **where})

    def still_open(self, count: int, where: Query) -> Link | None:
        """What was open at its end."""
        return _list(count, {"open_on": self.as_of_on.isoformat(), **where})

    def overdue(self, count: int, where: Query) -> Link | None:
        """What was open then and past its completion date."""
        return self.still_open(count, {"late_on": self.as_of_on.isoformat(), **where})

    def aged(self, count: int, first: int, last: int | None, where: Query) -> Link | None:
        """What was open then and had been received `first` to `last` days before."""
        received = {"to": (self.as_of_on - timedelta(days=first)).isoformat()} if first else {}
        if last is not None:
            received["from"] = (self.as_of_on - timedelta(days=last)).isoformat()
        return self.still_open(count, {**received, **self.place(None), **where})


def _list(count: int, values: Query) -> Link | None:
    return Link("tickets.index", {"all": "1", **values}) if count else None
