"""What the dispatch board shows, as query parameters of its address."""

from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from ticketing.kernel.text import row_id
from ticketing.oversight.plan.problems import Problem
from ticketing.oversight.plan.queries import PlanFilter
from ticketing.procedure.repairs import OrderClass


def from_query(args: MultiDict[str, str]) -> PlanFilter:
    """The filter an address asks for; what makes no sense is left out rather than refused."""

    def number(name: str) -> int | None:
        try:
            return row_id(args.get(name, ""))
        except ValueError:
            return None

    classes = {one.value: one for one in OrderClass if one.repairs}
    problems = {one.value: one for one in Problem}
    return PlanFilter(
        community_id=number("community"),
        team_id=number("team"),
        order_class=classes.get(args.get("class", "")),
        problem=problems.get(args.get("only", "")),
    )


def address(wanted: PlanFilter) -> str:
    """The query string that asks for `wanted` with its question mark; empty for the whole board."""
    values = {
        "community": wanted.community_id,
        "team": wanted.team_id,
        "class": wanted.order_class and wanted.order_class.value,
        "only": wanted.problem and wanted.problem.value,
    }
    query = urlencode({name: value for name, value in values.items() if value is not None})
    return f"?{query}" if query else ""
