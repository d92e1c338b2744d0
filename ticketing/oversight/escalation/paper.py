"""What the record already knows, put into the words of the minutes and of the special report (3.10.5, 3.10.6)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ticketing.casefile.tickets.models import Ticket
from ticketing.journal.queries import StoryLine
from ticketing.kernel import clock
from ticketing.oversight.escalation.models import Directive, Minutes, SpecialReport
from ticketing.procedure.grading import yuan
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Grade


def why_major(story: Sequence[StoryLine]) -> tuple[datetime | None, str]:
    """Since when the ticket is major, and the reason that was given: the rules' sentence or a person's."""
    since: datetime | None = None
    reason = ""
    for entry, facts in story:
        before, after = facts.get("changed", {}).get("grade", (None, None))
        if after == Grade.MAJOR.value and before != after:
            since = entry.at
            said = str(facts.get("reason") or "分派时定为重大")
            reason = said if entry.actor_id is None else f"{entry.actor_name}：{said}"
    return since, reason


def chronicle(ticket: Ticket, directives: Sequence[Directive] = ()) -> str:
    """What happened so far, one dated line each: the call, notes, callbacks, measures."""
    lines: list[tuple[datetime, str]] = [
        (ticket.received_at, f"受理（{ticket.channel}）：{ticket.summary}")
    ]
    lines += [
        (note.at, f"{note.kind}（{note.author.name}）：{note.action_taken}")
        for note in ticket.notes
    ]
    lines += [
        (call.at, f"回访：{call.satisfaction or '未接通'} {call.opinion}".strip())
        for call in ticket.callbacks
    ]
    lines += [
        (help_.replied_at, f"{help_.department.name}协办回复：{help_.reply}")
        for help_ in ticket.assistances
        if help_.replied_at
    ]
    lines += [(one.at, f"处理措施（{one.by.name}）：{one.text}") for one in directives]
    lines.sort(key=lambda line: line[0])
    return "\n".join(f"{clock.show_instant(at)} {words}" for at, words in lines)


def _where(ticket: Ticket) -> str:
    return f"{ticket.community.name} {ticket.room}".strip()


def first_minutes(ticket: Ticket, directives: Sequence[Directive]) -> dict[str, Any]:
    """The minutes of a new meeting as far as the record fills them."""
    names = [ticket.department.name] if ticket.department else []
    names += [one.department.name for one in ticket.assistances]
    return {
        "held_at": clock.now(),
        "present": "、".join(dict.fromkeys(("客户服务部", *names))),
        "events": chronicle(ticket, directives),
        "demand": ticket.customer_opinion or ticket.content,
        "plan": directives[-1].text if directives else "",
        "legal": "\n".join(
            one.reply
            for one in ticket.assistances
            if one.replied_at and "法" in one.department.name
        ),
    }


FIELDS = (
    "background",
    "state",
    "cause",
    "responsibility",
    "done",
    "options",
    "proposal",
    "decisions",
    "attachments",
)
"""The paragraphs of the special report, in their order."""


def special_words(
    ticket: Ticket,
    earlier: SpecialReport | None,
    *,
    story: Sequence[StoryLine],
    directives: Sequence[Directive],
    meetings: Sequence[Minutes],
) -> dict[str, str]:
    """The draft so far, or a first one from the ticket's record."""
    if earlier is not None:
        return {name: getattr(earlier, name) for name in FIELDS}
    last = meetings[-1] if meetings else None
    responsible = " ".join(filter(None, (_name(ticket.department), _name(ticket.handler))))
    attachments = [f"来电、来访登记表 {ticket.number}"]
    attachments += [f"专题会议纪要 {number_of(ticket, one)}" for one in meetings]
    return {
        "background": f"{clock.show_instant(ticket.received_at)} 受理{ticket.channel}投诉，"
        f"编号 {ticket.number}，{_where(ticket)}，客户 {ticket.caller_name}。\n{ticket.content}",
        "state": _state(ticket, story),
        "cause": last.cause if last else "",
        "responsibility": f"责任部门：{responsible}。" if responsible else "",
        "done": chronicle(ticket, directives),
        "options": last.plan if last else "",
        "proposal": "",
        "decisions": "",
        "attachments": "\n".join(attachments),
    }


def _name(thing: Any) -> str:
    return thing.name if thing is not None else ""


def _state(ticket: Ticket, story: Sequence[StoryLine]) -> str:
    since, reason = why_major(story)
    lines = [f"目前状态：{ticket.stage}，等级{ticket.grade}，办结时限 {ticket.complaint_due_on}。"]
    if ticket.grade is Grade.MAJOR and since:
        lines.append(f"{clock.show_instant(since)} 起为重大。{reason}")
    if ticket.marks:
        lines.append(f"重大情形：{'、'.join(sorted(str(mark) for mark in ticket.marks))}。")
    if ticket.claim_fen:
        lines.append(f"客户索赔 {yuan(ticket.claim_fen)}。")
    if ticket.rework_count:
        lines.append(f"已返工 {ticket.rework_count} 次。")
    if ticket.talk_count:
        lines.append(f"与客户协商 {ticket.talk_count} 次未达成一致。")
    if ticket.again_count:
        lines.append(f"客户再次来电 {ticket.again_count} 次。")
    return "\n".join(lines)


def number_of(ticket: Ticket, minutes: Minutes) -> str:
    """The number of a meeting's minutes: that of the ticket and of the meeting."""
    edition = f" 第 {minutes.edition} 版" if minutes.edition > 1 else ""
    return f"{ticket.number}-纪{minutes.meeting}{edition}"


WAITS_FOR = (
    (Act.DIRECT, "directed_at", "处理措施"),
    (Act.MINUTE, "minuted_at", "专题会议纪要"),
)
"""What a major complaint needs before it can be resolved and closed: the act, its mark on the ticket, its name."""
