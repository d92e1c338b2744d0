"""The prices of an account beside the price lists of its contracts 合同价目表 (procedure 3.5.5, 3.5.6).

An account goes by the versions that counted when its work was ordered 派工单签发, of the contracts under which its trades were
built; it keeps them. Where there is none, nothing is asked. Class A and B go by the same prices.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import select

from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import show_milli
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.prices import queries as prices
from ticketing.masters.prices.models import PriceLine, PriceList
from ticketing.masters.prices.queries import Wanted
from ticketing.procedure.settlement import PriceBasis, PriceSource, Terms, deviation, in_basis
from ticketing.steps.settlement import queries
from ticketing.steps.settlement.models import Settlement, SettlementLine
from ticketing.steps.work_orders.models import WorkOrder


def lists_for(order: WorkOrder) -> list[PriceList]:
    """The price lists the account of an order goes by."""
    if order.issued_at is None:
        return []
    trades = queries.trades_of(order.id)
    contracts = {one.id for one in contractors.contracts_for(order.community_id, trades).values()}
    return sorted(prices.in_force(contracts, order.issued_at).values(), key=lambda one: one.id)


def match(settlement: Settlement) -> None:
    """Note beside each present line what it costs by the account's price lists."""
    lists = [one.id for one in settlement.price_lists]
    if not lists:
        return
    lines = db.session.scalars(
        select(SettlementLine).where(
            SettlementLine.settlement_id == settlement.id,
            SettlementLine.revision == settlement.revision,
            SettlementLine.dropped.is_(False),
        )
    ).all()
    wanted = [Wanted(one.quota_code, one.item, one.unit) for one in lines]
    for line, found in zip(lines, prices.find(lists, wanted), strict=True):
        line.listed_id = found.id if found else None
    db.session.flush()
    for line in lines:
        db.session.expire(line, ["listed"])


def refuse_unlisted(settlement: Settlement, lines: Iterable[SettlementLine], field: str) -> None:
    """Raise Invalid where a line claims an agreed price that is on none of the account's price lists.

    What is handed in as agreed has been agreed to by two people, or it is a quota, a published or an enquired price.
    """
    wrong = [one for one in lines if _claims(one) and one.listed is None]
    if wrong and settlement.price_lists:
        numbers = "、".join(str(one.position) for one in wrong)
        names = "、".join(f"“{one.item}”" for one in wrong[:5])
        titles = "、".join(one.title for one in settlement.price_lists)
        raise Invalid(
            f"第 {numbers} 行的价格来源是协议价，但合同价目表（{titles}）里没有{names}。"
            "请从价目里选，单位也要一致；确实没有的改为定额、信息价或询价。",
            field=field,
        )


def _claims(line: SettlementLine) -> bool:
    return line.source is PriceSource.AGREED


def listed_milli(row: PriceLine, basis: PriceBasis, vat_bp: int) -> int:
    """A listed price with the tax in it or not, as an account's prices have it."""
    return in_basis(row.price_milli, row.price_list.basis, basis, vat_bp)


def above(row: PriceLine | None, price_milli: int, basis: PriceBasis, vat_bp: int) -> str:
    """What is said to a reviewer who approves more than the listed price; empty where he does not."""
    if row is None:
        return ""
    listed = listed_milli(row, basis, vat_bp)
    if price_milli <= listed:
        return ""
    return f"审定单价高于价目 {show_milli(listed)} 元，请写明原因。"


APART = "偏离价目"


class Mark(NamedTuple):
    """One remark about a price: its words, and whether somebody ought to look at it."""

    words: str
    grave: bool


class Beside(NamedTuple):
    """A line beside its listed price (thousandths, in the account's basis), and what is to be said of it."""

    row: PriceLine | None
    listed_milli: int | None
    marks: list[Mark]

    @property
    def words(self) -> str:
        """As it stands in the narrow remark of a printed paper: nothing where the price is the listed one."""
        if self.listed_milli is None or not self.marks:
            return "，".join(one.words for one in self.marks)
        apart = [one.words.replace(APART, "") for one in self.marks if APART in one.words]
        return "，".join([f"价目 {show_milli(self.listed_milli)}", *map(str.strip, apart)])


def beside(
    settlement: Settlement, lines: Sequence[SettlementLine], *, approved: bool = True
) -> dict[int, Beside]:
    """Each line beside its listed price, by the line's id; empty where the account goes by no price list.

    Without `approved` what a reviewer has put down so far is left out.
    """
    if not settlement.price_lists:
        return {}
    return {
        one.id: compare(
            one.listed,
            one.source,
            one.price_milli,
            settlement.terms,
            one.approved_price_milli if approved and one.approved_quantity_milli else None,
        )
        for one in lines
    }


def beside_typed(
    settlement: Settlement, typed: Sequence[tuple[Wanted, PriceSource, int]], terms: Terms
) -> list[Beside]:
    """Each row of a grid as it is typed beside its listed price; empty where the account goes by no price list."""
    lists = [one.id for one in settlement.price_lists]
    if not lists:
        return []
    found = prices.find(lists, [wanted for wanted, _source, _price in typed])
    return [
        compare(row, source, price, terms) if wanted.item else Beside(None, None, [])
        for row, (wanted, source, price) in zip(found, typed, strict=True)
    ]


def compare(
    row: PriceLine | None,
    source: PriceSource,
    price_milli: int,
    terms: Terms,
    approved_milli: int | None = None,
) -> Beside:
    """What is to be said of a price by whether and how it is listed: handed in, and approved where it already is."""
    claims = source is PriceSource.AGREED
    if row is None:
        return Beside(None, None, [Mark("不在价目", True)] if claims else [])
    listed = listed_milli(row, terms.basis, terms.vat_bp)
    marks = [] if claims else [Mark("价目已有", True)]
    handed_in = deviation(price_milli, listed) if price_milli else 0
    if approved_milli is None or approved_milli == price_milli:
        marks += _deviates(APART, handed_in)
    else:
        marks += _deviates(f"申报{APART}", handed_in, grave=False)
        marks += _deviates(f"审定{APART}", deviation(approved_milli, listed))
    return Beside(row, listed, marks)


def _deviates(words: str, rate_bp: int, *, grave: bool = True) -> list[Mark]:
    sign = "+" if rate_bp > 0 else "-"
    return [Mark(f"{words} {sign}{show_milli(abs(rate_bp) * 10)}%", grave)] if rate_bp else []
