"""What the pages and the workbook of the list say: the story of an account in words, its sums, the rows of the list."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ticketing.casefile.tickets.timeline import show_value
from ticketing.journal.queries import StoryLine
from ticketing.kernel import clock, excel
from ticketing.kernel.db import db
from ticketing.kernel.text import show_fen, show_milli
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.settlement import (
    Confirmation,
    NoticeWay,
    PriceBasis,
    SettlementStage,
    Totals,
    totals,
)
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement.lists import ListedSettlement, SettlementFilter, listed
from ticketing.steps.settlement.models import Settlement, SettlementLine
from ticketing.steps.work_orders.paper import Told

FIELDS = {
    "submitted_fen": "申报含税合计",
    "approved_fen": "审定含税合计",
    "basis": "单价口径",
    "vat_bp": "增值税率",
    "management_bp": "管理费率",
    "route": "审核部门",
    "admin_bp": "加收管理费率",
    "penalty_fen": "违约金",
    "chargeback_fen": "向施工单位扣回",
    "notice_way": "送达方式",
    "notice_evidence": "送达凭证",
    "answer_due_on": "答复期限",
    "agreement": "补充协议",
    "silence_confirms": "逾期不答复视为确认",
    "reminder_evidence": "催告凭证",
    "confirmation": "确认方式",
    "confirmed_by": "施工单位确认人",
    "confirmation_evidence": "确认凭证",
    "revision": "版次",
}
"""The columns whose change the story shows."""

SAID = ("review", "note", "dispute", "opinion", "remark")
"""The columns that hold what somebody said; the story shows the words, not the change."""

_KINDS = {
    "basis": PriceBasis,
    "route": Role,
    "notice_way": NoticeWay,
    "confirmation": Confirmation,
}


def told(story: Iterable[StoryLine]) -> list[Told]:
    """The story of an account newest first."""
    lines = []
    for entry, facts in story:
        act = Act(entry.act)
        what = "工作日历变更" if act is Act.MANAGE_CALENDAR else act.label
        if entry.origin and entry.origin != entry.target:
            what += f" → {SettlementStage(entry.target).label}"
        changed = facts.get("changed", {})
        words = [facts.get("reason"), *(changed[name][1] for name in SAID if name in changed)]
        lines.append(
            Told(
                entry.at,
                entry.actor_name,
                what,
                "\n".join(filter(None, words)),
                [
                    (FIELDS[name], _value(name, old), _value(name, new))
                    for name, (old, new) in changed.items()
                    if name in FIELDS
                ],
            )
        )
    return lines[::-1]


def _value(name: str, value: Any) -> str:
    if value in (None, ""):
        return "—"
    if name.endswith("_fen"):
        return f"{show_fen(int(value))} 元"
    if name.endswith("_bp"):
        return f"{show_milli(int(value) * 10)}%"
    if name in _KINDS:
        return _KINDS[name](value).label
    return show_value(value, name)


class Sums(NamedTuple):
    """What an account comes to as handed in and as approved so far.

    `submitted` is None where the review changed the rates: what was handed in had others, and only its total is kept.
    """

    submitted: Totals | None
    approved: Totals | None


def sums_of(settlement: Settlement, lines: Sequence[SettlementLine]) -> Sums:
    """Add the lines up by the account's rates."""
    submitted = totals((one.submitted_fen for one in lines), settlement.terms)
    looked_at = [one.approved_fen for one in lines if one.approved_fen is not None]
    same = submitted.total_fen == settlement.submitted_fen
    return Sums(
        submitted if same else None,
        totals(looked_at, settlement.terms) if looked_at else None,
    )


HEADS = (
    "编号",
    "类别",
    "状态",
    "待办",
    "小区",
    "房号",
    "维修内容",
    "维修队",
    "队长",
    "申报含税合计（元）",
    "审定含税合计（元）",
    "审减（元）",
    "审减率",
    "向施工单位扣回（元）",
    "版次",
    "上报时间",
    "审定时间",
    "结算书时间",
    "认定时间",
    "拨付时间",
    "派工单",
    "登记表",
)


def write_settlements(path: Path, scope: Scope, wanted: SettlementFilter) -> None:
    """Write the listed accounts to a workbook at `path`: the rows on screen, all pages of them."""
    excel.ledger(path, excel.Leaf("决算结算", HEADS, _rows(scope, wanted)))


def _rows(scope: Scope, wanted: SettlementFilter) -> Iterator[list[Any]]:
    rows = db.session.execute(
        listed(scope, wanted).execution_options(yield_per=500, stream_results=True)
    )
    for one in (ListedSettlement(*row) for row in rows):
        cut = one.cut
        rate = cut.rate_bp if cut else None
        yield [
            one.number,
            one.order_class.label,
            one.stage.label,
            one.waits,
            one.community,
            one.room,
            one.scope,
            one.team or "",
            one.captain or "",
            one.submitted_fen / 100,
            "" if one.approved_fen is None else one.approved_fen / 100,
            cut.fen / 100 if cut else "",
            "" if rate is None else rate / 10_000,
            one.chargeback_fen / 100 if one.chargeback_fen else "",
            one.revision,
            *(
                _instant(at)
                for at in (
                    one.submitted_at,
                    one.reviewed_at,
                    one.compiled_at,
                    one.certified_at,
                    one.paid_at,
                )
            ),
            one.order_number,
            one.ticket_number,
        ]


def _instant(value: datetime | None) -> Any:
    return excel.wall_time(clock.SHANGHAI, value) if value else ""
