"""The estate of the demo: two offices, three communities, twelve buildings, 1,200 homes and owners."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from ticketing.edges.demo.story import Story, working_day
from ticketing.kernel import clock
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate.models import Community, Customer, Unit
from ticketing.masters.people.models import User
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
SECOND_HOME, FAMILY, TENANT, SECOND_PHONE = 0.04, 0.28, 0.08, 0.12
"""How often an owner has another home here, a relative or a tenant lives in, someone has two phones."""

PLANS = (
    Plan("QY", "澄屿栖云苑", "JB", "临澄市江北区澄溪路18号", 3 * 365, 16, 0.99, 0.93),
    Plan("TL", "澄屿汀兰园", "JB", "临澄市江北区听潮路6号", 400, 15, 0.98, 0.78),
    Plan("MF", "澄屿麦风里", "JN", "临澄市江南区麦浪街201号", 122, 19, 0.95, 0.42),
)

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈"
_GIVEN_WORDS = (
    "伟 芳 娜 敏 静 丽 强 磊 洋 勇 艳 杰 涛 明 超 秀英 桂兰 建国 建华 志强 志明 国栋 文静 晓东 晓燕 海燕 玉梅 雪梅 小红 "
    "俊杰 子轩 浩然 思远 雨桐 欣怡 梓涵 佳宁 美玲 婷婷 丹丹 春梅 立新 永刚 德胜 福生 金凤 银花 长江 少华 家豪 嘉欣 慧敏 "
    "国强 国华 振宇 天佑 文博 诗涵 一凡 可欣 宏伟 庆丰 丽娟 素珍 凤英 瑞霞 云飞 海涛 景行 若溪 知远 清扬 书瑶 明轩"
)
GIVEN = tuple(_GIVEN_WORDS.split())


class Resident(NamedTuple):
    """Someone of a home who may call."""

    customer: Customer
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
    """What has been built so far: communities and homes by code of the community."""

    seed: int
    today: date
    communities: dict[str, Community] = field(default_factory=dict)
    homes: dict[str, list[Home]] = field(default_factory=dict)
    people: int = 0

    def delivered_on(self, plan: Plan) -> date:
        """The day a community was handed over: a working day that long ago."""
        return working_day(self.today - timedelta(days=plan.delivered_days_ago), 0)

    def next_phone(self) -> str:
        """A number of invented shape that nobody else in the demo has."""
        self.people += 1
        return f"1380000{self.people:04d}"


def found(town: Town) -> None:
    """Make the offices and communities."""
    offices = {
        code: estate.save_office(None, code=code, name=name, actor=None).id
        for code, name in OFFICES
    }
    for plan in PLANS:
        town.communities[plan.code] = estate.save_community(
            None,
            code=plan.code,
            name=plan.name,
            office_id=offices[plan.office],
            delivered_on=town.delivered_on(plan),
            address=plan.address,
            actor=None,
        )
        town.homes[plan.code] = []


def handover(town: Town, plan: Plan, first_day: date, clerk: User) -> Story:
    """Enter the homes and owners of a community, a building a morning, before it is delivered.

    Those delivered long ago are entered on `first_day`, when the system began.
    """
    rng = random.Random(f"{town.seed}-{plan.code}")
    begins = max(first_day, working_day(town.delivered_on(plan), -BUILDINGS - 1))
    for number in range(1, BUILDINGS + 1):
        yield clock.at(begins if begins == first_day else working_day(begins, number), 8, 30)
        for stair, room in _doors(plan):
            _enter_home(town, plan, rng, f"{number}栋", stair, room, clerk)


def _doors(plan: Plan) -> Iterator[tuple[str, str]]:
    for stair in range(1, STAIRS + 1):
        for floor in range(1, plan.floors + 1):
            for door in range(1, HOMES_A_FLOOR + 1):
                yield f"{stair}单元", f"{floor:02d}{door:02d}"


def _enter_home(
    town: Town, plan: Plan, rng: random.Random, building: str, stair: str, room: str, clerk: User
) -> None:
    delivered = town.delivered_on(plan)
    latest = (town.today - delivered).days - 2
    moved_in = delivered + timedelta(days=min(int(rng.expovariate(1 / 90)) + 3, latest))
    sold, lived_in = rng.random() < plan.sold, rng.random() < plan.moved_in
    unit = estate.add_unit(
        town.communities[plan.code],
        building=building,
        stair=stair,
        room=room,
        delivered_on=delivered,
        moved_in_on=moved_in if sold and lived_in else None,
        actor=clerk,
    )
    home = Home(unit.id, unit.label, plan.code)
    town.homes[plan.code].append(home)
    if not sold:
        return
    neighbours = [known for known in town.homes[plan.code] if known.residents]
    if neighbours and rng.random() < SECOND_HOME:
        owner = rng.choice(neighbours).residents[0]
        estate.settle_in(
            owner.customer,
            unit,
            relation=Relation.OWNER,
            since_on=delivered,
            actor=clerk,
        )
        home.residents.append(owner)
    else:
        _let_in(town, rng, home, unit, Relation.OWNER, clerk)
    if sold and lived_in and rng.random() < FAMILY:
        _let_in(town, rng, home, unit, Relation.FAMILY, clerk)
    if sold and lived_in and rng.random() < TENANT:
        _let_in(town, rng, home, unit, Relation.TENANT, clerk)


def _let_in(
    town: Town,
    rng: random.Random,
    home: Home,
    unit: Unit,
    relation: Relation,
    clerk: User,
) -> None:
    name = rng.choice(SURNAMES) + rng.choice(GIVEN)
    phones = [town.next_phone()]
    if rng.random() < SECOND_PHONE:
        phones.append(f"1390000{phones[0][-4:]}")
    customer = estate.add_customer(
        name=name, phones=phones, unit=unit, relation=relation, actor=clerk
    )
    home.residents.append(Resident(customer, name, phones[0], relation))
