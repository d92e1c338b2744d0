"""Every (state, act, role) of a work order: the allowed ones work, all others are refused and leave no trace.

The table below is written by hand from rows 14 to 22 of the access matrix; it does not ask the code.
"""

from typing import Any

import pytest

from tests.pages.helpers import one_of_each_role, recorded, token
from tests.rooms.test_tickets_triples import ROLES
from tests.support.orders import (
    PATHS,
    STAGES,
    a_use,
    later,
    noted,
    signature_of,
    state_of_the_orders,
    typed,
)
from tests.support.repairs import Repairs
from ticketing.casefile.timers.models import ConsentWay
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, NotPermitted
from ticketing.masters.contractors.models import RepairTeam
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import (
    Inspector,
    OrderStage,
    Part,
    Phenomenon,
    Slot,
    Trade,
    UseKind,
)
from ticketing.procedure.vocabulary import Role, Satisfaction
from ticketing.steps.acceptance import commands as acceptance
from ticketing.steps.work_orders import approving, changing, emergency, supplements, uses
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.models import WorkOrder

# act: (in which states, by which roles, into which state; . stays), one row for each way
TABLE = {
    Act.AMEND_ORDER: [("D", "OF CM", ".")],
    Act.SUBMIT_ORDER: [("D", "OF CM", "A")],
    Act.APPROVE_ORDER: [("A", "CM", "R")],
    Act.RETURN_ORDER: [("A", "CM", "D"), ("R", "OF CM", "D")],
    Act.ISSUE_ORDER: [("R", "CM", "I")],
    Act.ISSUE_FIRST: [("DA", "CM", "I")],
    Act.ASK_SUPPLEMENT: [("E", "CR OF CM", ".")],
    Act.PLAN_ORDER: [("DARIW", "OF CM", ".")],
    Act.ACKNOWLEDGE_ORDER: [("I", "CR", "W")],
    Act.ARRIVE_ORDER: [("W", "CR", ".")],
    Act.NOTE_USE: [("WC", "CR", ".")],
    Act.STRIKE_USE: [("IWCT", "OF CR CM", ".")],
    Act.SELF_CHECK: [("W", "CR", "C"), ("T", "EN", "C")],
    Act.INSPECT_ORDER: [("C", "OF EN CM", ".")],
    Act.SIGN_OFF: [("C", "OF CR CM", ".")],
    Act.REJECT_WORK: [("C", "OF EN CM", "W")],
    Act.ASK_EXTENSION: [("IW", "CR", ".")],
    Act.EXTEND_ORDER: [("IWT", "OF CM", ".")],
    Act.ADD_TRADE: [("IW", "OF CM", ".")],
    Act.TRANSFER_ORDER: [("IW", "OF CM", "T")],
    Act.CANCEL_ORDER: [("DARIWT", "CM", "X")],
}
SIGNATORIES = {Role.CS_MANAGER, Role.DEPUTY_CHIEF_ENGINEER, Role.DEPUTY_GM, Role.GENERAL_MANAGER}
"""Those who sign for some amount; of 800 yuan only the manager."""

AT_A_SIGNATURE = {STAGES[s] for s in "AIWCTE"}
"""Where a signature may be due: before the work, or after it began. Whose turn it is not is refused."""


def after(stage: OrderStage, act: Act, role: Role) -> OrderStage | None:
    """Where an order is after `act` by `role`; None where it is refused."""
    for states, roles, target in TABLE[act]:
        if stage in {STAGES[s] for s in states} and role in {ROLES[r] for r in roles.split()}:
            return stage if target == "." else STAGES[target]
    return None


def refusal(stage: OrderStage, act: Act, role: Role) -> int:
    """With which status a role is refused: 403 when it never may or it is not its turn, else 409."""
    ever = {ROLES[r] for _states, roles, _target in TABLE[act] for r in roles.split()}
    if act in (Act.APPROVE_ORDER, Act.RETURN_ORDER):
        ever |= SIGNATORIES
        if stage in AT_A_SIGNATURE and role in SIGNATORIES:
            return 403
    return 409 if role in ever else 403


