"""Writing the daily digest."""

from datetime import date, datetime

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.kernel import clock
from ticketing.masters.workcalendar.queries import calendar
from ticketing.oversight.digest.queries import Work, open_work, written_since
from ticketing.procedure.workdays import in_working_hours

FIRST_ONES = 5
PATH = "/tickets/"


def write_digests(at: datetime) -> int:
    """Tell everybody with open work what it is, in the caller's transaction; how many were told.

    Once a working day, at the first call within working hours: called again, it does nothing.
    """
    today = clock.local(at).date()
    if not in_working_hours(at, calendar) or written_since(clock.at(today)):
        return 0
    messages = [_digest(user_id, work, today) for user_id, work in open_work().items()]
    tell(messages, at=at)
    return len(messages)


def _digest(user_id: int, work: list[Work], today: date) -> Message:
    """One person's message: the figures in the title, the first few tickets below."""
    late = sum(one.due_on < today for one in work)
    due = sum(one.due_on == today for one in work)
    lines = [
        f"{one.number} {one.kind.label} {_when(one.due_on, today)}　{one.summary}"
        for one in work[:FIRST_ONES]
    ]
    if len(work) > FIRST_ONES:
        lines.append(f"另有 {len(work) - FIRST_ONES} 项，见工作台。")
    return Message(
        user_ids=(user_id,),
        kind=NoticeKind.DIGEST,
        event=f"digest:{today.isoformat()}:{user_id}",
        title=f"今日到期 {due} 项，已超时 {late} 项，待办共 {len(work)} 项",
        body="\n".join(lines),
        path=PATH,
    )


def _when(due_on: date, today: date) -> str:
    if due_on < today:
        return f"已超时（{due_on:%m-%d}）"
    return "今日到期" if due_on == today else f"{due_on:%m-%d}到期"
