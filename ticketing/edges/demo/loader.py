"""Tells the whole demo into an empty database."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from ticketing.edges.demo.accounts import accounts
from ticketing.edges.demo.bells import bells, readers
from ticketing.edges.demo.cast import engage
from ticketing.edges.demo.closings import closings
from ticketing.edges.demo.crew_desks import crew_desks
from ticketing.edges.demo.crews import builders_and_crews
from ticketing.edges.demo.deposits import deposits
from ticketing.edges.demo.desks import desks
from ticketing.edges.demo.funds import funds
from ticketing.edges.demo.homes import bring_in, moving_in
from ticketing.edges.demo.lives import lives
from ticketing.edges.demo.papers import papers
from ticketing.edges.demo.prices import price_lists
from ticketing.edges.demo.rules import away, rules
from ticketing.edges.demo.story import Telling, working_day
from ticketing.edges.demo.town import PLANS, Town, found
from ticketing.kernel import clock
from ticketing.kernel.db import transaction
from ticketing.kernel.errors import Conflict
from ticketing.kernel.storage import Store
from ticketing.masters.people import queries as people

SEED = 2026
HALF_YEAR = timedelta(days=182)


def load(
    folder: Path,
    store: Store,
    *,
    seed: int = SEED,
    tell: Callable[[str], None] = lambda _line: None,
) -> None:
    """Fill an empty database with half a year of an invented property group, up to this minute.

    `folder` is where imports keep their files meanwhile, `store` where pictures go. The same `seed` at the same instant tells
    the same stories. `tell` hears how far it has come.

    Raises Conflict when the database already has users.
    """
    if people.any_user():
        raise Conflict("数据库里已经有人员，演示数据只能装入空库。")
    until = clock.now()
    town = Town(seed, clock.local(until).date(), store)
    first_day = working_day(town.today - HALF_YEAR, 0)
    with transaction(), clock.held(clock.at(first_day, 8)):
        found(town)
        cast = engage({code: community.id for code, community in town.communities.items()})
        builders_and_crews(town, cast)
    tell(f"部门 {len(cast.departments)} 个，人员 {len(cast.users)} 人")
    telling = Telling()
    after = working_day(first_day, 1)
    telling.add(
        [
            *lives(town, cast, after),
            *desks(town, cast),
            *crew_desks(town, cast),
            *papers(town, cast, after),
            *deposits(town, cast, after),
        ]
    )
    telling.add([rules(cast, first_day, town.today), away(cast, town.today)])
    telling.add(price_lists(cast, first_day, town.today))
    telling.add([accounts(town, cast, after), funds(town, cast, after)])
    telling.add([closings(town, cast, after)])
    telling.add([bells(after, town.today), readers(cast.users.values(), after, town.today)])
    for plan in PLANS:
        handover = clock.at(max(first_day, town.delivered_on(plan)), 8, 15)
        telling.until(handover)
        clerk, _office = cast.desk_of(plan.code)
        bring_in(town, plan, handover, clerk, folder)
        tell(f"{plan.name} {len(town.homes[plan.code])} 套")
        if town.delivered_on(plan) > first_day:
            telling.add([moving_in(town, plan, clerk)])
    telling.until(until)
    tell(f"半年来办理 {telling.parts} 次")
