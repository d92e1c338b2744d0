"""A small invented estate with every role, for tests."""

from dataclasses import dataclass, field
from datetime import date

from ticketing.masters.contractors import commands as contractors
from ticketing.masters.estate import commands as estate
from ticketing.masters.people import commands as people
from ticketing.masters.people import departments
from ticketing.procedure.repairs import Trade
from ticketing.procedure.vocabulary import Relation, Role

PASSWORD = "correct-horse-9"

DEPARTMENTS = (
    ("CS", "客户服务部"),
    ("ENG", "工程材料部"),
    ("SAL", "经营销售部"),
    ("LAW", "法律事务中心"),
    ("PM", "物业公司"),
)


@dataclass
class World:
    """The ids of everything: offices and communities by code, units by label, people by user name.

    Two offices: FZ serves YX and HT, XM serves LH. Users of one office have no right at the other.
    """

    offices: dict[str, int] = field(default_factory=dict)
    communities: dict[str, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    customers: dict[str, int] = field(default_factory=dict)
    departments: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    contractors: dict[str, int] = field(default_factory=dict)
    teams: dict[str, int] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)


USERS: tuple[tuple[str, str, str, tuple[Role, ...], tuple[str, ...]], ...] = (
    ("clerk", "林晓", "CS", (Role.CLERK,), ("YX", "HT")),
    ("office", "陈静", "CS", (Role.OFFICE,), ("YX", "HT")),
    ("office2", "郑敏", "CS", (Role.OFFICE, Role.CLERK), ("YX", "HT")),
    ("far_clerk", "许芳", "CS", (Role.CLERK, Role.OFFICE), ("LH",)),
    ("handler", "周工", "PM", (Role.HANDLER,), ()),
    ("engineer", "吴工", "ENG", (Role.ENGINEER,), ("YX", "HT")),
    ("seller", "何莉", "SAL", (Role.HANDLER,), ()),
    ("lawyer", "方律", "LAW", (Role.HANDLER,), ()),
    ("captain", "老马", "PM", (Role.CAPTAIN,), ("YX",)),
    ("manager", "赵敏", "CS", (Role.CS_MANAGER,), ()),
    ("auditor", "钱审", "CS", (Role.AUDITOR,), ()),
    ("chief", "孙总工", "ENG", (Role.DEPUTY_CHIEF_ENGINEER,), ()),
    ("deputy_gm", "李副总", "CS", (Role.DEPUTY_GM,), ()),
    ("gm", "王总", "CS", (Role.GENERAL_MANAGER,), ()),
    ("finance", "冯会计", "CS", (Role.FINANCE,), ()),
    ("cashier", "出纳小白", "CS", (Role.CASHIER,), ()),
    ("admin", "管理员", "CS", (Role.ADMIN,), ()),
    ("admin2", "备用管理员", "CS", (Role.ADMIN,), ()),
    ("reader", "观察员", "CS", (Role.READER,), ("YX",)),
)

UNITS = (
    ("YX", "3栋", "1单元", "1202", "王国强", "13800001202"),
    ("YX", "3栋", "1单元", "1203", "李秀英", "13800001203"),
    ("YX", "3栋", "2单元", "0501", "张伟", "13800000501"),
    ("YX", "5栋", "1单元", "0101", "刘洋", "13900000101"),
    ("HT", "1栋", "1单元", "0801", "陈建国", "13700000801"),
    ("LH", "2栋", "1单元", "0302", "杨丽", "13600000302"),
)


def build_world() -> World:
    """Fill an empty database; the caller commits."""
    world = World()
    for code, name in (("FZ", "福州客户服务处"), ("XM", "厦门客户服务处")):
        world.offices[code] = estate.save_office(None, code=code, name=name, actor=None).id
    communities = {}
    for code, name, office in (
        ("YX", "云栖苑", "FZ"),
        ("HT", "海棠湾", "FZ"),
        ("LH", "莲花里", "XM"),
    ):
        community = estate.save_community(
            None,
            code=code,
            name=name,
            office_id=world.offices[office],
            delivered_on=date(2024, 3, 8),
            actor=None,
        )
        communities[code], world.communities[code] = community, community.id
    for code, name in DEPARTMENTS:
        world.departments[code] = departments.save_department(
            None, code=code, name=name, aliases="", handler_id=None, active=True, actor=None
        ).id
    for username, name, department, roles, places in USERS:
        world.users[username] = people.create_user(
            username=username,
            name=name,
            password=PASSWORD,
            department_id=world.departments[department],
            community_ids=[world.communities[place] for place in places],
            roles=list(roles),
            actor=None,
        ).id
    from ticketing.masters.people import queries

    for code, username in (
        ("ENG", "engineer"),
        ("SAL", "seller"),
        ("LAW", "lawyer"),
        ("PM", "handler"),
    ):
        department = queries.department(world.departments[code])
        departments.save_department(
            department,
            code=code,
            name=department.name,
            aliases="",
            handler_id=world.users[username],
            active=True,
            actor=None,
        )
    for code, building, stair, room, name, phone in UNITS:
        unit = estate.add_unit(
            communities[code],
            building=building,
            stair=stair,
            room=room,
            delivered_on=date(2024, 3, 8),
            moved_in_on=date(2024, 5, 1),
            actor=None,
        )
        world.units[f"{code} {unit.label}"] = unit.id
        world.customers[name] = estate.add_customer(
            name=name, phones=[phone], unit=unit, relation=Relation.OWNER, actor=None
        ).id
    _builders_and_crews(world)
    return world


def _builders_and_crews(world: World) -> None:
    """A contractor for each of two sets of trades in YX, and one repair team with its workers for YX and HT."""
    for name, number, trades in (
        ("榕建集团", "YX-TJ-01", (Trade.CIVIL, Trade.DECORATION)),
        ("海安机电", "YX-SD-01", (Trade.PLUMBING_ELECTRIC, Trade.INTELLIGENT)),
    ):
        contractor = contractors.save_contractor(
            None, name=name, contact="驻场代表", phone="", active=True, actor=None
        )
        world.contractors[name] = contractor.id
        contractors.save_contract(
            None,
            number=number,
            contractor_id=contractor.id,
            community_id=world.communities["YX"],
            trades=trades,
            completed_on=date(2023, 12, 20),
            liability_months=24,
            retention_fen=50_000_000,
            agreement="售后维修补充协议",
            deemed_confirmation=False,
            actor=None,
        )
    team = contractors.save_team(
        None,
        name="云栖苑维修队",
        captain_id=world.users["captain"],
        community_ids=[world.communities["YX"], world.communities["HT"]],
        active=True,
        actor=None,
    )
    world.teams[team.name] = team.id
    for name, trade in (("阿强", Trade.PLUMBING_ELECTRIC), ("老周", Trade.CIVIL)):
        worker = contractors.save_worker(
            None, team, name=name, phone="", trade=trade, active=True, actor=None
        )
        world.workers[name] = worker.id
