"""The ordinary lives of tickets: how many come on a day, and how they fare from the call to the end."""

import random
from collections.abc import Generator, Iterator
from datetime import date, datetime, timedelta

from ticketing.edges.demo import grave
from ticketing.edges.demo.case import Call, Case
from ticketing.edges.demo.cast import Cast
from ticketing.edges.demo.matters import Matter, any_matter
from ticketing.edges.demo.matters_home import HOME_MATTERS
from ticketing.edges.demo.matters_service import SERVICE_MATTERS
from ticketing.edges.demo.repair_lives import repaired, repaired_again
from ticketing.edges.demo.story import Story, days_later, minutes_later, works
from ticketing.edges.demo.town import PLANS, Plan, Town
from ticketing.kernel import clock
from ticketing.procedure.vocabulary import Category, Satisfaction

MATTERS = HOME_MATTERS + SERVICE_MATTERS
SALES_MATTERS = tuple(
    matter for matter in MATTERS if matter.category in (Category.SALES, Category.DESIGN)
)
OF_ONE_CALL = 0.07
REPAIRED = 0.38
"""How many of the broken things become a repair; the rest is settled with a word or a visit."""
A_DAY = {"QY": 0.5, "TL": 0.75}
"""Calls of a working day in the communities people have lived in for years."""

BEFORE_DELIVERY = 0.25
NEW = 150
"""Days after delivery during which a community complains about what a new home complains about."""

FEEDBACK_DAYS = {0: 20, 1: 36, 2: 26, 3: 10, 4: 5, 6: 3}
REPAIR_DAYS = {0: 12, 1: 24, 2: 26, 3: 20, 4: 7, 7: 6, 12: 4, 22: 1}
CALLBACK_DAYS = {0: 30, 1: 56, 2: 9, 4: 5}
ANSWERS = {
    Satisfaction.VERY_SATISFIED: 24,
    Satisfaction.SATISFIED: 54,
    Satisfaction.NEUTRAL: 12,
    Satisfaction.DISSATISFIED: 8,
}

Stretch = Generator[datetime, None, datetime]
"""A part of a life: yields instants like a story and returns the one at which it ended."""


def lives(town: Town, cast: Cast, first_day: date) -> Iterator[Story]:
    """The stories of every ordinary ticket from `first_day` until today."""
    for plan in PLANS:
        rng = random.Random(f"{town.seed}-{plan.code}-days")
        for past in range((town.today - first_day).days + 1):
            day = first_day + timedelta(days=past)
            for number in range(_how_many(rng, town, plan, day)):
                key = f"{town.seed}-{plan.code}-{past}-{number}"
                matters = _matters(rng, town, plan, day)
                for place, matter in enumerate(matters):
                    call = Call(key, plan.code)
                    case = Case(f"{key}-{place}", call, matter, town, cast)
                    yield _life(case, day, place)


def _how_many(rng: random.Random, town: Town, plan: Plan, day: date) -> int:
    """Calls of one day: many when a community has just been delivered, few on a day off."""
    age = (day - town.delivered_on(plan)).days
    fresh = BEFORE_DELIVERY if age <= 0 else 1.0 + 2.0 * 0.975**age
    rate = A_DAY.get(plan.code, fresh)
    if not works(day):
        rate *= 0.2
    return int(rate + rng.random() + rng.choice((-0.5, 0, 0, 0.5)))


def _matters(rng: random.Random, town: Town, plan: Plan, day: date) -> list[Matter]:
    age = (day - town.delivered_on(plan)).days
    choice = MATTERS if age > 0 else SALES_MATTERS
    found = [any_matter(rng, choice, is_new=age < NEW)]
    while rng.random() < OF_ONE_CALL and len(found) < 3:
        found.append(any_matter(rng, choice, is_new=age < NEW))
    return found


def _pick(rng: random.Random, weights: dict[int, int]) -> int:
    return rng.choices(list(weights), list(weights.values()))[0]


def _life(case: Case, day: date, place: int) -> Story:
    """From the call to the end. Each yield is the instant at which the next act happens."""
    rng = case.rng
    received, registered = case.call.instants(day)
    yield (at := registered + timedelta(minutes=3 * place))
    case.register(received)
    if case.ticket.urgent:
        yield (at := at + timedelta(minutes=rng.choice((15, 25, 40, 70, 150))))
        case.rush()
    if rng.random() < 0.04:
        yield (at := minutes_later(rng, at, 2, 9))
        case.correct()
    fate = rng.random()
    if fate < 0.025:
        yield days_later(rng, at, rng.choice((0, 1, 1, 2)))
        case.withdraw()
        return
    at = yield from _dispatched(case, at)
    if fate < 0.065:
        yield days_later(rng, at, rng.choice((0, 1, 2, 3)))
        (case.invalidate if fate < 0.05 else case.withdraw)()
        return
    if rng.random() < 0.04:
        at = yield from _written_twice(case, at)
    if case.is_repair and rng.random() < REPAIRED:
        at = yield from repaired(case, at)
    else:
        at = yield from _handled(case, at)
    at = yield from _called_back(case, at)
    if rng.random() < 0.025:
        yield (at := days_later(rng, at, rng.randint(3, 15)))
        case.reopen()
        at = yield from _done_again(case, at)
        yield from _called_back(case, at)


