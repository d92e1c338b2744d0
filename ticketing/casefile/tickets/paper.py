"""The 来电来访登记表 on paper and the register as a workbook (procedure 5.3)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import segno

from ticketing.casefile.tickets.lists import TicketFilter, export_rows
from ticketing.casefile.tickets.queries import PHONE_EVERYWHERE
from ticketing.kernel import clock, excel
from ticketing.kernel.db import db
from ticketing.kernel.text import masked_phone
from ticketing.masters.people.scope import Scope
from ticketing.procedure.vocabulary import Role

HEADS = (
    "编号",
    "受理时间",
    "渠道",
    "受理人",
    "小区",
    "房号",
    "客户",
    "联系方式",
    "投诉内容",
    "分类",
    "等级",
    "责任部门",
    "责任人",
    "状态",
    "当前时限",
    "办结时限",
    "关闭时间",
    "满意程度",
    "返工次数",
)
PHONE = HEADS.index("联系方式")
LABELLED = tuple(map(HEADS.index, ("渠道", "分类", "等级", "状态", "满意程度")))
INSTANTS = tuple(map(HEADS.index, ("受理时间", "关闭时间")))
PORTION = 200
"""Rows read at a time; few, so that others need not wait while a portion is made ready."""


def write_register(path: Path, scope: Scope, wanted: TicketFilter, *, masked: bool) -> None:
    """Write the listed tickets to a workbook at `path`: the rows on screen, all pages of them.

    Phones are masked when `masked` says so; typed text can never become a formula.
    """
    rows = register_rows(scope, wanted, masked=masked)
    excel.ledger(path, excel.Leaf("登记表", HEADS, rows))


def register_rows(scope: Scope, wanted: TicketFilter, *, masked: bool) -> Iterator[list[Any]]:
    """The cells of each listed ticket under `HEADS`, read from the database in portions."""
    rows = db.session.execute(
        export_rows(scope, wanted).execution_options(yield_per=PORTION, stream_results=True)
    )
    return (_cells(row, masked) for row in rows)


def _cells(row: Any, masked: bool) -> list[Any]:
    cells: list[Any] = ["" if value is None else value for value in row]
    for column in LABELLED:
        if cells[column]:
            cells[column] = cells[column].label
    for column in INSTANTS:
        if cells[column]:
            cells[column] = excel.wall_time(clock.SHANGHAI, cells[column])
    if masked:
        cells[PHONE] = masked_phone(cells[PHONE])
    return cells


def may_see_all_phones(scope: Scope) -> bool:
    """Whether an export may carry whole numbers: only for those who may read them on every row."""
    if scope.roles & PHONE_EVERYWHERE:
        return True
    desk = scope.roles & {Role.CLERK, Role.OFFICE}
    own_only = scope.department_id is None and scope.ticket_communities == scope.communities
    return bool(desk) and own_only


def qr_svg(address: str) -> str:
    """A QR code leading to `address`, as inline SVG without style attributes and without a size: it fills its box."""
    code = segno.make(address, error="m")
    return code.svg_inline(scale=3, border=0, omitsize=True, svgclass="qr", lineclass=None)
