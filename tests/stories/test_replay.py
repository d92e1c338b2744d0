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
from ticketing.kernel.db import db, dialect
from ticketing.procedure.repairs import OrderStage
from ticketing.steps.work_orders.models import WorkOrder

ROWS = {"sqlite": 300, "postgresql": 120}
"""So many rows of a file on each engine: they run the same code, and SQL that differs shows with few of them."""

pytestmark = pytest.mark.reference


@pytest.fixture
def data() -> Path:
    """The folder of the reference data, or no test."""
    folder = reading.reference()
    if folder is None:
        missing("the reference data (../shared/data)", "REQUIRE_REFERENCE")
    assert folder is not None
    return folder


@pytest.mark.clause("3.10.3")
@pytest.mark.clause("3.10.4")
@pytest.mark.clause("3.4.5-他")
@pytest.mark.parametrize(
    ("code", "rows_of", "load"),
    [
        ("ZH", reading.message_rows, Recount.load_messages),
        ("NYC", reading.elevator_rows, Recount.load_elevators),
    ],
)
def test_the_reports_of_replayed_requests_equal_a_count_made_straight_from_the_file(
    ctx: None,
    tmp_path: Path,
    data: Path,
    code: str,
    rows_of: Callable[[Path], Iterator[reading.Row]],
    load: Callable[[Recount, Path, int | None], None],
) -> None:
    told, recount, rows = Replay(tmp_path), Recount(), ROWS[dialect()]
    told.tell(code, rows_of(data), rows)
    load(recount, data, rows)
    came, closed = recount.size
    assert (told.tickets, came) == (rows, rows)
    assert closed > rows // 3
    compared, wrong = told.differences(code, recount, every=20)
    assert compared > 100
    assert wrong == []
    reckoned = broken(recount, clock.local(clock.now()).replace(tzinfo=None))
    found = told.breaches(code)
    assert {kind: found[kind] for kind in reckoned} == reckoned
    assert reckoned["complaint"].late > rows // 4


@pytest.mark.clause("3.4.5")
@pytest.mark.clause("3.10.3")
def test_housing_cases_replayed_as_repairs_equal_a_count_by_trade_made_straight_from_the_file(
    ctx: None, tmp_path: Path, data: Path
) -> None:
    told, recount, rows = Replay(tmp_path), Recount(), ROWS[dialect()]
    told.tell("CC", reading.council_rows(data), rows)
    recount.load_council(data, rows)
    assert (told.tickets, recount.size[0]) == (rows, rows)
    by_trade = dict(
        db.session.execute(select(Defect.trade, func.count()).group_by(Defect.trade)).all()
    )
    assert {trade.value: count for trade, count in by_trade.items()} == recount.trades()
    assert sum(by_trade.values()) > rows // 10
    stages = Counter(db.session.scalars(select(WorkOrder.stage)))
    assert stages[OrderStage.ACCEPTED] > 3, "repairs with time enough went the whole road"
    assert stages.total() == told.crew.orders
    compared, wrong = told.differences("CC", recount, every=40)
    assert compared > 100
    assert wrong == []
