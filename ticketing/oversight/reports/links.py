"""Where each figure of a report leads: the work list filtered to the tickets it counts (3.10.3)."""

from datetime import date, timedelta
from typing import Any, NamedTuple

from ticketing.casefile.tickets.behind import Event
from ticketing.kernel.enums import Labelled
from ticketing.oversight.reports.behind import DefectEvent
from ticketing.oversight.reports.figures import Figures
from ticketing.procedure.periods import ONE_DAY
from ticketing.steps.work_orders.behind import OrderEvent


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

    def party(self, team_id: int | None, contractor_id: int | None, *, everything: bool) -> Query:
        """The filter of orders by who carries them out."""
        if everything:
            return self.place(None)
        if contractor_id is not None:
            return {**self.place(None), "builder": str(contractor_id)}
        if team_id is None:
            return {**self.place(None), "nobody": "1"}
        return {**self.place(None), "crew": str(team_id)}

    def orders(self, count: int, event: OrderEvent, where: Query) -> Link | None:
        """The work orders to which something happened, or that fell due, in the period."""
        return _to("work_orders.index", count, {**self._days(event), **where})

    def in_repair(self, count: int, where: Query, *, opening: bool = False) -> Link | None:
        """The work orders in repair at the end of the period, or at its beginning."""
        day = self.first_on - ONE_DAY if opening else self.as_of_on
        return _to("work_orders.index", count, {"open_on": day.isoformat(), **where})

    def overdue_orders(self, count: int, where: Query) -> Link | None:
        """Those of them whose repair was not done and past its due date."""
        return self.in_repair(count, {"late_on": self.as_of_on.isoformat(), **where})

    def defects(self, count: int, event: DefectEvent, where: Query) -> Link | None:
        """The defects reported, or repaired again, in the period."""
        return _to("reports.defects", count, {**self._days(event), **where})

    def open_defects(self, count: int, where: Query) -> Link | None:
        """The defects of tickets that were open at the end of the period."""
        return _to("reports.defects", count, {"open_on": self.as_of_on.isoformat(), **where})

    def absences(self, count: int, where: Query) -> Link | None:
        """The surveys of the period a contractor stayed away from."""
        days = {"from": self.first_on.isoformat(), "to": self.as_of_on.isoformat()}
        return Link("reports.absences", {**days, **where}) if count else None

    def _days(self, event: Labelled) -> Query:
        return {
            "event": event.value,
            "event_from": self.first_on.isoformat(),
            "event_to": self.as_of_on.isoformat(),
        }

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
    return _to("tickets.index", count, values)


def _to(endpoint: str, count: int, values: Query) -> Link | None:
    return Link(endpoint, {"all": "1", **values}) if count else None
