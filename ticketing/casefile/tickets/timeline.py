"""The whole story of a ticket in one line after another: moves, notes, callbacks, changed words."""

from datetime import date, datetime
from typing import Any, NamedTuple

from ticketing.casefile.tickets.models import Ticket
from ticketing.journal.queries import StoryLine
from ticketing.kernel.text import clean_line
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import (
    Category,
    Channel,
    Grade,
    Satisfaction,
    TicketStage,
)

FIELD_NAMES = {
    "caller_name": "客户",
    "caller_phone": "联络方式",
    "channel": "渠道",
    "collected_by_id": "收集部门",
    "summary": "摘要",
    "content": "投诉内容",
    "action_taken": "已采取行动",
    "action_needed": "所需跟踪行动",
    "category": "分类",
    "grade": "等级",
    "department_id": "责任部门",
    "handler_id": "责任人",
    "resolution": "处理结果",
    "customer_opinion": "客户反馈意见",
    "satisfaction": "满意程度",
    "exit_reason": "理由",
    "rework_count": "返工次数",
    "again_count": "再次来电次数",
    "return_count": "退回次数",
    "merged_into_id": "并入",
    "feedback_due_on": "反馈时限",
}
_KINDS = {"category": Category, "grade": Grade, "channel": Channel, "satisfaction": Satisfaction}
_QUIET = frozenset(
    {
        "department_id",
        "handler_id",
        "resolution",
        "customer_opinion",
        "satisfaction",
        "exit_reason",
        "merged_into_id",
        "rework_count",
        "again_count",
        "return_count",
        "feedback_due_on",
    }
)
"""Changes whose words the line itself already says."""

_NOTE_ACTS = frozenset({Act.FEED_BACK, Act.FOLLOW_UP, Act.RESOLVE, Act.REOPEN})


class Line(NamedTuple):
    """One line of the story; `kind` is act, note or call, `changed` holds (field, old, new)."""

    at: datetime
    kind: str
    who: str
    what: str
    text: str
    changed: list[tuple[str, str, str]]


def timeline(story: list[StoryLine], ticket: Ticket) -> list[Line]:
    """The lines newest first. A note or callback stands in for the journal entry of its act."""
    lines = [
        Line(
            note.at,
            "note",
            note.author.name,
            note.kind.label,
            "\n".join(
                part
                for part in (
                    note.action_taken,
                    f"所需跟踪行动：{note.action_needed}" if note.action_needed else "",
                    f"下一步：{note.next_on}" if note.next_on else "",
                )
                if part
            ),
            [],
        )
        for note in ticket.notes
    ]
    for call in ticket.callbacks:
        answer = call.satisfaction.label if call.satisfaction else "未接通"
        lines.append(Line(call.at, "call", call.caller.name, f"回访：{answer}", call.opinion, []))
    for entry, facts in story:
        act = Act(entry.act)
        if act is Act.CALL_BACK or (act in _NOTE_ACTS and entry.origin == entry.target):
            continue
        lines.append(
            Line(
                entry.at,
                "act",
                entry.actor_name,
                _what(act, entry.target, facts),
                _text(facts),
                [
                    (
                        FIELD_NAMES.get(name, name),
                        show_value(pair[0], name),
                        show_value(pair[1], name),
                    )
                    for name, pair in facts.get("changed", {}).items()
                    if name not in _QUIET
                ],
            )
        )
    lines.sort(key=lambda line: line.at, reverse=True)
    return lines


def _what(act: Act, target: str, facts: dict[str, Any]) -> str:
    words = [act.label]
    if act in (Act.DISPATCH, Act.TRANSFER):
        words.append(f"给 {facts.get('department', '')} {facts.get('handler', '')}")
    elif act is Act.ASK_ASSISTANCE:
        words.append(f"：{facts.get('department', '')}")
    elif act is Act.MERGE:
        words.append(f"入 {facts.get('into', '')}")
    if target and target != TicketStage.REGISTERED.value:
        words.append(f"（{TicketStage(target).label}）")
    return "".join(words)


def _text(facts: dict[str, Any]) -> str:
    return str(facts.get("reason") or facts.get("question") or "")


def show_value(value: Any, name: str) -> str:
    """A journalled value as people read it."""
    if value in (None, ""):
        return "—"
    kind = _KINDS.get(name)
    if kind is not None:
        return kind(value).label
    if isinstance(value, date):
        return value.isoformat()
    return clean_line(str(value))


def field_name(name: str) -> str:
    """A column as the form calls it."""
    return FIELD_NAMES.get(name, name)
