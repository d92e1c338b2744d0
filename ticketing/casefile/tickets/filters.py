"""A list's filter as query parameters: read from the address, written into it, said in words."""

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from werkzeug.datastructures import MultiDict

from ticketing.casefile.tickets import behind
from ticketing.casefile.tickets.lists import TicketFilter
from ticketing.kernel.enums import Labelled
from ticketing.kernel.text import clean_line, row_id
from ticketing.procedure.vocabulary import Category, Channel, Grade, TicketStage

Kind = TypeVar("Kind", bound=Labelled)


def from_query(args: MultiDict[str, str]) -> TicketFilter:
    """The filter an address asks for; what makes no sense is left out rather than refused."""

    def members(name: str, kind: type[Kind]) -> tuple[Kind, ...]:
        known = {member.value: member for member in kind}
        return tuple(known[value] for value in args.getlist(name) if value in known)

    def one(name: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(args[name]) if args.get(name) else None
        except ValueError:
            return None

    stages = members("stage", TicketStage)
    words = clean_line(args.get("q", ""))[:100]
    return TicketFilter(
        stages=stages,
        open_only=args.get("all") != "1" and not words and all(stage.is_open for stage in stages),
        overdue=args.get("overdue") == "1",
        due_today=args.get("today") == "1",
        mine=args.get("mine") == "1",
        grades=members("grade", Grade),
        categories=members("category", Category),
        channels=members("channel", Channel),
        community_id=one("community", row_id),
        department_id=one("department", row_id),
        handler_id=one("handler", row_id),
        unit_id=one("unit", row_id),
        customer_id=one("customer", row_id),
        received_from=one("from", _day),
        received_to=one("to", _day),
        registered_from=one("registered_from", _day),
        registered_to=one("registered_to", _day),
        closed_from=one("closed_from", _day),
        closed_to=one("closed_to", _day),
        words=words,
        newest_first=args.get("order") == "newest",
        after=args.get("after", ""),
        behind=behind.from_query(args, one, day=_day, row_id=row_id),
    )


def _day(text: str) -> date:
    """A date of this business; far ones would leave the range of instants."""
    day = date.fromisoformat(text)
    if not 1900 <= day.year <= 2900:
        raise ValueError(text)
    return day
