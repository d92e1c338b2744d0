"""Acts on a price list: one person draws a version up and proposes it, another agrees or declines (trust: S9).

A version is drawn up whole: its lines never change. Every act is journalled.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import func, select

from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean, clean_line, fold
from ticketing.masters.contractors.models import Contract
from ticketing.masters.estate.words import initials
from ticketing.masters.people.models import User
from ticketing.masters.prices import queries
from ticketing.masters.prices.keys import code_key, item_key
from ticketing.masters.prices.models import ListState, PriceLine, PriceList
from ticketing.masters.prices.rows import Price
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.settlement import PriceBasis

SUBJECT = "price_list"
LATEST_DAYS = 366
"""How far ahead a version may be dated."""


def draw_up(
    contract: Contract,
    *,
    basis: PriceBasis,
    valid_from: date,
    reason: str,
    prices: Sequence[Price],
    actor: User,
) -> PriceList:
    """Draw up a version out of read and checked lines; one drawn up before and not proposed is given up for it.

    Raises Invalid (at the field), NotPermitted, Conflict (a proposed one waits).
    """
    if not may(actor.roles, Act.PROPOSE_PRICES):
        raise NotPermitted("您的岗位不能拟定合同价目表。")
    _dated(valid_from)
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明依据，例如补充协议的编号和日期。", field="reason")
    db.session.execute(select(Contract.id).where(Contract.id == contract.id).with_for_update())
    standing = {one.state: one for one in queries.versions(contract.id) if one.state.is_open}
    if ListState.PROPOSED in standing:
        raise Conflict("这份合同已有一版价目在等待同意，请先由总经理决定或撤回。")
    if ListState.DRAFT in standing:
        drop(standing[ListState.DRAFT], version=standing[ListState.DRAFT].version, actor=actor)
    made = PriceList(
        contract_id=contract.id,
        edition=1 + (_last_edition(contract.id) or 0),
        basis=basis,
        valid_from=valid_from,
        reason=reason,
        entered_at=clock.now(),
        entered_by_id=actor.id,
    )
    db.session.add(made)
    db.session.flush()
    db.session.add_all(_line(made, n, price) for n, price in enumerate(prices, 1))
    db.session.flush()
    _journal(made, "enter_prices", actor, {"lines": len(prices), "basis": basis.value})
    return made


def _last_edition(contract_id: int) -> int | None:
    return db.session.scalar(
        select(func.max(PriceList.edition)).where(PriceList.contract_id == contract_id)
    )


def _dated(valid_from: date) -> None:
    today = clock.today()
    if valid_from < today:
        raise Invalid("生效日期不能早于今天：价目不追溯。", field="valid_from")
    if valid_from - today > timedelta(days=LATEST_DAYS):
        raise Invalid("生效日期最多在一年之内。", field="valid_from")


def _line(made: PriceList, position: int, price: Price) -> PriceLine:
    code, item, unit = clean_line(price.code), clean_line(price.item), clean_line(price.unit)
    if not item or not unit:
        raise Invalid(f"第 {position} 行：请填写项目名称和单位。", field="file")
    if price.price_milli <= 0:
        raise Invalid(f"第 {position} 行：单价须大于零。", field="file")
    return PriceLine(
        list_id=made.id,
        position=position,
        code=code,
        item=item,
        unit=unit,
        price_milli=price.price_milli,
        labour_milli=price.labour_milli,
        material_milli=price.material_milli,
        machine_milli=price.machine_milli,
        note=clean_line(price.note),
        code_key=code_key(code),
        item_key=item_key(item, unit),
        words=fold(f"{code} {item} {initials(item)}"),
    )


def propose(price_list: PriceList, *, version: int, actor: User) -> PriceList:
    """Whoever drew it up sends it to the general manager (procedure 3.5.6).

    Raises Invalid (nothing differs from what counts), NotPermitted, Conflict.
    """
    _own_draft(price_list, version, actor)
    if not may(actor.roles, Act.PROPOSE_PRICES):
        raise NotPermitted("您的岗位不能拟定合同价目表。")
    base = queries.before(price_list)
    before = queries.lines(base.id) if base else []
    if base and not queries.changes(before, queries.lines(price_list.id)).any:
        raise Invalid("与届时有效的价目完全相同，不需要新的一版。")
    price_list.state, price_list.proposed_at = ListState.PROPOSED, clock.now()
    price_list.based_on_id = base.id if base else None
    db.session.flush()
    _journal(price_list, Act.PROPOSE_PRICES.value, actor, {"reason": price_list.reason})
    return price_list


def agree(price_list: PriceList, *, version: int, actor: User) -> PriceList:
    """The general manager puts a proposed version in force, from its date but not before today (trust: S9).

    Raises NotPermitted (role, or the proposer under any account of his), Conflict.
    """
    _decides(price_list, version, actor)
    asked = price_list.valid_from
    price_list.valid_from = max(asked, clock.today())
    base = queries.before(price_list)
    price_list.based_on_id = base.id if base else None
    _decide(price_list, ListState.IN_FORCE, actor)
    _journal(
        price_list,
        Act.AGREE_PRICES.value,
        actor,
        {"asked_for": asked.isoformat(), "proposed_by": price_list.entered_by.name},
    )
    return price_list


def decline(price_list: PriceList, *, version: int, answer: str, actor: User) -> PriceList:
    """The general manager declines it with the reason. Raises Invalid, NotPermitted, Conflict."""
    _decides(price_list, version, actor)
    answer = clean(answer)
    if not answer:
        raise Invalid("请写明不同意的理由。", field="answer")
    price_list.answer = answer
    _decide(price_list, ListState.DECLINED, actor)
    _journal(price_list, "decline_prices", actor, {"reason": answer})
    return price_list


def drop(price_list: PriceList, *, version: int, actor: User) -> PriceList:
    """Those who propose give a version up before it is decided on; it stays in the history. Raises NotPermitted, Conflict."""
    if not may(actor.roles, Act.PROPOSE_PRICES):
        raise NotPermitted("您的岗位不能撤回合同价目表。")
    _still(price_list, version, ListState.DRAFT, ListState.PROPOSED)
    _decide(price_list, ListState.DROPPED, actor)
    _journal(price_list, "drop_prices", actor, {"entered_by": price_list.entered_by.name})
    return price_list


def _own_draft(price_list: PriceList, version: int, actor: User) -> None:
    _still(price_list, version, ListState.DRAFT)
    if price_list.entered_by_id != actor.id:
        raise NotPermitted(f"这一版由{price_list.entered_by.name}拟订，请由本人提交。")
    _dated(price_list.valid_from)


def _decides(price_list: PriceList, version: int, actor: User) -> None:
    if not may(actor.roles, Act.AGREE_PRICES):
        raise NotPermitted("合同价目表由总经理决定。")
    _still(price_list, version, ListState.PROPOSED)
    if price_list.entered_by.is_same_person(actor):
        raise NotPermitted("须由拟定人以外的第二人决定。")


def _still(price_list: PriceList, version: int, *states: ListState) -> None:
    """Hold the row, so that of two people who answer at once one is told."""
    db.session.refresh(price_list, with_for_update={"of": PriceList})
    if price_list.state not in states or price_list.version != version:
        raise Conflict("这一版价目已经处理过了。")


def _decide(price_list: PriceList, state: ListState, actor: User) -> None:
    price_list.state = state
    price_list.decided_at, price_list.decided_by_id = clock.now(), actor.id
    db.session.flush()


def _journal(price_list: PriceList, act: str, actor: User, facts: dict[str, object]) -> None:
    record(
        SUBJECT,
        price_list.id,
        act,
        actor=actor,
        at=clock.now(),
        clause="3.5.6",
        version=price_list.version,
        facts={
            "contract": price_list.contract.number,
            "edition": price_list.edition,
            "valid_from": price_list.valid_from.isoformat(),
            **facts,
        },
    )
