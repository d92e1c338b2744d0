"""Telling of a fund that runs low, of old slips, of a counting that is due, of the end of the year (procedure 3.6)."""

from datetime import date, datetime

from ticketing.books.imprest import queries
from ticketing.books.imprest.models import ImprestSlip
from ticketing.books.imprest.standing import Raised, Standing
from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.kernel import clock
from ticketing.kernel.text import show_fen
from ticketing.procedure.imprest import Flag, reaches
from ticketing.procedure.parameters import percent
from ticketing.procedure.vocabulary import Role


def crossed(before: Standing, slip: ImprestSlip, at: datetime) -> None:
    """Tell keeper and finance at once that a spending has used so much that the fund is to be filled, or has stopped."""
    cash = before.cash_fen - slip.amount_fen
    for rate, words in (
        (before.limits.stop_bp, "除抢修外停止支出"),
        (before.limits.replenish_bp, "请申请补足"),
    ):
        if reaches(before.ceiling_fen, cash, rate):
            if not reaches(before.ceiling_fen, before.cash_fen, rate):
                text = f"已用达限额的 {percent(rate)}，{words}"
                event = f"imprest:{before.fund.id}:{rate}:{slip.id}"
                tell([_message(before, event, text, cash, _hearers(before, _finance()))], at=at)
            return


def alert(at: datetime) -> int:
    """Tell keepers and finance of what is flagged, each thing once a week or month; how many there were (procedure 3.6)."""
    finance, today = _finance(), clock.local(at).date()
    raised = [(one, flag) for one in queries.standings(queries.every_fund()) for flag in one.flags]
    tell(
        (
            _message(one, _event(one, flag, today), flag.text, one.cash_fen, _hearers(one, finance))
            for one, flag in raised
        ),
        at=at,
    )
    return len(raised)


def _event(one: Standing, raised: Raised, today: date) -> str:
    """What tells a flag anew: another week, another month, another slip that has grown old."""
    match raised.flag:
        case Flag.STALE:
            turn = f"{one.oldest_on}:{one.stale}"
        case Flag.COUNT_DUE | Flag.COUNT_MISSED:
            turn = f"{today:%Y-%m}"
        case Flag.DIFFERS:
            turn = f"{one.missing_fen}"
        case _:
            turn = f"{today:%G-%V}"
    return f"imprest:{one.fund.id}:{raised.flag.value}:{turn}"


def _message(
    one: Standing, event: str, text: str, cash_fen: int, hearers: tuple[int, ...]
) -> Message:
    return Message(
        user_ids=hearers,
        kind=NoticeKind.REMINDER,
        event=event,
        title=f"周转金（{one.fund.name}）{text}",
        body=f"限额 {show_fen(one.ceiling_fen)} 元，现金 {show_fen(cash_fen)} 元。",
        path=f"/imprest/{one.fund.id}",
    )


def _hearers(one: Standing, finance: tuple[int, ...]) -> tuple[int, ...]:
    captain = (one.fund.team.captain_id,) if one.fund.team is not None else ()
    return tuple(dict.fromkeys((one.fund.keeper_id, *captain, *finance)))


def _finance() -> tuple[int, ...]:
    return tuple(user.id for user in queries.people_with(Role.FINANCE))
