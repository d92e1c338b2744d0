"""The people of the demo: ten departments with their designated handlers, every role at least once."""

from typing import NamedTuple

from ticketing.masters.people import commands as people
from ticketing.masters.people import departments
from ticketing.masters.people.models import Department, User
from ticketing.procedure.vocabulary import Role

PASSWORD = "demo-demo-2026"
"""Of every demo account. It is known to everyone: it exists in a database marked as a demo only."""

JIANGBEI, JIANGNAN = ("QY", "TL"), ("MF",)
EVERYWHERE = (*JIANGBEI, *JIANGNAN)


class DepartmentRow(NamedTuple):
    """A department: code, name, the other names it goes by, its complaint handler, its head if it has one here."""

    code: str
    name: str
    aliases: str
    handler: str
    head: str = ""


DEPARTMENTS = (
    DepartmentRow("CS", "客户服务部", "客服部 客户服务中心", "service", "manager"),
    DepartmentRow("SAL", "经营销售部", "经营部 销售部", "sales"),
    DepartmentRow("DES", "设计研发部", "设计部", "design"),
    DepartmentRow("ENG", "工程材料部", "工程部 工程项目部", "engineer", "chief"),
    DepartmentRow("FIN", "财务计统部", "财务 财务部", "cashier"),
    DepartmentRow("AUD", "审计核算部", "审计部 审核部门", "audit"),
    DepartmentRow("LAW", "法律事务中心", "法务", "legal"),
    DepartmentRow("HR", "人力资源部", "人事部", "hr"),
    DepartmentRow("GMO", "总经理室", "总经办", "secretary", "deputy_gm"),
    DepartmentRow("PM", "物业公司", "物业处 物业", "property"),
)


class Part(NamedTuple):
    """A person: account, name, department, roles, the communities he works for."""

    username: str
    name: str
    department: str
    roles: tuple[Role, ...]
    communities: tuple[str, ...] = ()


PARTS = (
    Part("clerk", "林晓", "CS", (Role.CLERK, Role.OFFICE), JIANGBEI),
    Part("clerk2", "许芳", "CS", (Role.CLERK,), JIANGNAN),
    Part("office", "陈静", "CS", (Role.OFFICE,), JIANGBEI),
    Part("office2", "黄志远", "CS", (Role.OFFICE,), JIANGNAN),
    Part("manager", "赵敏", "CS", (Role.CS_MANAGER,), EVERYWHERE),
    Part("service", "彭慧", "CS", (Role.HANDLER,)),
    Part("property", "周建平", "PM", (Role.HANDLER,)),
    Part("property2", "邓小兰", "PM", (Role.HANDLER,)),
    Part("captain", "马国梁", "PM", (Role.CAPTAIN,), JIANGBEI),
    Part("captain2", "钟海生", "PM", (Role.CAPTAIN,), JIANGNAN),
    Part("engineer", "吴昊", "ENG", (Role.ENGINEER,), EVERYWHERE),
    Part("engineer2", "蒋文博", "ENG", (Role.ENGINEER,), JIANGNAN),
    Part("chief", "孙立群", "ENG", (Role.DEPUTY_CHIEF_ENGINEER,), EVERYWHERE),
    Part("sales", "何莉", "SAL", (Role.HANDLER,)),
    Part("design", "沈清", "DES", (Role.HANDLER,)),
    Part("legal", "方正言", "LAW", (Role.HANDLER,)),
    Part("hr", "罗琳", "HR", (Role.HANDLER,)),
    Part("secretary", "韩雪", "GMO", (Role.HANDLER,)),
    Part("cashier", "唐雨", "FIN", (Role.HANDLER,)),
    Part("finance", "冯晓燕", "FIN", (Role.FINANCE,), EVERYWHERE),
    Part("finance2", "曾国栋", "FIN", (Role.CASHIER,), EVERYWHERE),
    Part("audit", "梁永", "AUD", (Role.HANDLER,)),
    Part("auditor", "钱慎之", "AUD", (Role.AUDITOR,), EVERYWHERE),
    Part("deputy_gm", "李振华", "GMO", (Role.DEPUTY_GM,), EVERYWHERE),
    Part("gm", "王启明", "GMO", (Role.GENERAL_MANAGER,), EVERYWHERE),
    Part("reader", "白露", "HR", (Role.READER,), EVERYWHERE),
)
"""Finance has two people because a payment is made by the accountant and released by the cashier."""


class Cast:
    """The people and departments of the demo by user name and code."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.departments: dict[str, Department] = {}

    def __getitem__(self, username: str) -> User:
        return self.users[username]

    def desk_of(self, community: str) -> tuple[User, User]:
        """The clerk who registers for a community and the head of its office."""
        far = community in JIANGNAN
        return self["clerk2" if far else "clerk"], self["office2" if far else "office"]


def engage(communities: dict[str, int]) -> Cast:
    """Open departments and accounts; a second administrator confirms every business role (2.1)."""
    cast = Cast()
    for row in DEPARTMENTS:
        cast.departments[row.code] = _department(cast, row, None)
    admin, second = (
        people.create_user(
            username=username,
            name=name,
            password=PASSWORD,
            employee_number=f"CY{900 + number}",
            department_id=cast.departments["HR"].id,
            roles=[Role.ADMIN],
            actor=None,
        )
        for number, (username, name) in enumerate((("admin", "高翔"), ("admin2", "丁宁")))
    )
    cast.users.update(admin=admin, admin2=second)
    for number, part in enumerate(PARTS, start=1):
        user = people.create_user(
            username=part.username,
            name=part.name,
            password=PASSWORD,
            employee_number=f"CY{number:03d}",
            phone=f"1370000{number:04d}",
            department_id=cast.departments[part.department].id,
            everywhere=part.communities == EVERYWHERE,
            community_ids=[communities[code] for code in part.communities],
            roles=list(part.roles),
            actor=admin,
        )
        for grant in user.grants:
            if not grant.in_force:
                people.confirm_role(grant, actor=second)
        cast.users[part.username] = user
    for row in DEPARTMENTS:
        _department(cast, row, admin)
    return cast


def _department(cast: Cast, row: DepartmentRow, actor: User | None) -> Department:
    """Open a department; named by an administrator once its people are there."""
    handler, head = cast.users.get(row.handler), cast.users.get(row.head)
    return departments.save_department(
        cast.departments.get(row.code),
        code=row.code,
        name=row.name,
        aliases=row.aliases,
        handler_id=handler.id if handler else None,
        head_id=head.id if head else None,
        active=True,
        actor=actor,
    )
