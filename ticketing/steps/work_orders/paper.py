"""What the pages and the workbook of orders say: the story in words, the days a repair may take, the warranty of its items."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.timeline import show_value
from ticketing.casefile.timers import commands as timers
from ticketing.journal.queries import StoryLine
from ticketing.kernel import clock, excel
from ticketing.kernel.db import db
from ticketing.masters.parameters import queries as parameters
from ticketing.masters.people.scope import Scope
from ticketing.procedure import approvals
from ticketing.procedure.deadlines import ClockKind, limit_for
from ticketing.procedure.grading import yuan
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage
from ticketing.procedure.vocabulary import Role, Satisfaction
from ticketing.steps.site_survey.models import Finding
from ticketing.steps.work_orders import queries
from ticketing.steps.work_orders.commands import trades_of
from ticketing.steps.work_orders.lists import ListedOrder, OrderFilter, listed
from ticketing.steps.work_orders.models import WorkOrder

FIELDS = {
    "team_id": "维修队",
    "scope": "保修内容",
    "estimate_fen": "估价",
    "visit_on": "上门日期",
    "visit_note": "上门备注",
    "due_on": "时限",
    "trade_count": "工种数",
    "asked_until": "申请延期到",
    "customer_name": "签认人",
    "customer_satisfaction": "客户意见",
    "customer_opinion": "客户的话",
    "refusal_reason": "拒签原因",
    "refusal_evidence": "拒签凭证",
    "inspection": "检查意见",
    "self_check": "自检情况",
    "rejection_count": "验收不合格次数",
}
"""The columns whose change the story shows; a rejection empties what was checked and signed, which the story has said."""


class Told(NamedTuple):
    """One line of an order's story; `changed` holds (field, old, new)."""

    at: datetime
    who: str
    what: str
    text: str
    changed: list[tuple[str, str, str]]


def told(story: Iterable[StoryLine]) -> list[Told]:
    """The story of an order newest first."""
    story = list(story)
    teams = {
        team for _, facts in story for team in facts.get("changed", {}).get("team_id", ()) if team
    }
    names = queries.team_names(teams) if teams else {}
    lines = []
    for entry, facts in story:
        act = Act(entry.act)
        what = "工作日历变更" if act is Act.MANAGE_CALENDAR else act.label
        if "task" in facts:
            what = f"{facts['task']}同意（{Role(facts['as']).label}）"
        if entry.origin and entry.origin != entry.target:
            what += f" → {OrderStage(entry.target).label}"
        said = (
            facts.get("for") and f"代{facts['for']}",
            facts.get("to") and f"退回到{facts['to']}",
            facts.get("slot"),
            facts.get("reason"),
            facts.get("contractor") and f"转 {facts['contractor']}",
            facts.get("use"),
            facts.get("workers") and f"工人：{'、'.join(facts['workers'])}",
            facts.get("consent") and f"客户同意：{facts['consent']}",
            facts.get("trade") and f"增加 {facts['trade']}，估价不变",
        )
        changed = [
            (FIELDS[name], _value(name, old, names), _value(name, new, names))
            for name, (old, new) in facts.get("changed", {}).items()
            if name in FIELDS and (act is not Act.REJECT_WORK or name == "rejection_count")
        ]
        lines.append(Told(entry.at, entry.actor_name, what, "\n".join(filter(None, said)), changed))
    return lines[::-1]


def _value(name: str, value: Any, names: dict[int, str]) -> str:
    if name == "team_id" and value is not None:
        return names.get(value, "—")
    if name == "customer_satisfaction" and value:
        return Satisfaction(value).label
    return show_value(value, name)


class Days(NamedTuple):
    """How long a repair of so many trades may take, and until when if it were issued now."""

    words: str
    due_on: date
    provisional: bool


def days_of(trades: int) -> Days:
    """The working days of a repair by its number of trades (procedure 3.4.5-单, 3.4.5-多)."""
    start = timers.starting(ClockKind.REPAIR, clock.now(), trades)
    words = f"{'单' if trades <= 1 else '多'}工种，{limit_for(ClockKind.REPAIR, trades)}"
    return Days(words, start.deadline.on, start.deadline.provisional)


