"""What the reports say of money: accounts by class, recovery by contractor (procedure 3.5.5 to 3.5.9, 3.10.3)."""

import pytest

from tests.support.settlements import Settlements
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.estate.models import ServiceOffice
from ticketing.oversight.reports.balance import check_balance
from ticketing.oversight.reports.compiling import compile_figures
from ticketing.oversight.reports.frozen import from_json, to_json
from ticketing.oversight.reports.layout import tables
from ticketing.procedure.periods import Period
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import SettlementStage
from ticketing.procedure.vocabulary import ReportKind


def figures(office_id: int):
    office = db.session.get(ServiceOffice, office_id)
    return compile_figures(
        Period.holding(ReportKind.WEEKLY, clock.today()), office, now=clock.now(), carried=None
    )


@pytest.mark.clause("3.10.3")
def test_a_week_tells_what_was_handed_in_approved_and_certified(make, world):
    accounts = Settlements(make)
    accounts.bring(accounts.of_class_b(), SettlementStage.CERTIFIED)
    accounts.bring(accounts.begun(), SettlementStage.DISPUTED)
    accounts.bring(accounts.begun(), SettlementStage.SUBMITTED)
    told = figures(world.offices["FZ"])
    assert told.costs is not None
    a, b = told.costs.costs
    assert (a.order_class, a.submitted, a.submitted_fen) == (OrderClass.A, 2, 541_144)
    assert (a.reviewed, a.before_fen, a.approved_fen, a.cut_fen) == (1, 270_572, 246_668, 23_904)
    assert (a.certified, a.paid) == (0, 0)
    assert (b.submitted, b.certified, b.certified_fen) == (1, 1, 246_668)
    (recovery,) = told.costs.recoveries
    assert (recovery.name, recovery.notified, recovery.disputed) == ("海安机电", 1, 1)
    check_balance(told)
    assert from_json(to_json(told)) == told


def test_another_office_has_none_of_it(make, world):
    accounts = Settlements(make)
    accounts.bring(accounts.begun(), SettlementStage.SUBMITTED)
    told = figures(world.offices["XM"])
    assert told.costs is not None
    assert [row.submitted for row in told.costs.costs] == [0, 0]
    assert told.costs.recoveries == ()
    assert "费用" in [table.code for table in tables(told)]
