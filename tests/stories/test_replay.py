"""Real requests, replayed through the commands, give the totals an independent count gives."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import requests_read as reading
from benchmarks.breaches import broken
from benchmarks.recount import Recount
from benchmarks.replay import Replay
from tests.conftest import missing
from ticketing.kernel import clock

ROWS = 300

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
    data: Path,
    code: str,
    rows_of: Callable[[Path], Iterator[reading.Row]],
    load: Callable[[Recount, Path, int | None], None],
) -> None:
    told, recount = Replay(), Recount()
    told.tell(code, rows_of(data), ROWS)
    load(recount, data, ROWS)
    came, closed = recount.size
    assert (told.tickets, came) == (ROWS, ROWS)
    assert closed > ROWS // 2
    compared, wrong = told.differences(code, recount, every=5)
    assert compared > 100
    assert wrong == []
    reckoned = broken(recount, clock.local(clock.now()).replace(tzinfo=None))
    found = told.breaches(code)
    assert {kind: found[kind] for kind in reckoned} == reckoned
    assert reckoned["complaint"].late > 100