def do(act: Act, order: WorkOrder, actor: Any, make: Any) -> None:
    """Carry `act` out at the command, with acceptable facts."""
    team, both = make.world.teams["云栖苑维修队"], {"version": order.version, "actor": actor}
    match act:
        case Act.AMEND_ORDER:
            orders.amend(
                order,
                team_id=team,
                defect_ids=[item.defect_id for item in order.items],
                scope="换一个说法",
                estimate_fen=90_000,
                **both,
            )
        case Act.SUBMIT_ORDER:
            approving.submit(order, **both)
        case Act.APPROVE_ORDER:
            approving.approve(order, reason="", **both)
        case Act.RETURN_ORDER:
            approving.send_back(order, reason="重估", **both)
        case Act.ISSUE_ORDER:
            orders.issue(order, visit_on=None, **both)
        case Act.ISSUE_FIRST:
            emergency.issue_first(order, reason="爆管", visit_on=None, **both)
        case Act.ASK_SUPPLEMENT:
            supplements.open_supplement(order, 100_000, actor, basis="决算书第一版")
        case Act.PLAN_ORDER:
            orders.plan(order, team_id=team, visit_on=later(2), visit_note="", **both)
        case Act.ACKNOWLEDGE_ORDER:
            workers = [make.world.workers["阿强"]]
            orders.acknowledge(order, worker_ids=workers, visit_on=None, **both)
        case Act.ARRIVE_ORDER:
            orders.arrive(order, actor=actor)
        case Act.NOTE_USE:
            uses.note(
                order,
                kind=UseKind.LABOUR,
                what="水电工",
                quantity_milli=500,
                unit="工日",
                actor=actor,
            )
        case Act.STRIKE_USE:
            uses.strike(order, use_id=a_use(order.id), reason="记重了", actor=actor)
        case Act.SELF_CHECK:
            orders.self_check(order, self_check="闭水合格", **both)
        case Act.INSPECT_ORDER:
            engineer = Role.ENGINEER in actor.roles
            side = Inspector.ENGINEERING if engineer else Inspector.PROPERTY
            acceptance.inspect(order, inspected_for=side, inspection="合格", **both)
        case Act.SIGN_OFF:
            acceptance.sign_off(
                order,
                customer_name="王国强",
                satisfaction=Satisfaction.SATISFIED,
                opinion="",
                refused=False,
                refusal_reason="",
                refusal_evidence="",
                signature=signature_of(order),
                **both,
            )
        case Act.REJECT_WORK:
            acceptance.reject(order, reason="仍有渗水", **both)
        case Act.ASK_EXTENSION:
            changing.ask_extension(order, asked_until=later(), asked_reason="订货", actor=actor)
        case Act.EXTEND_ORDER:
            changing.extend(
                order,
                due_on=later(),
                reason="订货",
                consent_by="王国强",
                consent_at=clock.now(),
                consent_way=ConsentWay.RECORDING,
                evidence="录音 8",
                **both,
            )
        case Act.ADD_TRADE:
            changing.add_trade(
                order,
                part=Part.PLASTER,
                phenomenon=Phenomenon.CRACK,
                trade=Trade.CIVIL,
                place="客厅",
                words="",
                reason="须补抹灰",
                **both,
            )
        case Act.TRANSFER_ORDER:
            contractor = make.world.contractors["海安机电"]
            changing.transfer(order, contractor_id=contractor, reason="须更换立管", **both)
        case Act.CANCEL_ORDER:
            changing.cancel(order, reason="重复", **both)


