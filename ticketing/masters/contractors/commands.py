"""Keeping contractors, contracts, repair teams, workers and warranty promises; every change is journalled."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm.attributes import flag_modified

from ticketing.journal.changes import plain, write
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import Base, db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean_line, looks_like_phone, phone_digits
from ticketing.masters.contractors.models import (
    Contract,
    Contractor,
    ContractTrade,
    RepairTeam,
    TeamArea,
    WarrantyPromise,
    Worker,
)
from ticketing.masters.people.models import User
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.repairs import Part, Trade
from ticketing.procedure.vocabulary import Role
from ticketing.procedure.warranty import in_words, statutory

Row = TypeVar("Row", bound=Base)

BOUND: list[Callable[[Contract], bool]] = []
"""Whether a room above has money under a contract: then the contract stays its contractor's and its community's."""


def save_contractor(
    contractor: Contractor | None,
    *,
    name: str,
    contact: str,
    phone: str,
    active: bool,
    actor: User | None,
    version: int | None = None,
) -> Contractor:
    """Enter or change a contractor. Raises Invalid (no name, taken, odd phone), NotPermitted, Conflict."""
    name = _named(name, "请填写施工单位名称。")
    _free(Contractor, Contractor.name, name, contractor, "已有同名的施工单位。", "name")
    values = {
        "name": name,
        "contact": clean_line(contact),
        "phone": _phone(phone),
        "active": active,
    }
    return _save(Contractor, contractor, values, "contractor", actor, version)


def save_contract(
    contract: Contract | None,
    *,
    number: str,
    contractor_id: int,
    community_id: int,
    trades: Iterable[Trade],
    completed_on: date | None,
    liability_months: int,
    retention_fen: int,
    agreement: str,
    deemed_confirmation: bool,
    actor: User | None,
    version: int | None = None,
) -> Contract:
    """Enter or change what a contractor built in a community (procedure 2.6, 3.4.6).

    Once a deposit or an account stands under it, it goes to no other contractor or community: the money would go with it.
    Raises Invalid, NotPermitted, Conflict.
    """
    number = _named(number, "请填写合同编号。", "number")
    _free(Contract, Contract.number, number, contract, "已有同一编号的合同。", "number")
    wanted = set(trades)
    if not wanted:
        raise Invalid("请选择合同包含的工种。", field="trades")
    if completed_on is not None and completed_on > clock.today():
        raise Invalid("竣工验收日期不能晚于今天。", field="completed_on")
    if liability_months < 0:
        raise Invalid("缺陷责任期不能是负数。", field="liability_months")
    values = {
        "number": number,
        "contractor_id": contractor_id,
        "community_id": community_id,
        "completed_on": completed_on,
        "liability_months": liability_months,
        "retention_fen": retention_fen,
        "agreement": clean_line(agreement),
        "deemed_confirmation": deemed_confirmation,
    }
    if contract is not None:
        _refuse_moved(contract, contractor_id, community_id)
    known = {one.trade for one in contract.trades} if contract else set()
    parts = {"trades": [[one.value for one in Trade if one in some] for some in (known, wanted)]}
    saved = _save(Contract, contract, values, "contract", actor, version, parts)
    for one in list(saved.trades):
        if one.trade not in wanted:
            saved.trades.remove(one)
    saved.trades += [ContractTrade(trade=trade) for trade in Trade if trade in wanted - known]
    db.session.flush()
    return saved


def _refuse_moved(contract: Contract, contractor_id: int, community_id: int) -> None:
    moved = [
        (field, sentence)
        for field, sentence, same in (
            ("contractor_id", "施工单位", contractor_id == contract.contractor_id),
            ("community_id", "小区", community_id == contract.community_id),
        )
        if not same
    ]
    if moved and any(holds(contract) for holds in BOUND):
        field, what = moved[0]
        raise Conflict(f"这份合同已有质保金或结算书，不能改{what}；请另立一份合同。", field=field)


def save_team(
    team: RepairTeam | None,
    *,
    name: str,
    captain_id: int,
    community_ids: Iterable[int],
    active: bool,
    actor: User | None,
    version: int | None = None,
    within: frozenset[int] | None = None,
) -> RepairTeam:
    """Enter or change a repair team, its captain and where it works (procedure 3.5).

    `within` are the communities its editor reaches (None: all); what the team has beyond them stays as it is.
    Raises Invalid, NotPermitted, Conflict.
    """
    name = _named(name, "请填写维修队名称。")
    _free(RepairTeam, RepairTeam.name, name, team, "已有同名的维修队。", "name")
    captain = db.session.get(User, captain_id)
    if captain is None or not captain.active or Role.CAPTAIN not in captain.roles:
        raise Invalid("队长须是在用的“维修队长”账号。", field="captain_id")
    places = set(community_ids)
    if not places:
        raise Invalid("请选择维修队服务的小区。", field="community_ids")
    if within is not None and team is not None:
        places |= {area.community_id for area in team.areas} - within
    values = {"name": name, "captain_id": captain.id, "active": active}
    known = {area.community_id for area in team.areas} if team else set()
    parts = {"community_ids": [sorted(known), sorted(places)]}
    saved = _save(RepairTeam, team, values, "repair_team", actor, version, parts)
    for area in list(saved.areas):
        if area.community_id not in places:
            saved.areas.remove(area)
    saved.areas += [TeamArea(community_id=place) for place in sorted(places - known)]
    db.session.flush()
    return saved


def save_worker(
    worker: Worker | None,
    team: RepairTeam,
    *,
    name: str,
    phone: str,
    trade: Trade,
    active: bool,
    actor: User | None,
    version: int | None = None,
) -> Worker:
    """Enter or change a worker of a team. Raises Invalid, NotPermitted, Conflict."""
    name = _named(name, "请填写工人姓名。")
    taken = select(func.count(Worker.id)).where(Worker.team_id == team.id, Worker.name == name)
    if worker is not None:
        taken = taken.where(Worker.id != worker.id)
    if db.session.scalar(taken):
        raise Invalid("本队已有同名的工人。", field="name")
    values = {
        "team_id": team.id,
        "name": name,
        "phone": _phone(phone),
        "trade": trade,
        "active": active,
    }
    return _save(Worker, worker, values, "worker", actor, version)


def promise(
    *,
    community_id: int | None,
    part: Part,
    owner_months: int | None,
    contractor_months: int | None,
    since: date,
    source: str,
    actor: User | None,
    within: frozenset[int] | None = None,
) -> WarrantyPromise:
    """Enter a longer warranty period of one or, with `community_id` None, all communities (procedure 3.4.6).

    `within` are the communities its author reaches (None: all).
    Raises Invalid (no source, no period, one below the statutory minimum: it has no effect), NotPermitted.
    """
    _reached(community_id, within)
    source = _named(source, "请写明依据，例如质量保证书、补充协议或地方规定。", "source")
    if owner_months is None and contractor_months is None:
        raise Invalid("请至少填写一个期限。", field="owner_months")
    least = statutory(part)
    for months, floor, field in (
        (owner_months, least.owner_months, "owner_months"),
        (contractor_months, least.contractor_months or 0, "contractor_months"),
    ):
        if months is not None and months < max(floor, 1):
            raise Invalid(f"不能短于法定最低期限 {in_words(max(floor, 1))}。", field=field)
    values = {
        "community_id": community_id,
        "part": part,
        "owner_months": owner_months,
        "contractor_months": contractor_months,
        "since": since,
        "source": source,
    }
    return _save(WarrantyPromise, None, values, "warranty_promise", actor, None)


def end_promise(
    row: WarrantyPromise,
    *,
    version: int,
    until: date | None,
    withdrawn: bool,
    ended_why: str,
    actor: User | None,
    within: frozenset[int] | None = None,
) -> WarrantyPromise:
    """Let a promise hold only for what is delivered up to `until`, or withdraw one entered by mistake altogether.

    Homes delivered while it was in force keep it (procedure 3.4.6). Raises Invalid, NotPermitted, Conflict.
    """
    _reached(row.community_id, within)
    ended_why = _named(ended_why, "请写明原因。", "ended_why")
    if row.withdrawn:
        raise Conflict("这条承诺已经作废。", seen=version)
    if withdrawn:
        until = row.until
    elif until is None:
        raise Invalid("请填写止于哪一天；登记有误的，请勾选作废。", field="until")
    elif until < row.since:
        raise Invalid(f"不能早于起始日期 {row.since}。", field="until")
    values = {"until": until, "withdrawn": withdrawn, "ended_why": ended_why}
    return _save(WarrantyPromise, row, values, "warranty_promise", actor, version)


def _save(
    model: type[Row],
    row: Row | None,
    values: dict[str, Any],
    subject: str,
    actor: User | None,
    version: int | None,
    parts: dict[str, list[list[Any]]] | None = None,
) -> Row:
    """Write one row and its journal entry; `actor` None is the system itself.

    `parts` are lists that hang on the row, before and after: a change in them is a change of the row.
    """
    moved = {name: pair for name, pair in (parts or {}).items() if pair[0] != pair[1]}
    if actor is not None and not may(actor.roles, Act.MANAGE_CONTRACTORS):
        raise NotPermitted("您的岗位不能维护施工单位与维修队。")
    if row is None:
        row = model(**values)
        db.session.add(row)
        changed = {name: [None, plain(value)] for name, value in values.items()}
    else:
        if version is not None and version != getattr(row, "version", version):
            raise Conflict("您打开本页之后，这条资料已被他人修改。请核对后再提交。", seen=version)
        changed = write(row, values)
        if moved and not changed:
            flag_modified(row, next(iter(values)))
    changed |= moved
    db.session.flush()
    if changed:
        record(
            subject,
            row.__dict__["id"],
            Act.MANAGE_CONTRACTORS.value,
            actor=actor,
            at=clock.now(),
            clause="3.4.6",
            version=getattr(row, "version", 0),
            facts={"changed": changed},
        )
    return row


def _reached(community_id: int | None, within: frozenset[int] | None) -> None:
    if within is not None and community_id not in within:
        raise NotPermitted("适用于全部小区的保修承诺，由负责全部小区的人员维护。")


def _free(model: type[Base], column: Any, value: str, row: Any, sentence: str, field: str) -> None:
    taken = select(func.count()).select_from(model).where(column == value)
    if row is not None:
        taken = taken.where(model.__table__.c.id != row.id)
    if db.session.scalar(taken):
        raise Invalid(sentence, field=field)


def _named(text: str, sentence: str, field: str = "name") -> str:
    text = clean_line(text)
    if not text:
        raise Invalid(sentence, field=field)
    return text


def _phone(text: str) -> str:
    phone = phone_digits(text)
    if phone and not looks_like_phone(phone):
        raise Invalid("电话号码不像是真的，请核对。", field="phone")
    return phone
