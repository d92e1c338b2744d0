"""What lies on the desks of the repair road today: a survey and a work order in every state, for both crews."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import cycle

from ticketing.edges.demo.accounts import LEFT
from ticketing.edges.demo.case import Case
from ticketing.edges.demo.cast import Cast
from ticketing.edges.demo.desks import Desks, Scene, told
from ticketing.edges.demo.matters import Matter
from ticketing.edges.demo.matters_home import HOME_MATTERS
from ticketing.edges.demo.repairing import Repair
from ticketing.edges.demo.story import Story, working_day
from ticketing.edges.demo.town import Town
from ticketing.kernel import clock
from ticketing.procedure.repairs import OrderStage, Part
from ticketing.steps.work_orders import approving, emergency
from ticketing.steps.work_orders import queries as orders

BROKEN = tuple(matter for matter in HOME_MATTERS if matter.broken)
BURST = next(one for one in BROKEN if one.broken and one.broken[0] is Part.PLUMBING)
SMALL, MEDIUM, LARGE = 260_000, 1_680_000, 6_400_000
"""Estimates in fen on each side of the tiers of approval."""

EDGES = (500_000, 500_001, 5_000_000, 5_000_001)
"""The last and the first fen of each tier."""


class CrewDesks(Desks):
    """Repairs brought as far as they stand today; days are working days before today."""

    def __init__(self, town: Town, cast: Cast) -> None:
        super().__init__(town, cast)
        self.broken = cycle(BROKEN)
        self.lived_in = cycle(("QY", "TL", "MF"))

    def case(self, matter: Matter | None = None) -> Case:
        """A fresh case of something broken, in a home where somebody lives."""
        case = super().case(matter or next(self.broken))
        case.call.community = next(self.lived_in)
        case.clerk, case.office = self.cast.desk_of(case.call.community)
        return case

    def scenes(self) -> Iterator[list[Scene]]:
        """Everything that must be on the desk of an office, an approver, a captain."""
        for _ in range(3):
            yield self.surveying(self.case(), 1, "schedule")
        yield self.surveying(self.case(), 3, "schedule")
        yield self.surveying(self.case(), 2, "record")
        for _ in range(2):
            yield self.surveying(self.case(), 2, "sign")
            yield self.surveying(self.case(), 3, "conclude")
        for price in (SMALL, SMALL, MEDIUM, LARGE):
            yield self.ordered(self.case(), 3, OrderStage.APPROVING, price)
        for price in EDGES:
            yield self.ordered(self.case(), 2, OrderStage.APPROVING, price)
        yield self.sent_first(self.case(BURST))
        yield self.returned(self.case())
        yield self.ordered(self.case(), 4, OrderStage.APPROVED, SMALL)
        yield self.ordered(self.case(), 4, OrderStage.APPROVED, MEDIUM)
        for stage in (OrderStage.ISSUED, OrderStage.ACKNOWLEDGED, OrderStage.SELF_CHECKED):
            for days in (4, 5, 5, 8):
                yield self.ordered(self.case(), days, stage, SMALL)
        for n, price in enumerate(LEFT):
            yield self.ordered(self.case(), 10 + n % 2, OrderStage.ACCEPTED, price)
        yield self.ordered(self.case(), 6, OrderStage.TRANSFERRED, SMALL)
        yield self.ordered(self.case(), 5, OrderStage.CANCELLED, SMALL)

    def surveying(self, case: Case, days: int, last: str) -> list[Scene]:
        """A survey appointed `days` ago, brought on up to the act named `last`."""
        repair = _Late(case)
        appointed = self.ago(days, 11)
        visit = min(
            clock.at(working_day(self.town.today, 1 - days), 9, 40),
            clock.at(working_day(self.town.today, 1), 9, 40),
        )
        acts: list[tuple[str, datetime, Callable[[], object]]] = [
            ("schedule", appointed, lambda: repair.made.schedule(visit)),
            ("record", visit + timedelta(minutes=5), lambda: repair.made.record()),
            ("sign", visit + timedelta(minutes=40), lambda: repair.made.sign()),
            ("conclude", visit + timedelta(hours=2), lambda: repair.made.conclude()),
        ]
        names = [name for name, _at, _act in acts]
        told = acts[: names.index(last) + 1]
        return [*self.dispatched(case, days), *((at, act) for _name, at, act in told)]

    def ordered(self, case: Case, days: int, stage: OrderStage, fen: int) -> list[Scene]:
        """An order drafted a day after a survey `days` ago, brought on to `stage`; the survey found a repair."""
        repair = _Late(case)
        visit = clock.at(working_day(self.town.today, 1 - days), 9, 30)
        scenes: list[Scene] = [
            *self.dispatched(case, days),
            (self.ago(days, 11), lambda: repair.made.schedule(visit, alone=True)),
            (visit, lambda: repair.made.record(prices=(fen,), sound=True)),
            (visit + timedelta(minutes=45), lambda: repair.made.sign()),
            (visit + timedelta(minutes=90), lambda: repair.made.conclude()),
            (visit + timedelta(minutes=120), lambda: repair.made.draft_first()),
        ]
        if stage is OrderStage.APPROVING:
            return scenes
        if stage is OrderStage.CANCELLED:
            return [*scenes, (visit + timedelta(hours=5), lambda: repair.made.cancel())]
        scenes.append((visit + timedelta(hours=4), lambda: repair.made.approve_all()))
        later = clock.at(working_day(self.town.today, 2 - days), 9, 0)
        acts = [
            (OrderStage.APPROVED, lambda: None),
            (OrderStage.ISSUED, lambda: repair.made.issue()),
            (OrderStage.ACKNOWLEDGED, lambda: repair.made.acknowledge()),
            (OrderStage.SELF_CHECKED, lambda: repair.made.finish()),
            (OrderStage.ACCEPTED, lambda: repair.made.accept()),
        ]
        for n, (reached, act) in enumerate(acts):
            scenes.append((later + timedelta(minutes=50 * n + 1), act))
            if reached is stage:
                break
            if stage is OrderStage.TRANSFERRED and reached is OrderStage.ISSUED:
                scenes.append((later + timedelta(hours=2), lambda: repair.made.transfer()))
                break
        return scenes

    def sent_first(self, case: Case) -> list[Scene]:
        """A burst pipe: the crew went yesterday before the approval, which is due today."""
        scenes = self.ordered(case, 2, OrderStage.APPROVING, MEDIUM)

        def go() -> None:
            order = orders.of_ticket(case.ticket.id)[-1]
            emergency.issue_first(
                order,
                version=order.version,
                reason="水已漫到楼下住户，先关阀抢修。",
                visit_on=clock.today(),
                actor=case.manager,
            )

        return [*scenes, (scenes[-1][0] + timedelta(minutes=6), go)]

    def returned(self, case: Case) -> list[Scene]:
        """A large estimate that the general manager sent back to his deputy with a question."""
        scenes = self.ordered(case, 4, OrderStage.APPROVING, LARGE)
        asked, actors = scenes[-1][0], self.cast

        def sign(username: str, reason: str) -> Callable[[], object]:
            def act() -> None:
                order = orders.of_ticket(case.ticket.id)[-1]
                approving.approve(
                    order, version=order.version, reason=reason, actor=actors[username]
                )

            return act

        def back() -> None:
            order = orders.of_ticket(case.ticket.id)[-1]
            approving.send_back(
                order,
                version=order.version,
                reason="外墙吊篮按几天计？请与施工单位核实后再报。",
                return_to=2,
                actor=actors["gm"],
            )

        return [
            *scenes,
            (asked + timedelta(minutes=50), sign("chief", "做法可行，单价在信息价以内。")),
            (asked + timedelta(hours=3), sign("deputy_gm", "")),
            (asked + timedelta(hours=4), back),
        ]


class _Late:
    """A repair made when its first act happens, because its crew is read from the database."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._made: Repair | None = None

    @property
    def made(self) -> Repair:
        """The repair."""
        if self._made is None:
            self._made = Repair(self.case)
        return self._made


def crew_desks(town: Town, cast: Cast) -> Iterator[Story]:
    """The stories of what lies on the desks of the repair road today."""
    return map(told, CrewDesks(town, cast).scenes())
