"""The estate of the demo as planned: two offices, three communities, twelve buildings, 1,200 homes."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from ticketing.edges.demo.story import working_day
from ticketing.kernel.storage import Store
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate.models import Community
from ticketing.procedure.vocabulary import Relation

OFFICES = (("JB", "江北客户服务处"), ("JN", "江南客户服务处"))


class Plan(NamedTuple):
    """A community as planned: where, delivered how many days ago, how many homes, how lived in."""

    code: str
    name: str
    office: str
    address: str
    delivered_days_ago: int
    floors: int
    sold: float
    moved_in: float


BUILDINGS, STAIRS, HOMES_A_FLOOR = 4, 2, 3

PLANS = (
    Plan("QY", "澄屿栖云苑", "JB", "临澄市江北区澄溪路18号", 3 * 365, 16, 0.99, 0.93),
    Plan("TL", "澄屿汀兰园", "JB", "临澄市江北区听潮路6号", 400, 15, 0.98, 0.78),
    Plan("MF", "澄屿麦风里", "JN", "临澄市江南区麦浪街201号", 122, 19, 0.95, 0.42),
)


class Resident(NamedTuple):
    """Someone of a home who may call."""

    customer_id: int
    name: str
    phone: str
    relation: Relation


@dataclass
class Home:
    """A home as the stories know it: its unit, its label, who lives there."""

    unit_id: int
    label: str
    community: str
    residents: list[Resident] = field(default_factory=list)


@dataclass
class Town:
    """What has been built so far: communities and homes by code of the community; pictures go into `store`."""

    seed: int
    today: date
    store: Store
    communities: dict[str, Community] = field(default_factory=dict)
    homes: dict[str, list[Home]] = field(default_factory=dict)

    def delivered_on(self, plan: Plan) -> date:
        """The day a community was handed over: a working day that long ago."""
        return working_day(self.today - timedelta(days=plan.delivered_days_ago), 0)


def found(town: Town) -> None:
    """Make the offices and communities."""
    offices = {
        code: estate.save_office(None, code=code, name=name, actor=None).id
        for code, name in OFFICES
    }
    for number, plan in enumerate(PLANS, start=1):
        town.communities[plan.code] = estate.save_community(
            None,
            code=plan.code,
            name=plan.name,
            office_id=offices[plan.office],
            delivered_on=town.delivered_on(plan),
            address=plan.address,
            property_contact="值班主管",
            property_phone=f"1370000910{number}",
            actor=None,
        )
        town.homes[plan.code] = []
