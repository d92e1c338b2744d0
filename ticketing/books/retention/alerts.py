"""Calling to mind, 60, 30 and 7 days before a deposit may be asked back, what stands open against it (procedure 2.6, 3.6.2)."""

from datetime import date, datetime

from ticketing.books.ledger.telling import holders
from ticketing.books.retention import queries
from ticketing.books.retention.queries import OpenItem, Standing
from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.kernel import clock
from ticketing.kernel.text import show_fen
from ticketing.procedure.accounts import ALERT_DAYS
from ticketing.procedure.vocabulary import Role

HEARERS = (Role.CS_MANAGER, Role.FINANCE, Role.ENGINEER)
SHOWN = 5
"""Open items named in the notice; the page has them all."""


def alert(at: datetime) -> int:
    """Tell of every deposit whose period ends within 60, 30 or 7 days, once for each; how many there were."""
    today = clock.local(at).date()
    ending = [
        (one, days)
        for one in queries.standings()
        if one.held_fen and one.liability and (days := step(one.liability.until, today)) is not None
    ]
    if not ending:
        return 0
    items = queries.open_items([one.contract for one, _days in ending])
    hearers = holders(*HEARERS)
    tell((_message(one, days, items[one.contract.id], hearers) for one, days in ending), at=at)
    return len(ending)


def step(until: date, today: date) -> int | None:
    """Which of the 60, 30 and 7 days a period that ends on `until` has come to; None before them and once it is over."""
    left = (until - today).days
    return min((days for days in ALERT_DAYS if left <= days), default=None) if left >= 0 else None


def _message(one: Standing, days: int, items: list[OpenItem], hearers: tuple[int, ...]) -> Message:
    assert one.liability is not None
    contract, until = one.contract, one.liability.until
    named = "；".join(item.text for item in items[:SHOWN])
    more = f"等 {len(items)} 项" if len(items) > SHOWN else ""
    stands = (
        f"未了结的 A 类维修 {len(items)} 项：{named}{more}。"
        if items
        else "没有未了结的 A 类维修。"
    )
    return Message(
        user_ids=hearers,
        kind=NoticeKind.REMINDER,
        event=f"retention:{contract.id}:{until}:{days}",
        title=f"{contract.contractor.name} {contract.number} 缺陷责任期 {until} 届满（{days} 天内）",
        body=f"现存质量保证金 {show_fen(one.held_fen)} 元。{stands}施工单位申请返还后，逾期不答复视为认可。",
        path=f"/finance/retention/{contract.id}",
        community_id=contract.community_id,
    )
