"""The workbook of a fund: where it stands, its slips, requests, counts, and the lines of its cash in the ledger (procedure 3.6)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ticketing.books.imprest import queries
from ticketing.books.imprest.standing import Standing
from ticketing.books.ledger import queries as ledger
from ticketing.kernel import clock, excel

SLIP_HEADS = (
    "日期", "用途", "收款人", "金额（元）", "方式", "抢修", "小区", "派工单", "状态", "登记人", "登记时间",
)  # fmt: skip
REQUEST_HEADS = (
    "申请时间", "类别", "金额（元）", "所报单据（元）", "当时限额（元）", "状态", "申请人", "备注", "拨付时间", "撤回原因",
)  # fmt: skip
COUNT_HEADS = (
    "日期", "账面（元）", "实点（元）", "差异（元）", "差异说明", "盘点人", "监盘人", "冲销",
)  # fmt: skip
LINE_HEADS = ("日期", "凭证", "类别", "摘要", "借方（元）", "贷方（元）", "余额（元）", "冲销")


def write_fund(path: Path, one: Standing) -> None:
    """Write everything of one fund to a workbook at `path`."""
    fund_id = one.fund.id
    excel.ledger(
        path,
        excel.Leaf("概况", ("项目", "内容"), _figures(one)),
        excel.Leaf("单据", SLIP_HEADS, _slips(fund_id)),
        excel.Leaf("申请", REQUEST_HEADS, _requests(fund_id)),
        excel.Leaf("盘点", COUNT_HEADS, _counts(fund_id)),
        excel.Leaf("现金账", LINE_HEADS, _lines(fund_id)),
    )


def _figures(one: Standing) -> Iterator[tuple[str, Any]]:
    yield "周转金", one.fund.name
    yield "保管人", one.fund.keeper.name
    yield "限额（元）", excel.in_yuan(one.ceiling_fen)
    yield "现金（元）", excel.in_yuan(one.cash_fen)
    yield "未报单据（元）", excel.in_yuan(one.slips_fen)
    yield "在途（元）", excel.in_yuan(one.transit_fen)
    yield "合计（元）", excel.in_yuan(one.float_fen)
    yield "与限额相差（元）", excel.in_yuan(one.missing_fen)
    for reason in one.reasons:
        yield f"其中：{reason.why}", excel.in_yuan(reason.fen)
    for raised in one.flags:
        yield raised.flag.label, raised.text


def _slips(fund_id: int) -> Iterator[list[Any]]:
    for slip in queries.slips(fund_id):
        yield [
            slip.on.isoformat(),
            slip.what,
            slip.payee,
            excel.in_yuan(slip.amount_fen),
            slip.way.label,
            "是" if slip.urgent else "",
            slip.community.name if slip.community else "",
            slip.order_number,
            slip.state.label,
            slip.entered_by.name,
            _instant(slip.entered_at),
        ]


def _requests(fund_id: int) -> Iterator[list[Any]]:
    for one in queries.requests(fund_id):
        yield [
            _instant(one.asked_at),
            one.purpose.label,
            excel.in_yuan(one.amount_fen),
            excel.in_yuan(one.slips_fen),
            excel.in_yuan(one.ceiling_fen),
            one.state.label,
            one.asked_by.name,
            one.note,
            _instant(one.paid_at) or "",
            one.withdrawn_why,
        ]


def _counts(fund_id: int) -> Iterator[list[Any]]:
    for one in queries.counts(fund_id):
        yield [
            one.on.isoformat(),
            excel.in_yuan(one.book_fen),
            excel.in_yuan(one.counted_fen),
            excel.in_yuan(one.difference_fen),
            one.explanation,
            one.counted_by.name,
            one.witness.name,
            "已冲销" if one.reversed_at else "",
        ]


def _lines(fund_id: int) -> Iterator[list[Any]]:
    account = ledger.account_by_key(f"imprest_cash:{fund_id}")
    if account is None:
        return
    for line, entry, balance in ledger.statement([account.id], size=None).lines:
        yield [
            entry.on.isoformat(),
            entry.number,
            entry.kind.label,
            entry.text,
            excel.in_yuan(max(line.amount_fen, 0)),
            excel.in_yuan(max(-line.amount_fen, 0)),
            excel.in_yuan(balance),
            "已冲销" if entry.reversed_by else "",
        ]


def _instant(value: Any) -> Any:
    return excel.wall_time(clock.SHANGHAI, value)
