"""What a quarter says of the working funds: they balance, and what was reversed is not told (procedure 3.6, 3.10.4)."""

from datetime import date

import pytest

from tests.rooms.test_settlement_paying import paid
from tests.support.funds import Funds
from tests.support.settlements import Settlements
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.estate.models import ServiceOffice
from ticketing.oversight.reports.balance import check_balance
from ticketing.oversight.reports.compiling import compile_figures
from ticketing.oversight.reports.frozen import from_json, to_json
from ticketing.oversight.reports.layout import tables
from ticketing.procedure.accounts import EntryKind
from ticketing.procedure.periods import Period
from ticketing.procedure.settlement import SettlementStage
from ticketing.procedure.vocabulary import ReportKind


def figures(office_id=None, kind=ReportKind.QUARTERLY, on=None):
    office = db.session.get(ServiceOffice, office_id) if office_id else None
    period = Period.holding(kind, on or clock.today())
    return compile_figures(period, office, now=clock.now(), carried=None)


@pytest.mark.clause("3.10.4")
@pytest.mark.clause("3.6")
def test_a_quarter_tells_what_came_and_went_of_each_fund(make, world):
    funds, settlements = Funds(make), Settlements(make)
    service, crew = funds.advanced(), funds.advanced(crew=True)
    slips = [funds.spent(service, fen) for fen in (30_000, 5_000, 700)]
    funds.reversed(slips[2].source, EntryKind.IMPREST_SPENDING)
    funds.paid(funds.asked(service, slips[0]))
    funds.counted(service, 1_994_900, "少一百元")
    funds.returned(service, 10_000)
    s = settlements.bring(settlements.of_class_b(), SettlementStage.CERTIFIED)
    slip = funds.spent(crew, 80_000, order_id=s.order_id)
    paid(settlements, s)
    funds.cleared(crew, slip)
    told = figures()
    of_service, of_crew = told.imprest
    assert (of_service.name, of_crew.name) == ("客户服务部", "云栖苑维修队")
    assert (of_service.opening_fen, of_service.advanced_fen) == (0, 2_000_000)
    assert (of_service.spent_fen, of_service.filled_fen) == (35_000, 30_000)
    assert (of_service.other_fen, of_service.closing_fen) == (-10_100, 1_984_900)
    assert of_service.slips_fen == 5_000
    assert (of_crew.spent_fen, of_crew.filled_fen, of_crew.other_fen) == (80_000, 80_000, 0)
    assert (of_crew.closing_fen, of_crew.slips_fen) == (10_000_000, 0)
    check_balance(told)
    assert from_json(to_json(told)) == told
    (table,) = [one for one in tables(told) if one.code == "周转金"]
    assert [cell.value for cell in table.rows[-1]][-2:] == [11_984_900, 5_000]


def test_an_office_has_the_funds_of_its_crews_and_a_week_has_none(make, world):
    funds = Funds(make)
    funds.advanced()
    funds.advanced(crew=True)
    assert [row.name for row in figures(world.offices["FZ"]).imprest] == ["云栖苑维修队"]
    assert figures(world.offices["XM"]).imprest == ()
    assert figures(kind=ReportKind.WEEKLY).imprest is None
    assert "周转金" not in [one.code for one in tables(figures(world.offices["XM"]))]


def test_the_next_quarter_begins_with_what_the_last_one_left(make):
    funds = Funds(make)
    with clock.held(clock.at(date(2026, 9, 15), 10)):
        fund = funds.advanced()
        funds.spent(fund, 1_000)
    with clock.held(clock.at(date(2026, 10, 15), 10)):
        funds.spent(fund, 500)
        (row,) = figures().imprest
        assert (row.opening_fen, row.advanced_fen, row.spent_fen) == (1_999_000, 0, 500)
        assert (row.closing_fen, row.slips_fen) == (1_998_500, 1_500)


def test_a_report_compiled_before_there_were_funds_opens_without_them(make):
    stored = to_json(figures())
    del stored["imprest"]
    assert from_json(stored).imprest is None
    assert tables(from_json(stored))
