"""The homes and owners of the demo, brought in as a company would: by the Excel import, checked first."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ticketing.edges.demo.story import Story, office_time, working_day, works
from ticketing.edges.demo.town import (
    BUILDINGS,
    HOMES_A_FLOOR,
    PLANS,
    STAIRS,
    Home,
    Plan,
    Resident,
    Town,
)
from ticketing.kernel import clock, excel, workbook
from ticketing.kernel.db import db, transaction
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate import importing, runs
from ticketing.masters.estate.models import Customer, CustomerPhone, ImportStage, Residency, Unit
from ticketing.masters.estate.rows import COLUMNS, SHEET
from ticketing.masters.people.models import User
from ticketing.procedure.vocabulary import Relation

SECOND_HOME, FAMILY, TENANT, SECOND_PHONE = 0.04, 0.28, 0.08, 0.12
"""How often an owner has another home here, a relative or a tenant lives in, someone has two phones."""

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈"
_GIVEN_WORDS = (
    "伟 芳 娜 敏 静 丽 强 磊 洋 勇 艳 杰 涛 明 超 秀英 桂兰 建国 建华 志强 志明 国栋 文静 晓东 晓燕 海燕 玉梅 雪梅 小红 "
    "俊杰 子轩 浩然 思远 雨桐 欣怡 梓涵 佳宁 美玲 婷婷 丹丹 春梅 立新 永刚 德胜 福生 金凤 银花 长江 少华 家豪 嘉欣 慧敏 "
    "国强 国华 振宇 天佑 文博 诗涵 一凡 可欣 宏伟 庆丰 丽娟 素珍 凤英 瑞霞 云飞 海涛 景行 若溪 知远 清扬 书瑶 明轩"
)
GIVEN = tuple(_GIVEN_WORDS.split())

Line = tuple[Any, ...]


def bring_in(town: Town, plan: Plan, at: datetime, clerk: User, folder: Path) -> None:
    """Import the homes and owners of a community at `at`. Raises RuntimeError when refused."""
    upload = folder / f"{plan.code}.upload"
    heads = [column.head for column in COLUMNS.values()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = _lines(town, plan, clock.local(at).date())
    excel.ledger(upload, excel.Leaf(SHEET, heads, lines))
    with clock.held(at):
        workbook.guard(upload)
        with transaction():
            run = runs.begin(upload=upload, file_name=f"{plan.name}房产客户.xlsx", actor=clerk)
        run_id = run.id
        importing.check(run_id, folder)
        with transaction():
            runs.confirm(runs.import_run(clerk.id, run_id), actor=clerk)
        importing.carry_out(run_id, folder)
        run = runs.import_run(clerk.id, run_id)
        if run.stage is not ImportStage.DONE:
            raise RuntimeError(f"{plan.name}: {run.stage} {run.problems[:3]} {run.summary}")
    town.homes[plan.code] = _homes(town, plan)
    db.session.rollback()


def _lines(town: Town, plan: Plan, day: date) -> Iterator[Line]:
    """The rows of the workbook: one a resident, or one for a home not yet sold."""
    rng = random.Random(f"{town.seed}-{plan.code}")
    delivered = town.delivered_on(plan)
    owners: list[tuple[str, str]] = []
    first_phone = 3000 * PLANS.index(plan) + 1000
    for number, (building, stair, room) in enumerate(_doors(plan)):
        moved_in = delivered + timedelta(days=int(rng.expovariate(1 / 90)) + 3)
        lived_in = rng.random() < plan.moved_in and moved_in < day
        place = (plan.code, plan.name, building, stair, room, delivered)
        if rng.random() >= plan.sold:
            yield (*place, None, "", "", "", "", "")
            continue
        since = moved_in if lived_in else None
        deemed = "是" if not lived_in and number % 9 == 0 else ""  # did not come to take over
        phone = f"1380000{first_phone + number:04d}"
        if owners and rng.random() < SECOND_HOME:
            name, phone = rng.choice(owners)
        else:
            name = rng.choice(SURNAMES) + rng.choice(GIVEN)
            if rng.random() < SECOND_PHONE:
                phone = f"{phone}、1390000{phone[-4:]}"
            owners.append((name, phone))
        yield (*place, since, name, phone, Relation.OWNER.label, "", deemed)
        for relation, share, block in (
            (Relation.FAMILY, FAMILY, "1360000"),
            (Relation.TENANT, TENANT, "1350000"),
        ):
            if lived_in and rng.random() < share:
                other = rng.choice(SURNAMES) + rng.choice(GIVEN)
                yield (*place, since, other, f"{block}{phone[7:11]}", relation.label, "", "")


def _doors(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for building in range(1, BUILDINGS + 1):
        for stair in range(1, STAIRS + 1):
            for floor in range(1, plan.floors + 1):
                for door in range(1, HOMES_A_FLOOR + 1):
                    yield f"{building}栋", f"{stair}单元", f"{floor:02d}{door:02d}"


def _homes(town: Town, plan: Plan) -> list[Home]:
    """What the import has made of it, as the stories know it."""
    homes: dict[int, Home] = {}
    community_id = town.communities[plan.code].id
    for unit in db.session.execute(
        select(Unit.id, Unit.label).where(Unit.community_id == community_id).order_by(Unit.id)
    ):
        homes[unit.id] = Home(unit.id, unit.label, plan.code)
    known: set[tuple[int, int]] = set()
    for row in db.session.execute(
        select(
            Residency.unit_id,
            Residency.customer_id,
            Residency.relation,
            Customer.name,
            CustomerPhone.number,
        )
        .join(Customer, Customer.id == Residency.customer_id)
        .join(CustomerPhone, CustomerPhone.customer_id == Customer.id)
        .where(Residency.unit_id.in_(homes))
        .order_by(Residency.id, CustomerPhone.id)
    ):
        if (row.unit_id, row.customer_id) not in known:
            known.add((row.unit_id, row.customer_id))
            resident = Resident(row.customer_id, row.name, row.number, row.relation)
            homes[row.unit_id].residents.append(resident)
    return list(homes.values())


def moving_in(town: Town, plan: Plan, clerk: User) -> Story:
    """After delivery families move in, week by week; the clerk notes the day (procedure 3.7.5)."""
    rng = random.Random(f"{town.seed}-{plan.code}-moving")
    delivered = town.delivered_on(plan)
    empty = [home for home in town.homes[plan.code] if home.residents]
    coming = rng.sample(empty, int(len(empty) * plan.moved_in))
    arrivals = []
    for home in coming:
        moved_in = delivered + timedelta(days=int(rng.expovariate(1 / 45)) + 4)
        noted = moved_in if works(moved_in) else working_day(moved_in, 1)
        arrivals.append((office_time(rng, noted), home.unit_id, moved_in))
    for noted_at, unit_id, moved_in in sorted(arrivals):
        yield noted_at
        unit = db.session.get_one(Unit, unit_id)
        estate.date_unit(
            unit,
            version=unit.version,
            delivered_on=delivered,
            deemed_delivered=unit.deemed_delivered,
            moved_in_on=moved_in,
            actor=clerk,
        )
