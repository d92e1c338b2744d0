"""The account of one repair: its words as closed lists, and its arithmetic in whole fen (procedure 3.5.5 to 3.5.9).

Quantities are in thousandths of their unit and unit prices in thousandths of a yuan; a line is rounded half-up to the fen,
and so is every rate. Rates are in basis points. Nothing here knows a float.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ticketing.kernel.enums import Labelled


class SettlementStage(Labelled):
    """How far the account of a repair has come, from the 决算书 to the money (procedure 3.5.5 to 3.5.9)."""

    DRAFTING = "drafting", "编制决算"
    SUBMITTED = "submitted", "已上报"
    REVIEWED = "reviewed", "已审定"
    CONFIRMING = "confirming", "待施工单位确认"
    CONFIRMED = "confirmed", "已确认"
    DISPUTED = "disputed", "有异议"
    CERTIFIED = "certified", "已认定"
    PAID = "paid", "已拨付"
    RETURNED = "returned", "退回"


class PriceSource(Labelled):
    """Where the unit price of a line comes from, in the order they are to be looked for (procedure 3.5.5)."""

    AGREED = "agreed", "协议价"
    QUOTA = "quota", "定额"
    PUBLISHED = "published", "信息价"
    ENQUIRY = "enquiry", "询价"


def unproved(source: PriceSource, quota_code: str, remark: str) -> tuple[str, str] | None:
    """What a line lacks to show where its price comes from: the cell and a sentence (procedure 3.5.5).

    A quota has its code; an enquiry says in its remark who was asked and when.
    """
    if source is PriceSource.QUOTA and not quota_code:
        return "quota_code", "按定额计价的，请填写定额编号。"
    if source is PriceSource.ENQUIRY and not remark:
        return "remark", "询价的，请在备注写明向谁、何时询价，例如“3月2日 恒通建材 260元”。"
    return None


class PriceBasis(Labelled):
    """Whether the unit prices of an account hold the tax already."""

    EXCLUSIVE = "exclusive", "不含税价"
    INCLUSIVE = "inclusive", "含税价"


class Confirmation(Labelled):
    """How a contractor's confirmation of a class A account came about (procedure 3.5.7)."""

    SIGNED = "signed", "施工单位书面确认"
    DEEMED = "deemed", "逾期未答复，按协议视同确认"


class NoticeWay(Labelled):
    """How a contractor was notified; each leaves proof (procedure 3.5.7)."""

    HANDED = "handed", "当面送达签收"
    COURIER = "courier", "快递"
    EMAIL = "email", "电子邮件"
    MESSAGE = "message", "企业微信或短信"


MOST_MILLI = 1_000_000_000
"""The largest quantity or unit price a line may hold: a million, in thousandths."""

WHOLE = 10_000
"""A whole, in basis points."""


def half_up(numerator: int, denominator: int) -> int:
    """The quotient of two numbers, the first not below zero, rounded half-up."""
    return (2 * numerator + denominator) // (2 * denominator)


def line_fen(quantity_milli: int, price_milli: int) -> int:
    """What a line comes to, in fen: 数量 × 单价, rounded half-up."""
    return half_up(quantity_milli * price_milli, 10_000)


def part_of(fen: int, rate_bp: int) -> int:
    """So many basis points of an amount, rounded half-up."""
    return half_up(fen * rate_bp, WHOLE)


class Terms(NamedTuple):
    """By which rates an account is reckoned: the prices' basis, tax and management fee in basis points."""

    basis: PriceBasis
    vat_bp: int
    management_bp: int


class Totals(NamedTuple):
    """What an account comes to, in fen: the lines, the management fee, the tax in it, the total with tax."""

    lines_fen: int
    management_fen: int
    tax_fen: int
    total_fen: int


def totals(lines_fen: Iterable[int], terms: Terms) -> Totals:
    """Add an account up. With prices that hold the tax, the tax is told but not added (含税合计)."""
    lines = sum(lines_fen)
    management = part_of(lines, terms.management_bp)
    if terms.basis is PriceBasis.EXCLUSIVE:
        tax = part_of(lines + management, terms.vat_bp)
        return Totals(lines, management, tax, lines + management + tax)
    total = lines + management
    tax = total - half_up(total * WHOLE, WHOLE + terms.vat_bp)
    return Totals(lines, management, tax, total)


def in_basis(price_milli: int, held: PriceBasis, asked: PriceBasis, vat_bp: int) -> int:
    """A unit price that holds the tax or not, as one that does or does not, rounded half-up to the thousandth."""
    if held is asked:
        return price_milli
    if asked is PriceBasis.INCLUSIVE:
        return half_up(price_milli * (WHOLE + vat_bp), WHOLE)
    return half_up(price_milli * WHOLE, WHOLE + vat_bp)


def deviation(price_milli: int, listed_milli: int) -> int:
    """How far a price lies above (below zero: below) the one that was agreed on, in basis points of that."""
    rate = half_up(abs(price_milli - listed_milli) * WHOLE, listed_milli)
    return rate if price_milli >= listed_milli else -rate


class Reduction(NamedTuple):
    """What a review took off 审减: in fen, and in basis points of what was handed in (None where that was nothing)."""

    fen: int
    rate_bp: int | None


def reduction(submitted_fen: int, approved_fen: int) -> Reduction:
    """审减 and its rate; below zero where the review found more than was handed in."""
    cut = submitted_fen - approved_fen
    if not submitted_fen:
        return Reduction(cut, None)
    rate = half_up(abs(cut) * WHOLE, submitted_fen)
    return Reduction(cut, rate if cut >= 0 else -rate)


def chargeback(approved_fen: int, admin_bp: int, penalty_fen: int) -> int:
    """What a contractor owes for a class A repair: the account, and what his supplementary agreement adds (procedure 2.6)."""
    return part_of(approved_fen, WHOLE + admin_bp) + penalty_fen
