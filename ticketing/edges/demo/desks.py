"""What lies on the desks today: tickets in every state, late, due today, and for every department.

Ordinary lives leave some of this by chance; these scenes make sure that whoever signs in finds
something to do, whatever day the demo is loaded on. Days are counted in working days before today.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import count, cycle

from ticketing.casefile.tickets.models import Ticket
from ticketing.edges.demo import grave
from ticketing.edges.demo.case import Call, Case
from ticketing.edges.demo.cast import DEPARTMENTS, Cast
from ticketing.edges.demo.lives import MATTERS
from ticketing.edges.demo.matters import Matter
from ticketing.edges.demo.story import Story, working_day
from ticketing.edges.demo.town import PLANS, Town
from ticketing.kernel import clock
from ticketing.procedure.vocabulary import Grade, Satisfaction

Scene = tuple[datetime, Callable[[], object]]
UNHAPPY = Satisfaction.DISSATISFIED


class Desks:
    """Makes the scenes; each is a list of (instant, act) in order of time."""

    def __init__(self, town: Town, cast: Cast) -> None:
        self.town, self.cast = town, cast
        self.number = count()
        self.communities = cycle(plan.code for plan in PLANS)
        self.matters = cycle(MATTERS[::5] + MATTERS[2::5])

    def ago(self, days: int, hour: int, minute: int = 0) -> datetime:
        """`days` working days before today at that time."""
        return clock.at(working_day(self.town.today, -days), hour, minute + next(self.number) % 20)

    def case(self, matter: Matter | None = None) -> Case:
        """A fresh case in the next community."""
        key = f"{self.town.seed}-desk-{next(self.number)}"
        call = Call(key, next(self.communities))
        return Case(key, call, matter or next(self.matters), self.town, self.cast)

    def registered(self, case: Case, days: int, *, received: datetime | None = None) -> list[Scene]:
        """Written into the register `days` ago."""
        at = self.ago(days, 9)
        return [(at, partial(case.register, received or at - timedelta(minutes=6)))]

    def dispatched(self, case: Case, days: int, department: str = "") -> list[Scene]:
        """Registered and given to a department `days` ago."""
        return [
            *self.registered(case, days),
            (self.ago(days, 10, 30), partial(case.dispatch, department)),
        ]

    def handled(self, case: Case, days: int, department: str = "") -> list[Scene]:
        """Given to a department `days` ago, which answered the same afternoon."""
        return [*self.dispatched(case, days, department), (self.ago(days, 14), case.feed_back)]

    def resolved(self, case: Case, days: int) -> list[Scene]:
        """Resolved `days` ago, after two working days."""
        return [*self.handled(case, days + 2), (self.ago(days, 16), case.resolve)]

    def scenes(self) -> Iterator[list[Scene]]:
        """Everything that must be on a desk."""
        yield from (self.registered(self.case(), 1) for _ in range(3))
        yield from (self.registered(self.case(), 3) for _ in range(2))
        yield from (self.dispatched(self.case(), 3) for _ in range(2))
        yield from (self.dispatched(self.case(), 5) for _ in range(2))
        yield from (self.handled(self.case(), 9) for _ in range(3))
        yield from (self.resolved(self.case(), 1) for _ in range(3))
        yield from (self.resolved(self.case(), 4) for _ in range(2))
        yield from (self._due_this_week() for _ in range(2))
        for row in DEPARTMENTS:
            own = cycle(matter for matter in MATTERS if matter.department == row.code)
            yield self.dispatched(self.case(next(own)), 1)
            yield self.handled(self.case(next(own)), 2)
        yield from self._turns()
        yield from self._ends()

    def _due_this_week(self) -> list[Scene]:
        """Received seven days ago: its week ends today."""
        case, received = self.case(), clock.at(self.town.today - timedelta(days=7), 9)
        days = 1
        while working_day(self.town.today, -days - 1) >= clock.local(received).date():
            days += 1
        later = self.registered(case, days, received=received)
        return [*later, (self.ago(days, 11), case.dispatch), (self.ago(days, 15), case.feed_back)]

    def _turns(self) -> Iterator[list[Scene]]:
        """Sent back, transferred, waiting for the legal centre, called again, grave, reworked."""
        case = self.case()
        yield [*self.dispatched(case, 2, "HR"), (self.ago(1, 15), case.send_back)]
        case = self.case()
        yield [*self.dispatched(case, 3, "CS"), (self.ago(1, 15), case.transfer)]
        for matter in [matter for matter in MATTERS if matter.legal][:3]:
            case = self.case(matter)
            yield [*self.handled(case, 2), (self.ago(2, 15, 30), case.ask_legal)]
        case = self.case()
        yield [
            *self.handled(case, 4),
            (self.ago(1, 11), case.call_again),
            (self.ago(1, 14), case.amend),
        ]
        case = self.case()
        major = (self.ago(1, 15), partial(case.raise_grade, Grade.MAJOR))
        yield [*self.handled(case, 4), major]
        yield self._escalated(self.case())
        yield self._settled(self.case())
        for _ in range(2):
            yield self._reworked(self.case())

    def _reworked(self, case: Case) -> list[Scene]:
        return [*self.resolved(case, 3), (self.ago(2, 10), partial(case.call_back, UNHAPPY))]

    def _escalated(self, case: Case) -> list[Scene]:
        """Major, with measures, minutes whose assignments are open, and a report that waits for the general manager."""
        return [
            *self.handled(case, 12),
            (self.ago(8, 15), partial(case.raise_grade, Grade.MAJOR)),
            (self.ago(7, 10), lambda: grave.direct(case.ticket, self.cast)),
            (self.ago(6, 11), lambda: grave.minute(case.ticket, self.cast, done=False)),
            (self.ago(3, 10), case.follow_up),
            (self.ago(2, 16), lambda: grave.report(case.ticket, self.cast)),
        ]

    def _settled(self, case: Case) -> list[Scene]:
        """Major from the road's begin to its end: everything written, resolved, and the customer content."""
        return [
            *self.handled(case, 15),
            (self.ago(14, 9), partial(case.raise_grade, Grade.MAJOR)),
            (self.ago(14, 11), lambda: grave.direct(case.ticket, self.cast, gm=True)),
            (self.ago(12, 11), lambda: grave.minute(case.ticket, self.cast)),
            (self.ago(11, 10), lambda: grave.report(case.ticket, self.cast)),
            (self.ago(10, 9), lambda: grave.instruct(case.ticket, self.cast)),
            (self.ago(5, 15), case.resolve),
            (self.ago(4, 10), partial(case.call_back, Satisfaction.SATISFIED)),
        ]

    def _ends(self) -> Iterator[list[Scene]]:
        """Unreached once, closed unreached, invalid, withdrawn, merged, taken up again."""
        case = self.case()
        yield [*self.resolved(case, 2), (self.ago(1, 10), partial(case.call_back, None))]
        yield self._never_reached(self.case())
        case = self.case()
        yield [*self.dispatched(case, 4), (self.ago(3, 10), case.invalidate)]
        case = self.case()
        yield [*self.registered(case, 2), (self.ago(1, 9), case.withdraw)]
        yield self._written_twice(self.case())
        case = self.case()
        closing = (self.ago(5, 10), partial(case.call_back, Satisfaction.SATISFIED))
        yield [*self.resolved(case, 6), closing, (self.ago(1, 9), case.reopen)]

    def _never_reached(self, case: Case) -> list[Scene]:
        tries = [(self.ago(days, 10), partial(case.call_back, None)) for days in (5, 4, 3)]
        return [*self.resolved(case, 6), *tries, (self.ago(2, 16), case.close_unreached)]

    def _written_twice(self, case: Case) -> list[Scene]:
        twins: list[Ticket] = []
        again = (self.ago(3, 13), lambda: twins.append(case.register_twin()))
        return [*self.dispatched(case, 3), again, (self.ago(3, 14), lambda: case.merge(twins[0]))]


def desks(town: Town, cast: Cast) -> Iterator[Story]:
    """The stories of what lies on the desks today."""
    return map(told, Desks(town, cast).scenes())


def told(scenes: list[Scene]) -> Story:
    """Scenes as a story."""
    for instant, act in scenes:
        yield instant
        act()
