"""Real requests, replayed through the commands, give the totals an independent count gives."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from benchmarks import requests_read as reading
from benchmarks.breaches import broken
from benchmarks.recount import Recount
from benchmarks.replay import Replay
from tests.conftest import missing
from ticketing.casefile.defects.models import Defect
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.procedure.repairs import OrderStage
from ticketing.steps.work_orders.models import WorkOrder

pytestmark = pytest.mark.reference


@pytest.fixture
def data() -> Path:
    """The folder of the reference data, or no test."""
    folder = reading.reference()
    if folder is None:
        missing("the reference data (../shared/data)", "REQUIRE_REFERENCE")
    assert folder is not None
    return folder


def late_as_in_the_file(told: Replay, recount: Recount) -> None:
    """The time limits broken are those that the rows themselves break."""
    reckoned = broken(recount, clock.local(clock.now()).replace(tzinfo=None))
    found = told.breaches(next(iter(told.offices)))
    assert {kind: found[kind] for kind in reckoned} == reckoned
    assert reckoned["complaint"].late > told.tickets // 4
    assert recount.size[1] > told.tickets // 3


def repaired_as_in_the_file(told: Replay, recount: Recount) -> None:
    """The defects stand under the trades of the file, and repairs went the whole road."""
    by_trade = dict(
        db.session.execute(select(Defect.trade, func.count()).group_by(Defect.trade)).all()
    )
    assert {trade.value: count for trade, count in by_trade.items()} == recount.trades()
    assert sum(by_trade.values()) > told.tickets // 10
    stages = Counter(db.session.scalars(select(WorkOrder.stage)))
    assert stages[OrderStage.ACCEPTED] > 3, "repairs with time enough went the whole road"
    assert stages.total() == told.crew.orders


@pytest.mark.clause("3.10.3")
@pytest.mark.clause("3.10.4")
@pytest.mark.clause("3.4.5")
@pytest.mark.clause("3.4.5-他")
@pytest.mark.parametrize(
    ("code", "rows_of", "load", "rows", "every", "also"),
    [
        (
            "ZH",
            reading.message_rows,
            Recount.load_messages,
            300,
            20,
            late_as_in_the_file,
        ),
        (
            "NYC",
            reading.elevator_rows,
            Recount.load_elevators,
            300,
            20,
            late_as_in_the_file,
        ),
        (
            "CC",
            reading.council_rows,
            Recount.load_council,
            120,
            40,
            repaired_as_in_the_file,
        ),
    ],
    ids=["ZH", "NYC", "CC"],
)
def test_the_reports_of_replayed_requests_equal_a_count_made_straight_from_the_file(
    ctx: None,
    tmp_path: Path,
    data: Path,
    code: str,
    rows_of: Callable[[Path], Iterator[reading.Row]],
    load: Callable[[Recount, Path, int | None], None],
    rows: int,
    every: int,
    also: Callable[[Replay, Recount], None],
) -> None:
    told, recount = Replay(tmp_path), Recount()
    told.tell(code, rows_of(data), rows)
    load(recount, data, rows)
    assert (told.tickets, recount.size[0]) == (rows, rows)
    compared, wrong = told.differences(code, recount, every=every)
    assert compared > 100
    assert wrong == []
    also(told, recount)
