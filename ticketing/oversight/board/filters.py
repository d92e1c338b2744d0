"""What the board shows, as query parameters of its address."""

from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from ticketing.kernel.text import row_id
from ticketing.oversight.board.bands import Band
from ticketing.oversight.board.queries import DESK, BoardFilter
from ticketing.procedure.deadlines import ClockKind


def from_query(args: MultiDict[str, str]) -> BoardFilter:
    """The filter an address asks for; what makes no sense is left out rather than refused."""

    def number(name: str) -> int | None:
        try:
            return row_id(args.get(name, ""))
        except ValueError:
            return None

    kinds = {kind.value: kind for kind in ClockKind}
    bands = {band.value: band for band in Band}
    return BoardFilter(
        band=bands.get(args.get("band", "")),
        kind=kinds.get(args.get("kind", "")),
        person=DESK if args.get("person") == "desk" else number("person"),
        office_id=number("office"),
        department_id=number("department"),
        after=args.get("after", ""),
    )


def address(wanted: BoardFilter) -> str:
    """The query string that asks for `wanted`, without its page; empty for the whole board."""
    values = {
        "band": wanted.band and wanted.band.value,
        "kind": wanted.kind and wanted.kind.value,
        "person": "desk" if wanted.person == DESK else wanted.person,
        "office": wanted.office_id,
        "department": wanted.department_id,
    }
    return urlencode({name: value for name, value in values.items() if value is not None})
