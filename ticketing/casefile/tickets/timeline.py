"""The whole story of a ticket in one line after another: moves, notes, callbacks, changed words."""

from datetime import date, datetime
from typing import Any, NamedTuple

from ticketing.casefile.tickets.models import CallbackRecord, Note, Ticket
from ticketing.journal.models import JournalEntry
from ticketing.journal.queries import StoryLine
from ticketing.kernel import clock
from ticketing.kernel.text import clean_line, masked_phone
from ticketing.procedure.grading import yuan
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import (
    Category,
    Channel,
    Grade,
    NoteKind,
    Satisfaction,
    SystemEvent,
    TicketStage,
)

FIELD_NAMES = {
    "caller_name": "客户",
    "caller_phone": "联络方式",
    "channel": "渠道",
    "collected_by_id": "收集部门",
    "summary": "摘要",
    "content": "投诉内容",
    "defects": "报修项目",
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
    "talk_count": "协商未果次数",
    "return_count": "退回次数",
    "merged_into_id": "并入",
    "complaint_due_on": "办结时限",
    "due_on": "时限",
    "urgent": "紧急",
    "claim_fen": "索赔金额",
    "mark_safety": "人身安全",
    "mark_legal": "诉讼或律师函",
    "mark_media": "媒体或政府部门介入",
    "mark_structure": "结构安全",
    "marks": "重大情形",
    "text": "处理措施",
    "departments": "责成部门",
    "consent": "客户同意",
    "consent_by": "同意延期的客户",
    "consent_at": "客户同意的时间",
    "consent_way": "同意方式",
    "evidence": "凭证",
    "place": "单元房号/位置",
    "room": "单元房号/位置",
    "received_at": "受理时间",
    "reason": "理由",
    "reply": "协办回复",
    "question": "需要协助的事项",
    "instruction": "办理要求",
    "opinion": "客户意见",
    "next_on": "下一步日期",
    "into": "并入哪张登记表",
    "name": "姓名",
    "phone": "电话",
    "phones": "电话",
    "note": "备注",
    "remarks": "备注",
}
_KINDS = {"category": Category, "grade": Grade, "channel": Channel, "satisfaction": Satisfaction}
_INNER = frozenset(
    {
        "id",
        "number",
        "version",
        "stage",
        "is_open",
        "closed_at",
        "registered_at",
        "registered_by_id",
        "community_id",
        "talk_count",
        "unit_id",
        "customer_id",
        "department_id",
        "handler_id",
        "merged_into_id",
        "call",
        "cause",
        "due_provisional",
        "complaint_due_provisional",
        "repair",
        "directed_at",
        "minuted_at",
        "special",
        "papers",
    }
)
"""Columns that are never shown as a change: ids, marks of the system's own, and what the act itself says in words."""

_SAID = frozenset(
    {
        "resolution",
        "customer_opinion",
        "satisfaction",
        "exit_reason",
        "rework_count",
        "again_count",
        "return_count",
    }
)
"""Changes whose words the line of the story already says."""

_NOTES_OF: dict[Act, tuple[NoteKind, ...]] = {
    Act.FEED_BACK: (NoteKind.FEEDBACK,),
    Act.FOLLOW_UP: (NoteKind.FOLLOW_UP, NoteKind.AGAIN),
    Act.RESOLVE: (NoteKind.RESOLUTION, NoteKind.OPINION),
    Act.REOPEN: (NoteKind.AGAIN,),
}
"""Which notes an act writes; they are shown in its line."""


class Line(NamedTuple):
    """One line of the story; `kind` is act, note or call, `changed` holds (field, old, new)."""

    at: datetime
    kind: str
    who: str
    what: str
    text: str
    changed: list[tuple[str, str, str]]


def timeline(story: list[StoryLine], ticket: Ticket, sees_phone: bool = False) -> list[Line]:
    """The lines newest first; the words of a note or callback stand in the line of its act.

    A changed phone number is masked unless `sees_phone`.
    """
    notes: dict[tuple[datetime, int | None], list[Note]] = {}
    for note in ticket.notes:
        notes.setdefault((note.at, note.author_id), []).append(note)
    calls: dict[tuple[datetime, int | None], CallbackRecord] = {
        (call.at, call.caller_id): call for call in ticket.callbacks
    }
    lines = []
    for entry, facts in story:
        if entry.act == SystemEvent.BREACH.value:
            lines.append(_breach(entry, facts))
            continue
        act, key = Act(entry.act), (entry.at, entry.actor_id)
        call = calls.pop(key, None) if act is Act.CALL_BACK else None
        if call is not None:
            answer = call.satisfaction.label if call.satisfaction else "未接通"
            kind, what, text = "call", f"回访：{answer}", call.opinion
        elif said := _said(notes.get(key, []), _NOTES_OF.get(act, ())):
            kind, what = "note", said[0].kind.label + _talk(facts)
            text = "\n".join(filter(None, map(_words, said)))
        else:
            kind, what, text = "act", _what(act, facts), _text(facts)
        if entry.origin != entry.target and entry.origin:
            what += f"（{TicketStage(entry.target).label}）"
        lines.append(
            Line(entry.at, kind, entry.actor_name, what, text, _changed(facts, sees_phone, _SAID))
        )
    for said in notes.values():
        lines += [
            Line(note.at, "note", note.author.name, note.kind.label, _words(note), [])
            for note in said
        ]
    lines.sort(key=lambda line: line.at)
    return lines[::-1]


