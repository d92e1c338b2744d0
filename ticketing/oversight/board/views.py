"""The board's page, the part of it that renews itself, and its workbook."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from ticketing.kernel import clock
from ticketing.masters.people.guard import current_scope, requires
from ticketing.masters.people.handing_out import hand_out
from ticketing.oversight.board import filters, paper, queries
from ticketing.oversight.board.bands import Band, Cuts
from ticketing.oversight.board.queries import DESK, BoardFilter, Counts, Ground
from ticketing.oversight.reports.queries import period_of
from ticketing.procedure.permissions import Act

bp = Blueprint("board", __name__, url_prefix="/board")


@bp.get("/")
@requires(Act.READ_TICKET)
def index() -> ResponseReturnValue:
    """The board: tiles, steps, people and the list; only its moving part where a fragment is asked for."""
    wanted = filters.from_query(request.args)
    over = queries.ground(current_scope())
    counts = queries.counts(over, wanted)
    rows, following = queries.page(over, wanted)
    fragment = request.headers.get("X-Fragment") is not None
    return render_template(
        "board/_board.html" if fragment else "board/index.html",
        wanted=wanted,
        over=over,
        counts=counts,
        rows=rows,
        together=queries.together(rows),
        following=following,
        bands=Band,
        desk=DESK,
        href=_links(wanted),
        chosen=_chosen(over, counts, wanted),
        by_hours=Cuts.today().by_hours,
        period_of=period_of,
        now=clock.now(),
    )


def _links(wanted: BoardFilter) -> Callable[..., str]:
    """Makes addresses of the board with something of `wanted` changed, always from the first page."""

    def href(**changes: Any) -> str:
        return f"?{filters.address(replace(wanted, **changes))}"

    return href


def _chosen(over: Ground, counts: Counts, wanted: BoardFilter) -> list[tuple[str, dict[str, None]]]:
    """What is chosen, in words, each with the change that lets go of it."""
    found: list[tuple[str, dict[str, None]]] = []
    if wanted.band:
        found.append((wanted.band.label, {"band": None}))
    if wanted.kind:
        found.append((wanted.kind.label, {"kind": None}))
    if wanted.person is not None:
        names = {row.key: row.name for row in counts.people}
        found.append((names.get(wanted.person, "该责任人"), {"person": None}))
    if wanted.office_id is not None:
        offices = dict(over.offices_to_choose)
        found.append((offices.get(wanted.office_id, "该客户服务处"), {"office_id": None}))
    if wanted.department_id is not None:
        departments = dict(over.departments)
        found.append((departments.get(wanted.department_id, "该部门"), {"department_id": None}))
    return found


@bp.get("/clocks.xlsx")
@requires(Act.EXPORT)
def export() -> ResponseReturnValue:
    """The list as a workbook: the same rows and scope as on screen; journalled."""
    wanted = filters.from_query(request.args)
    over = queries.ground(current_scope())
    return hand_out("时限清单", lambda path: paper.write_clocks(path, over, wanted))