def _dispatched(case: Case, at: datetime) -> Stretch:
    rng, right = case.rng, case.matter.department
    wrong = "ENG" if right == "PM" else "PM"
    delay = rng.random()
    if delay < 0.82:
        yield (at := minutes_later(rng, at, 8, 150))
    else:
        yield (at := days_later(rng, at, 1 if delay < 0.95 else 2))
    turn = rng.random()
    helpers = ("PM",) if turn > 0.94 and right != "PM" else ()
    case.dispatch(wrong if turn < 0.09 else "", assisting=helpers)
    if turn < 0.05:
        yield (at := days_later(rng, at, rng.choice((0, 1))))
        case.send_back()
        yield (at := minutes_later(rng, at, 20, 200))
        case.dispatch()
    elif turn < 0.09:
        yield (at := days_later(rng, at, rng.choice((0, 1, 2))))
        case.transfer()
    elif helpers:
        yield (at := days_later(rng, at, 0))
        case.assist("property", "已陪同到现场核查，情况属实，物业可配合停水停电。")
    if rng.random() < 0.04:
        yield (at := minutes_later(rng, at, 15, 90))
        case.amend()
    return at


def _written_twice(case: Case, at: datetime) -> Stretch:
    yield (at := minutes_later(case.rng, at, 30, 300))
    twin = case.register_twin()
    yield (at := minutes_later(case.rng, at, 10, 120))
    case.merge(twin)
    return at


def _handled(case: Case, at: datetime) -> Stretch:
    rng = case.rng
    if grave.lacks_measures(case.ticket):
        yield (at := days_later(rng, at, rng.choice((0, 1, 1, 2))))
        grave.direct(case.ticket, case.cast)
    waited = _pick(rng, FEEDBACK_DAYS)
    if waited >= 3 or rng.random() < 0.05:
        yield (at := days_later(rng, at, max(waited - 1, 0)))
        case.call_again()
        waited = 1
    yield (at := days_later(rng, at, waited))
    case.feed_back()
    if case.matter.legal and rng.random() < 0.6:
        yield (at := minutes_later(rng, at, 15, 120))
        case.ask_legal()
        yield (at := days_later(rng, at, rng.choice((0, 1, 1, 2))))
        case.legal_answers()
    length = _pick(rng, REPAIR_DAYS)
    if length >= 7 and clock.local(at).date() < case.ticket.complaint_due_on:
        yield (at := minutes_later(rng, at, 20, 90))
        if at < clock.at(case.ticket.complaint_due_on, 17):
            case.extend(rng.choice((3, 5, 8)))
    for _ in range(min(rng.choice((0, 0, 1, 1, 2)), length)):
        yield (at := days_later(rng, at, max(length // 3, 1)))
        case.follow_up()
    if length >= 7:
        yield (at := days_later(rng, at, 1))
        case.call_again()
        case.raise_grade()
    yield (at := days_later(rng, at, (length + 1) // 2))
    case.resolve()
    return at


def _called_back(case: Case, at: datetime) -> Stretch:
    """Calls until somebody answers, three times at most; an unhappy answer goes back for rework."""
    rng = case.rng
    for round_ in range(3):
        yield (at := days_later(rng, at, _pick(rng, CALLBACK_DAYS)))
        unreached = 0
        while unreached < 3 and rng.random() < (0.14 if unreached == 0 else 0.45):
            case.call_back(None)
            unreached += 1
            yield (at := days_later(rng, at, 1))
        if unreached == 3:
            case.close_unreached()
            return at
        answer = rng.choices(list(ANSWERS), list(ANSWERS.values()))[0]
        if round_ == 2 and not answer.is_content:
            answer = Satisfaction.NEUTRAL
        case.call_back(answer)
        if answer is not Satisfaction.DISSATISFIED:
            return at
        yield (at := days_later(rng, at, rng.choice((0, 1, 2))))
        case.follow_up()
        at = yield from _done_again(case, at)
    return at


def _done_again(case: Case, at: datetime) -> Stretch:
    """What did not help is done once more: by the crew, or by the department."""
    if case.ticket.repair:
        return (yield from repaired_again(case, at))
    yield (at := days_later(case.rng, at, case.rng.choice((1, 2, 3))))
    case.resolve()
    return at
