"""Every (state, act, role) of an account: the allowed ones work, all others are refused and leave no trace.

The table is written by hand from rows 24 to 29 of the access matrix; it does not ask the code.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.pages.helpers import one_of_each_role
from tests.rooms.test_tickets_triples import ROLES
from tests.support.settlements import Settlements
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, NotPermitted
from ticketing.masters.people.models import User
from ticketing.procedure.permissions import Act
from ticketing.procedure.settlement import NoticeWay, SettlementStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import certifying, confirming, drafting, reviewing
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.settlement.reviewing import Audited

STAGES = {
    "D": SettlementStage.DRAFTING,
    "S": SettlementStage.SUBMITTED,
    "V": SettlementStage.REVIEWED,
    "N": SettlementStage.CONFIRMING,
    "O": SettlementStage.DISPUTED,
    "Y": SettlementStage.CONFIRMED,
    "C": SettlementStage.CERTIFIED,
    "R": SettlementStage.RETURNED,
}
"""A class A account of 2,705.72: the manager reviews it. V is compiled already, N overdue and reminded of."""

TABLE = {
    Act.AMEND_ACCOUNT: [("DR", "CR", ".")],
    Act.SUBMIT_ACCOUNT: [("DR", "CR", "S")],
    Act.AUDIT_LINES: [("S", "CM", ".")],
    Act.REVIEW_ACCOUNT: [("S", "CM", "V")],
    Act.RETURN_ACCOUNT: [("S", "CM", "R")],
    Act.COMPILE_SETTLEMENT: [("v", "OF CM", ".")],
    Act.NOTIFY_CONTRACTOR: [("V", "AU", "N")],
    Act.REMIND_CONTRACTOR: [("n", "AU", ".")],
    Act.CONFIRM_ACCOUNT: [("NnO", "AU", "Y")],
    Act.DISPUTE_ACCOUNT: [("Nn", "AU", "O")],
    Act.DEEM_CONFIRMED: [("N", "AU", "Y")],
    Act.REVIEW_AGAIN: [("O", "AU", "S")],
    Act.CERTIFY: [("Y", "CE", "C")],
    Act.RETURN_SETTLEMENT: [("Y", "CE", "S")],
}


class Undone(Exception):
    """Leaves a transaction after an act worked, so that the next one starts from the same account."""


def _lines(s: Settlement) -> list[Audited]:
    return [Audited(one.id, one.quantity_milli, one.price_milli) for one in s.lines]


def _terms(s: Settlement) -> dict[str, Any]:
    return {"basis": s.basis, "vat_bp": s.vat_bp, "management_bp": s.management_bp}


def commands(accounts: Settlements) -> dict[Act, Callable[[Settlement, User], Any]]:
    """Each act with what a person types, acceptable in every respect."""
    return {
        Act.AMEND_ACCOUNT: lambda s, a: drafting.amend(
            s, version=s.version, lines=[], remark="改", actor=a, **_terms(s)
        ),
        Act.SUBMIT_ACCOUNT: lambda s, a: drafting.submit(s, version=s.version, actor=a),
        Act.AUDIT_LINES: lambda s, a: reviewing.audit_lines(
            s, version=s.version, audited=_lines(s), actor=a, **_terms(s)
        ),
        Act.REVIEW_ACCOUNT: lambda s, a: reviewing.finish(
            s, version=s.version, audited=_lines(s), review="同意", actor=a, **_terms(s)
        ),
        Act.RETURN_ACCOUNT: lambda s, a: reviewing.send_back(
            s, version=s.version, reason="缺凭证", actor=a
        ),
        Act.COMPILE_SETTLEMENT: lambda s, a: reviewing.compile_settlement(
            s, version=s.version, contract_id=accounts.contract(), actor=a
        ),
        Act.NOTIFY_CONTRACTOR: lambda s, a: confirming.notify(
            s, version=s.version, way=NoticeWay.COURIER, evidence="SF1", actor=a
        ),
        Act.REMIND_CONTRACTOR: lambda s, a: confirming.remind(
            s, version=s.version, evidence="SF2", actor=a
        ),
        Act.CONFIRM_ACCOUNT: lambda s, a: confirming.confirm(
            s, version=s.version, confirmed_by="张经理", evidence="函", actor=a
        ),
        Act.DISPUTE_ACCOUNT: lambda s, a: confirming.dispute(
            s, version=s.version, dispute="单价过高", actor=a
        ),
        Act.DEEM_CONFIRMED: lambda s, a: confirming.deem(s, version=s.version, actor=a),
        Act.REVIEW_AGAIN: lambda s, a: confirming.review_again(
            s, version=s.version, reason="再核", actor=a
        ),
        Act.CERTIFY: lambda s, a: certifying.certify(s, version=s.version, opinion="", actor=a),
        Act.RETURN_SETTLEMENT: lambda s, a: certifying.send_back(
            s, version=s.version, reason="再核", actor=a
        ),
    }


def expected(act: Act, state: str, role: Role, origin: SettlementStage) -> SettlementStage | None:
    for states, roles, target in TABLE[act]:
        if state in states and role in {ROLES[one] for one in roles.split()}:
            return origin if target == "." else STAGES[target]
    return None


@pytest.mark.clause("3.5.5")
@pytest.mark.clause("3.5.6")
@pytest.mark.clause("3.5.7")
@pytest.mark.clause("3.5.8")
@pytest.mark.parametrize("state", "DSvVnNOYCR")
def test_every_triple_of_an_account(make, state):
    accounts = Settlements(make)
    s = accounts.bring(accounts.priced(accounts.begun()), STAGES[state.upper()])
    if state == "V":
        accounts.compiled(s)
    at = clock.now()
    if state in "nN":
        with transaction():
            s.silence_confirms = True
            if state == "N":
                s.reminded_at, s.reminder_evidence = at, "SF2"
        assert s.answer_due_on is not None
        at = clock.at(s.answer_due_on + timedelta(days=1), 10)
    with clock.held(at):
        _try_all(accounts, s, state)


def _try_all(accounts: Settlements, s: Settlement, state: str) -> None:
    origin, wrong = s.stage, []
    people = one_of_each_role(accounts.make) | {Role.CAPTAIN: "captain"}
    before = len(journal.story("settlement", s.id))
    for act, command in commands(accounts).items():
        for role, person in people.items():
            wanted = expected(act, state, role, origin)
            got: Any = None
            try:
                with transaction():
                    command(s, accounts.make.user(person))
                    got = s.stage
                    raise Undone
            except Undone:
                pass
            except (NotPermitted, Conflict):
                got = None
            db.session.expire_all()
            if got is not wanted:
                wrong.append((act.label, role.label, got, wanted))
    assert wrong == []
    assert s.stage is origin
    assert len(journal.story("settlement", s.id)) == before