def since(story: list[StoryLine], sees_phone: bool = False) -> list[Line]:
    """What others did meanwhile, oldest first: act and every changed word, for a person whose form came too late."""
    return [
        _breach(entry, facts)
        if entry.act == SystemEvent.BREACH.value
        else Line(
            entry.at,
            "act",
            entry.actor_name,
            _what(Act(entry.act), facts),
            _text(facts),
            _changed(facts, sees_phone, frozenset()),
        )
        for entry, facts in story
    ]


def _breach(entry: JournalEntry, facts: dict[str, Any]) -> Line:
    """A clock passed its due date: the late mark that stays."""
    what = f"{facts['clock']}{SystemEvent.BREACH}"
    return Line(entry.at, "act", entry.actor_name, what, f"时限 {facts['due_on']}。", [])


def _said(notes: list[Note], kinds: tuple[NoteKind, ...]) -> list[Note]:
    """Take out of `notes` (one person's at one instant) those an act of these kinds wrote."""
    said = []
    for kind in kinds:
        found = next((note for note in notes if note.kind is kind), None)
        if found is not None:
            notes.remove(found)
            said.append(found)
    return said


def _talk(facts: dict[str, Any]) -> str:
    """That the follow-up was a talk without agreement, and which one."""
    counted = facts.get("changed", {}).get("talk_count")
    return f"：与客户协商，未达成一致（第 {counted[1]} 次）" if counted else ""


def _words(note: Note) -> str:
    parts = [note.action_taken]
    if note.action_needed:
        parts.append(f"所需跟踪行动：{note.action_needed}")
    if note.next_on:
        parts.append(f"下一步：{note.next_on}")
    return "\n".join(parts)


def _changed(
    facts: dict[str, Any], sees_phone: bool, hidden: frozenset[str]
) -> list[tuple[str, str, str]]:
    return [
        (
            field_name(name),
            show_value(pair[0], name, sees_phone),
            show_value(pair[1], name, sees_phone),
        )
        for name, pair in facts.get("changed", {}).items()
        if name not in _INNER | hidden
    ]


_DEFECTS_BY = {
    Act.REGISTER: "登记报修项目",
    Act.RECORD_SURVEY: "勘察时补充报修项目",
    Act.ADD_TRADE: "派工后增加报修项目",
}
"""How defects came onto a ticket, by the act that wrote them."""


def _what(act: Act, facts: dict[str, Any]) -> str:
    words = [_DEFECTS_BY[act] if act in _DEFECTS_BY and facts.get("defects") else act.label]
    if act in (Act.DISPATCH, Act.TRANSFER):
        words.append(f"给 {facts.get('department', '')} {facts.get('handler', '')}")
    elif act is Act.ASK_ASSISTANCE:
        words.append(f"：{facts.get('department', '')}")
    elif act is Act.MERGE:
        words.append(f"入 {facts.get('into', '')}")
    elif act in (Act.SCHEDULE_SURVEY, Act.RESURVEY):
        words.append(f" {facts['survey']}：{facts['visit']} {facts['team']}")
    return "".join(words)


def _text(facts: dict[str, Any]) -> str:
    said = str(
        facts.get("reason") or facts.get("question") or facts.get("said") or facts.get("slot") or ""
    )
    if facts.get("decided"):
        said = "；".join(facts["decided"])
    if facts.get("defects"):
        said = "；".join(facts["defects"])
    return f"{said}\n客户同意：{facts['consent']}" if "consent" in facts else said


def show_value(value: Any, name: str, sees_phone: bool = False) -> str:
    """A journalled value as people read it; phone numbers masked unless `sees_phone`."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if value in (None, ""):
        return "—"
    if name.endswith("_fen"):
        return yuan(int(value))
    if name == "caller_phone" and not sees_phone:
        return masked_phone(str(value))
    kind = _KINDS.get(name)
    if kind is not None:
        return kind(value).label
    if name == "received_at":
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return clock.show_instant(instant)
    if isinstance(value, date):
        return value.isoformat()
    return clean_line(str(value))


def field_name(name: str) -> str:
    """A column as the form calls it; what has no name of its own is just something filled in."""
    return FIELD_NAMES.get(name, "填写内容")