def an_order_in_each_stage(make: Any, names: dict[Role, str]) -> dict[OrderStage, int]:
    """One order in each stage, its crew led by the captain of `names`, with pictures and a signature on file."""
    repairs = Repairs(make)
    found = {stage: repairs.order(stage) for stage in OrderStage}
    for stage in (OrderStage.ACKNOWLEDGED, OrderStage.TRANSFERRED):
        repairs.pictured(found[stage])
    checked = found[OrderStage.SELF_CHECKED]
    with transaction():
        for order in found.values():
            noted(order)
        repairs.picture(
            Slot.SIGNATURE, ticket_id=checked.ticket_id, order_id=checked.id, by="captain"
        )
        team = db.session.get_one(RepairTeam, make.world.teams["云栖苑维修队"])
        team.captain_id = make.world.users[names[Role.CAPTAIN]]
    return {stage: order.id for stage, order in found.items()}


@pytest.mark.clause("3.5.1")
@pytest.mark.clause("3.5.2")
@pytest.mark.clause("3.6.1")
def test_every_command_obeys_the_table_of_state_act_and_role(make):
    """Every triple on SQLite; on PostgreSQL whatever is allowed, and one refusal for each act and role."""
    names = one_of_each_role(make)
    found = an_order_in_each_stage(make, names)
    before, wrong, tried, worked = state_of_the_orders(), [], 0, 0
    once, refused = db.engine.dialect.name == "postgresql", set()
    with recorded(db.engine) as recorder:
        for role, name in names.items():
            for act in TABLE:
                for stage, order_id in found.items():
                    if after(stage, act, role) is None:
                        if once and (act, role) in refused:
                            continue
                        refused.add((act, role))
                    tried += 1
                    actor, order = make.user(name), db.session.get_one(WorkOrder, order_id)
                    recorder.statements.clear()
                    try:
                        do(act, order, actor, make)
                        outcome: Any = order.stage
                    except (NotPermitted, Conflict) as error:
                        outcome = error.status
                        if recorder.writes or db.session.new or db.session.dirty:
                            wrong.append((stage, act, role, "left a trace"))
                    expected: Any = after(stage, act, role)
                    if expected is None:
                        expected = refusal(stage, act, role)
                    else:
                        worked += 1
                        if not any("journal_entry" in one for one in recorder.writes):
                            wrong.append((stage, act, role, "was not journalled"))
                    if outcome != expected:
                        wrong.append((stage, act, role, outcome, "instead of", expected))
                    db.session.rollback()
    assert not wrong, wrong
    assert (tried, worked) == (14 * 21 + 73 if once else 14 * 21 * 9, 73)
    assert state_of_the_orders() == before


def test_an_order_is_drafted_by_office_and_manager_only(make):
    names = one_of_each_role(make)
    ticket = Repairs(make).concluded()
    ticket_id, team = ticket.id, make.world.teams["云栖苑维修队"]
    before = state_of_the_orders()
    from ticketing.casefile.tickets.models import Ticket
    from ticketing.steps.work_orders import queries

    for role, name in names.items():
        ticket = db.session.get_one(Ticket, ticket_id)
        order_class, findings = next(iter(queries.to_order(ticket_id).items()))
        facts = {
            "order_class": order_class,
            "team_id": team,
            "defect_ids": [one.defect_id for one in findings],
            "scope": "渗漏",
            "estimate_fen": 80_000,
            "actor": make.user(name),
        }
        if role in (Role.OFFICE, Role.CS_MANAGER):
            assert orders.draft(ticket, **facts).stage is OrderStage.DRAFT
        else:
            with pytest.raises(NotPermitted):
                orders.draft(ticket, **facts)
        db.session.rollback()
    assert state_of_the_orders() == before


