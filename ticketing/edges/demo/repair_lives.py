"""How repairs of the demo fare: from the appointment in the flat to the last signature."""

import random
from collections.abc import Generator
from datetime import datetime, timedelta

from ticketing.edges.demo.case import Case
from ticketing.edges.demo.repairing import Repair
from ticketing.edges.demo.story import days_later, minutes_later, office_time, working_day
from ticketing.kernel import clock
from ticketing.procedure.repairs import (
    OrderClass,
)
from ticketing.steps.work_orders import queries as order_queries

Stretch = Generator[datetime, None, datetime]


def repaired(case: Case, at: datetime) -> Stretch:
    """From the dispatched ticket to the last accepted order, or to an answer where nothing is repaired."""
    rng, repair = case.rng, Repair(case)
    yield (at := minutes_later(rng, at, 10, 90))
    visit = _visit(rng, at)
    repair.schedule(visit)
    late = rng.random() < 0.08
    yield (at := max(at + timedelta(minutes=5), visit))
    repair.record()
    yield (at := days_later(rng, at, 1) if late else at + timedelta(minutes=rng.randint(15, 50)))
    repair.sign()
    yield (at := minutes_later(rng, at, 30, 400))
    if not repair.conclude():
        yield (at := days_later(rng, at, rng.choice((0, 1, 2))))
        case.resolve()
        return at
    for order_class in (OrderClass.A, OrderClass.B):
        if order_class in order_queries.to_order(case.ticket.id):
            yield (at := minutes_later(rng, at, 10, 120))
            repair.draft(order_class)
            at = yield from _ordered(repair, at)
    return at


def repaired_again(case: Case, at: datetime) -> Stretch:
    """The customer was not content: an order of rework."""
    repair = Repair(case)
    yield (at := minutes_later(case.rng, at, 30, 240))
    repair.draft_again()
    return (yield from _ordered(repair, at))


def _ordered(repair: Repair, at: datetime) -> Stretch:
    """One order from its approval to the customer's signature and the inspection."""
    rng = repair.rng
    more = True
    while more:
        yield (at := minutes_later(rng, at, 20, 420))
        more = repair.approve_next()
    yield (at := minutes_later(rng, at, 10, 120))
    repair.issue()
    yield (at := minutes_later(rng, at, 15, 180))
    repair.acknowledge()
    slow = rng.random() < 0.16
    if slow:
        yield (at := minutes_later(rng, at, 60, 200))
        repair.extend()
    yield (at := days_later(rng, at, rng.choice((3, 4, 6) if slow else (0, 1, 1, 2, 3))))
    repair.work()
    yield (at := minutes_later(rng, at, 60, 300))
    repair.self_check()
    if rng.random() < 0.05:
        yield (at := days_later(rng, at, 1))
        repair.reject()
        yield (at := days_later(rng, at, 1))
        repair.work_again()
        yield (at := minutes_later(rng, at, 5, 30))
        repair.self_check()
    yield (at := at + timedelta(minutes=rng.randint(3, 20)))
    repair.sign_off()
    yield (at := days_later(rng, at, rng.choice((0, 0, 1))))
    repair.inspect()
    return at


def _visit(rng: random.Random, at: datetime) -> datetime:
    """When the parties meet: later the same day or on the next working day."""
    soon = office_time(rng, working_day(clock.local(at).date(), 1))
    return max(soon, at + timedelta(minutes=30))
