"""Tells the whole demo into an empty database."""

from collections.abc import Callable
from datetime import timedelta

from ticketing.edges.demo.cast import engage
from ticketing.edges.demo.desks import desks
from ticketing.edges.demo.lives import lives
from ticketing.edges.demo.story import play, working_day
from ticketing.edges.demo.town import PLANS, Town, found, handover
from ticketing.kernel import clock
from ticketing.kernel.db import transaction
from ticketing.kernel.errors import Conflict
from ticketing.masters.people import queries as people

SEED = 2026
HALF_YEAR = timedelta(days=182)


def load(*, seed: int = SEED, tell: Callable[[str], None] = lambda _line: None) -> None:
    """Fill an empty database with half a year of an invented property group, up to this minute.

    The same `seed` at the same instant tells the same stories. `tell` hears how far it has come.

    Raises Conflict when the database already has users.
    """
    if people.any_user():
        raise Conflict("数据库里已经有人员，演示数据只能装入空库。")
    until = clock.now()
    town = Town(seed, clock.local(until).date())
    first_day = working_day(town.today - HALF_YEAR, 0)
    with transaction(), clock.held(clock.at(first_day, 8)):
        found(town)
        cast = engage({code: community.id for code, community in town.communities.items()})
    tell(f"部门 {len(cast.departments)} 个，人员 {len(cast.users)} 人。")
    homes = [handover(town, plan, first_day, cast.desk_of(plan.code)[0]) for plan in PLANS]
    after = working_day(first_day, 1)
    told = play([*homes, *lives(town, cast, after), *desks(town, cast)], until=until)
    tell(f"房屋 {sum(map(len, town.homes.values()))} 套，办理 {told} 次。")
