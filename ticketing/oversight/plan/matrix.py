"""The board itself, put together from the orders: days, teams, loads, conflicts. No query and no web here."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from ticketing.oversight.plan.problems import Pile, Problem
from ticketing.oversight.plan.queries import Job
from ticketing.procedure.repairs import OrderStage
from ticketing.procedure.workdays import Calendar

FULL_DAY = 6
"""More orders than these for one team on one day are too many; the house's own figure."""

_PILES = {
    OrderStage.DRAFT: Pile.DRAFT,
    OrderStage.APPROVING: Pile.APPROVING,
    OrderStage.APPROVED: Pile.APPROVED,
    OrderStage.ISSUED: Pile.ISSUED,
    OrderStage.ACKNOWLEDGED: Pile.ISSUED,
}


class Team(NamedTuple):
    """A repair team as a column of the board."""

    id: int
    name: str
    captain: str


class Load(NamedTuple):
    """How much there is to do: orders, and trades over all of them."""

    orders: int = 0
    trades: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is more than a team does in a day."""
        return self.orders > FULL_DAY

    def __bool__(self) -> bool:
        return self.orders > 0


class Card(NamedTuple):
    """An order with what is wrong about its plan; `beside` are the numbers of others for the same home that day."""

    job: Job
    problems: frozenset[Problem]
    beside: tuple[str, ...] = ()

    @property
    def is_wrong(self) -> bool:
        """Whether its own plan is at fault, not only that it has none or that the team has too much."""
        return bool(self.problems - {Problem.UNPLANNED, Problem.FULL})


class Cell(NamedTuple):
    """What one team has to do on one day."""

    team: Team
    load: Load
    cards: list[Card]


class Day(NamedTuple):
    """A row of the board; `provisional` where the calendar of its year is not published yet."""

    on: date
    works: bool
    provisional: bool
    cells: list[Cell]


class Board(NamedTuple):
    """The whole: columns with their loads, rows of days, what is planned for later, what waits, how many conflicts."""

    teams: list[tuple[Team, Load]]
    days: list[Day]
    later: list[Card]
    piles: list[tuple[Pile, list[Card]]]
    counts: dict[Problem, int]
    total: int


def days_from(today: date) -> list[date]:
    """Today and what is left of this week and the next, to its Sunday."""
    last = today + timedelta(days=13 - today.weekday())
    return [today + timedelta(days=n) for n in range((last - today).days + 1)]


def board(
    jobs: Sequence[Job],
    teams: Sequence[Team],
    *,
    today: date,
    calendar: Calendar,
    only: Problem | None = None,
) -> Board:
    """Put the board together; with `only` just the cards with that problem, loads and counts stay whole."""
    columns = _columns(jobs, teams)
    days = days_from(today)
    loads = _loads(jobs)
    cards = _cards(jobs, loads, today, calendar)
    counts = Counter(problem for card in cards for problem in card.problems)
    shown = [card for card in cards if only is None or only in card.problems]
    placed: dict[tuple[date, int], list[Card]] = defaultdict(list)
    piles: dict[Pile, list[Card]] = {pile: [] for pile in Pile}
    later: list[Card] = []
    for card in shown:
        job = card.job
        pile = _pile(job, today)
        if pile is not None:
            piles[pile].append(card)
        elif job.visit_on is not None and job.visit_on <= days[-1]:
            placed[job.visit_on, job.team_id or 0].append(card)
        else:
            later.append(card)
    later.sort(key=lambda card: (card.job.visit_on or today, card.job.id))
    return Board(
        teams=[(team, _sum(loads.get((day, team.id)) for day in days)) for team in columns],
        days=[
            Day(
                day,
                *calendar(day),
                [
                    Cell(team, loads.get((day, team.id), Load()), placed[day, team.id])
                    for team in columns
                ],
            )
            for day in days
        ],
        later=later,
        piles=[(pile, found) for pile, found in piles.items() if found],
        counts={problem: counts[problem] for problem in Problem},
        total=len(jobs),
    )


def _columns(jobs: Sequence[Job], teams: Sequence[Team]) -> list[Team]:
    """The teams that work here, and behind them those that only still have something planned."""
    known = {team.id for team in teams}
    strange = {
        job.team_id: Team(job.team_id, job.team or "—", "")
        for job in jobs
        if job.team_id is not None and job.team_id not in known
    }
    return [*teams, *sorted(strange.values(), key=lambda team: team.name)]


def _pile(job: Job, today: date) -> Pile | None:
    """Where an order waits that stands on no day of the board."""
    if job.visit_on is None or job.team_id is None:
        return _PILES[job.stage]
    if job.visit_on < today:
        return Pile.STARTED if job.arrived_at is not None else Pile.MISSED
    return None


def _loads(jobs: Iterable[Job]) -> dict[tuple[date, int], Load]:
    loads: dict[tuple[date, int], Load] = {}
    for job in jobs:
        if job.visit_on is not None and job.team_id is not None:
            key = job.visit_on, job.team_id
            load = loads.get(key, Load())
            loads[key] = Load(load.orders + 1, load.trades + job.trades)
    return loads


def _sum(loads: Iterable[Load | None]) -> Load:
    found = [load for load in loads if load]
    return Load(sum(one.orders for one in found), sum(one.trades for one in found))


def _cards(
    jobs: Sequence[Job],
    loads: dict[tuple[date, int], Load],
    today: date,
    calendar: Calendar,
) -> list[Card]:
    homes: dict[tuple[int, date], list[Job]] = defaultdict(list)
    for job in jobs:
        if job.unit_id is not None and job.visit_on is not None and not job.is_done:
            homes[job.unit_id, job.visit_on].append(job)
    cards = []
    for job in jobs:
        there = homes.get((job.unit_id or 0, job.visit_on or today), [])
        others = tuple(f"{one.number}（{one.team}）" for one in there if one.id != job.id)
        beside = others if job in there else ()
        cards.append(Card(job, frozenset(_problems(job, beside, loads, today, calendar)), beside))
    return cards


def _problems(
    job: Job,
    beside: Sequence[str],
    loads: dict[tuple[date, int], Load],
    today: date,
    calendar: Calendar,
) -> Iterator[Problem]:
    """What is wrong about the plan of one order; nothing any more once the crew is done."""
    if job.is_done:
        return
    pile = _pile(job, today)
    if pile is Pile.MISSED:
        yield Problem.MISSED
    elif pile is not None and pile is not Pile.STARTED:
        yield Problem.UNPLANNED
    if pile is not None or job.visit_on is None or job.team_id is None:
        return
    if job.due_on is not None and job.visit_on > job.due_on:
        yield Problem.LATE
    if not calendar(job.visit_on).works:
        yield Problem.DAY_OFF
    if beside:
        yield Problem.TWICE
    if loads[job.visit_on, job.team_id].is_full:
        yield Problem.FULL