class Choices(NamedTuple):
    """What the draft page needs to count trades and money while items are chosen."""

    trades: dict[int, str]
    estimates: dict[int, int]
    days: tuple[Days, Days]


def choices(findings: Sequence[Finding], defects: Sequence[Defect]) -> Choices:
    """Trades and estimates (fen) of the items that can be chosen, and both limits."""
    estimates = {one.defect_id: one.estimate_fen or 0 for one in findings}
    return Choices(
        {defect.id: defect.trade.label for defect in defects},
        {defect.id: estimates.get(defect.id, 0) for defect in defects},
        (days_of(1), days_of(2)),
    )


class Item(NamedTuple):
    """An item of an order with what the survey found of it; none where a trade was added later."""

    defect: Defect
    finding: Finding | None


def items_of(order: WorkOrder, findings: Sequence[Finding]) -> list[Item]:
    """The items of an order beside their findings: warranty arithmetic, cause, who answers."""
    by_defect = {one.defect_id: one for one in findings}
    return [Item(item.defect, by_defect.get(item.defect_id)) for item in order.items]


def tier_of(order: WorkOrder, summed: Sequence[WorkOrder] = ()) -> str:
    """Which tier approves the order and why, in words; said too when it went one higher (procedure 3.6.1).

    `summed` are the orders that would be added to a draft that is handed in now.
    """
    limits = parameters.limits_of(order.parameter_edition_id)
    round_ = order.rounds[-1] if order.rounds else None
    fen = (
        round_.tier_fen if round_ else order.estimate_fen + sum(one.estimate_fen for one in summed)
    )
    words = approvals.tier_sentence(fen, limits)
    if fen > (round_.amount_fen if round_ else order.estimate_fen):
        words = f"与相关派工单合计 {yuan(fen)}，{words}"
    asked = [step.role for step in order.approvals if round_ and step.round == round_.round]
    own = [one.role for one in approvals.signatories(fen, limits)]
    if asked and asked != own:
        words += "；本级无可回避的审批人，上报一级"
    return words


def limit_words(order: WorkOrder) -> str:
    """The order's limit in words, of what it was issued with or would be: ``单工种，3个工作日``."""
    trades = order.trade_count if order.issued_at else trades_of(one.defect for one in order.items)
    return f"{'单' if trades <= 1 else '多'}工种，{limit_for(ClockKind.REPAIR, trades)}"


HEADS = (
    "编号",
    "类别",
    "状态",
    "小区",
    "房号",
    "保修内容",
    "估价（元）",
    "维修队",
    "队长",
    "施工单位",
    "签发时间",
    "时限",
    "自检完成",
    "上门日期",
    "验收时间",
    "返修",
    "不合格次数",
    "登记表",
)


def write_orders(path: Path, scope: Scope, wanted: OrderFilter) -> None:
    """Write the listed orders to a workbook at `path`: the rows on screen, all pages of them."""
    excel.ledger(path, excel.Leaf("派工单", HEADS, _rows(scope, wanted)))


def _rows(scope: Scope, wanted: OrderFilter) -> Iterator[list[Any]]:
    rows = db.session.execute(
        listed(scope, wanted).execution_options(yield_per=500, stream_results=True)
    )
    for one in (ListedOrder(*row) for row in rows):
        yield [
            one.number,
            one.order_class.label,
            one.stage.label,
            one.community,
            one.room,
            one.scope,
            one.estimate_fen / 100,
            one.team or "",
            one.captain or "",
            one.contractor or "",
            _instant(one.issued_at),
            one.due_on or "",
            _instant(one.self_checked_at),
            one.visit_on or "",
            _instant(one.accepted_at),
            "是" if one.rework_of_id else "",
            one.rejection_count or "",
            one.ticket_number,
        ]


def _instant(value: datetime | None) -> Any:
    return excel.wall_time(clock.SHANGHAI, value) if value else ""