@pytest.mark.parametrize("part", ["DARI", "WCTEX"])
def test_every_page_refuses_what_the_table_does_not_allow(make, sign_in, part):
    names = one_of_each_role(make)
    clients = {role: sign_in(name) for role, name in names.items()}
    found = an_order_in_each_stage(make, names)
    stages = [STAGES[letter] for letter in part]
    if db.engine.dialect.name == "postgresql":
        stages = stages[1:2]
    numbers, forms = {}, {}
    for stage in stages:
        order = db.session.get_one(WorkOrder, found[stage])
        numbers[stage] = (order.id, order.version)
        for act in PATHS:
            forms[stage, act] = typed(act, order, make)
    issued = {STAGES[letter] for letter in "IWCET"}
    before, wrong, refused = state_of_the_orders(), [], 0
    for role, client in clients.items():
        for act, path in PATHS.items():
            for stage, (order_id, version) in numbers.items():
                if after(stage, act, role) is not None:
                    continue
                data = forms[stage, act] | {"version": version, "once": token()}
                if role is Role.ENGINEER and act is Act.INSPECT_ORDER:
                    data["inspected_for"] = "engineering"
                expected = refusal(stage, act, role)
                if role is Role.CAPTAIN and expected == 409 and stage not in issued:
                    expected = 404  # he sees what was issued to his crew
                status = client.post(f"/orders/{order_id}/{path}", data=data).status_code
                refused += status == 403
                if status != expected:
                    wrong.append((stage, act, role, status, "instead of", expected))
    assert not wrong, wrong
    db.session.rollback()
    assert state_of_the_orders() == before
    assert len(db.session.scalars(journal.entries(subject="access")).all()) == refused
    assert journal.verify().fault is None


@pytest.mark.parametrize("role", ["OF", "CM", "EN"])
def test_every_page_does_what_the_table_allows(make, sign_in, role):
    client, repairs = sign_in(one_of_each_role(make)[ROLES[role]]), Repairs(make)
    wrong, done, seen = [], 0, set()
    for act, path in PATHS.items():
        for stage in OrderStage:
            expected = after(stage, act, ROLES[role])
            if expected is None:
                continue
            if db.engine.dialect.name == "postgresql" and act in seen:
                continue
            seen.add(act)
            order = repairs.order(stage)
            if act is Act.SIGN_OFF:
                with transaction():
                    repairs.picture(Slot.SIGNATURE, ticket_id=order.ticket_id, order_id=order.id)
            if act is Act.STRIKE_USE:
                with transaction():
                    noted(order)
            data = typed(act, order, make)
            if ROLES[role] is Role.ENGINEER and act is Act.INSPECT_ORDER:
                data["inspected_for"] = "engineering"
            order_id, version = order.id, order.version
            page = client.get(f"/orders/{order_id}/{path}")
            answer = client.post(
                f"/orders/{order_id}/{path}", data=data | {"version": version, "once": token()}
            )
            db.session.rollback()
            arrived = db.session.get_one(WorkOrder, order_id).stage
            done += 1
            if (page.status_code, answer.status_code, arrived) != (200, 302, expected):
                wrong.append((stage, act, page.status_code, answer.status_code, arrived))
    assert not wrong, wrong
    assert done


def test_a_captain_of_another_crew_neither_sees_nor_touches_an_order(make, sign_in):
    names = one_of_each_role(make)
    order = Repairs(make).order(OrderStage.SELF_CHECKED)
    with transaction():
        key = (
            Repairs(make)
            .picture(Slot.SIGNATURE, ticket_id=order.ticket_id, order_id=order.id, by="captain")
            .key
        )
    stranger = make.user(names[Role.CAPTAIN])
    with pytest.raises(NotPermitted, match="本单的维修队长"):
        do(Act.SIGN_OFF, order, stranger, make)
    db.session.rollback()
    order_id, version = order.id, order.version
    client = sign_in(names[Role.CAPTAIN])
    assert client.get(f"/orders/{order_id}").status_code == 404
    data = {"version": version, "once": token(), "customer_name": "王", "signature": key}
    answer = client.post(f"/orders/{order_id}/sign-off", data=data | {"satisfaction": "satisfied"})
    assert answer.status_code == 404
