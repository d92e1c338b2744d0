"""Parameters: proposed by one, confirmed by another, from a day on, and no paper under way is touched."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from tests.pages.helpers import recorded, token
from tests.support.repairs import Repairs
from ticketing.casefile.notices.models import Notice
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.parameters import queries
from ticketing.masters.parameters.models import EditionState, ParameterEdition, ParameterValue
from ticketing.oversight.parameters import commands
from ticketing.procedure.parameters import PARAMETERS, PRESETS, STANDARD, Measure, Preset
from ticketing.procedure.repairs import OrderStage, SurveyStage
from ticketing.procedure.vocabulary import Role


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def propose(make, limits=STANDARD, *, by="manager", in_days=0, reason="会议纪要"):
    with transaction():
        return commands.propose(
            **limits._asdict(),
            effective_on=clock.today() + timedelta(days=in_days),
            reason=reason,
            actor=make.user(by),
        )


def confirm(make, edition, by="gm"):
    with transaction():
        return commands.confirm(edition, version=edition.version, actor=make.user(by))


def confirmed(make, limits=STANDARD, **more):
    return confirm(make, propose(make, limits, **more))


@pytest.mark.clause("3.6.1")
def test_the_shipped_standard_counts_until_an_edition_is_confirmed(make):
    assert queries.edition_on(clock.today()) is None
    assert queries.limits_on(clock.today()) == STANDARD
    assert queries.standing() == (False, False)
    edition = propose(make, PRESETS[Preset.LARGE])
    assert queries.standing() == (False, True)
    assert queries.limits_on(clock.today()) == STANDARD
    confirm(make, edition)
    assert queries.standing() == (True, False)
    assert queries.limits_on(clock.today()) == PRESETS[Preset.LARGE]
    assert queries.limits_on(clock.today() - timedelta(days=1)) == STANDARD
    assert queries.limits_of(edition.id) == PRESETS[Preset.LARGE]


def test_what_counts_on_a_day_costs_two_statements_and_the_standard_none(make):
    edition_id = confirmed(make).id
    with recorded(db.engine) as recorder:
        queries.limits_of(None)
        queries.limits_of(edition_id)
        queries.limits_on(clock.today())
    assert len(recorder.statements) == 3


def test_an_edition_counts_from_its_day_on_and_a_later_one_takes_over(make):
    later = confirmed(make, STANDARD._replace(manager_fen=600_000), in_days=10)
    now = confirmed(make, STANDARD._replace(manager_fen=400_000))
    day = clock.today()
    assert [queries.edition_on(day + timedelta(days=n)) for n in (-1, 0, 9, 10)] == [
        None, now.id, now.id, later.id,
    ]  # fmt: skip


def test_of_two_editions_for_the_same_day_the_one_confirmed_last_counts(make):
    confirmed(make, STANDARD._replace(manager_fen=600_000))
    with clock.held(clock.now() + timedelta(minutes=1)):
        second = confirmed(make, STANDARD._replace(manager_fen=700_000))
        assert queries.edition_on(clock.today()) == second.id


def test_a_parameter_is_never_put_in_force_for_a_day_that_has_passed(make):
    with pytest.raises(Invalid, match="不追溯") as refused:
        propose(make, in_days=-1)
    assert refused.value.field == "effective_on"
    with pytest.raises(Invalid):
        propose(make, in_days=400)
    edition = propose(make)
    asked = edition.effective_on
    with clock.held(clock.now() + timedelta(days=3)):
        confirm(make, edition)
        assert edition.effective_on == clock.today() == asked + timedelta(days=3)
    assert queries.edition_on(asked) is None


@pytest.mark.parametrize("who", ["manager", "admin"])
def test_the_manager_or_the_administrator_proposes(make, who):
    assert propose(make, by=who).state is EditionState.PENDING


@pytest.mark.parametrize(
    "who", ["clerk", "office", "chief", "deputy_gm", "gm", "finance", "auditor"]
)
def test_nobody_else_proposes(make, who):
    with pytest.raises(NotPermitted):
        propose(make, by=who)


@pytest.mark.parametrize("who", ["manager", "admin", "admin2", "deputy_gm", "chief", "finance"])
def test_nobody_but_the_general_manager_confirms(make, who):
    edition = propose(make)
    with pytest.raises(NotPermitted):
        confirm(make, edition, who)


@pytest.mark.parametrize("who", ["clerk", "deputy_gm"])
def test_who_may_neither_propose_nor_confirm_may_not_withdraw(make, who):
    edition = propose(make)
    with pytest.raises(NotPermitted), transaction():
        commands.withdraw(edition, version=edition.version, actor=make.user(who))


def test_another_account_of_the_proposer_cannot_confirm(make):
    """S9 and S11: two people, not two accounts."""
    with transaction():
        make.user("manager").employee_number = make.user("gm").employee_number = "E-0001"
    edition = propose(make)
    with pytest.raises(NotPermitted, match="第二人"):
        confirm(make, edition)


def test_the_database_itself_wants_two_people(make):
    edition = propose(make)
    db.session.rollback()
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(
            update(ParameterEdition)
            .where(ParameterEdition.id == edition.id)
            .values(
                state=EditionState.CONFIRMED,
                decided_at=clock.now(),
                decided_by_id=edition.proposed_by_id,
            )
        )


def test_one_edition_waits_at_a_time_and_is_decided_once(make):
    edition = propose(make)
    with pytest.raises(Conflict, match="等待确认"):
        propose(make, PRESETS[Preset.LARGE])
    version = edition.version
    with transaction():
        commands.withdraw(edition, version=version, actor=make.user("manager"))
    with pytest.raises(Conflict):
        confirm(make, edition)
    assert edition.state is EditionState.WITHDRAWN
    again = confirmed(make)
    with pytest.raises(Conflict):
        confirm(make, again)
    with pytest.raises(Invalid, match="完全相同"):
        propose(make)


def test_wrong_figures_are_refused_at_their_field(make):
    with pytest.raises(Invalid) as refused:
        propose(make, STANDARD._replace(manager_fen=5_000_000))
    assert refused.value.field == "deputy_gm_fen"
    with pytest.raises(Invalid) as refused:
        propose(make, reason="  ")
    assert refused.value.field == "reason"
    assert db.session.scalars(select(ParameterValue)).all() == []


def test_papers_keep_the_edition_they_began_with(make, repairs):
    """Promise 20: no paper under way is rerouted, whatever is confirmed afterwards."""
    draft = repairs.order(OrderStage.DRAFT, estimate_fen=300_000)
    survey = repairs.survey(SurveyStage.SCHEDULED)
    assert (draft.parameter_edition_id, survey.parameter_edition_id) == (None, None)
    edition = confirmed(make, PRESETS[Preset.CONSERVATIVE])
    from ticketing.steps.work_orders import approving

    with transaction():
        approving.submit(draft, version=draft.version, actor=make.user("office"))
    assert [one.role for one in draft.approvals] == [Role.CS_MANAGER]
    repairs.record(survey, estimate_fen=100_000)
    assert "估价超过" not in survey.contractor_why
    fresh = repairs.order(OrderStage.APPROVING, estimate_fen=300_000)
    assert fresh.parameter_edition_id == edition.id
    assert [one.role for one in fresh.approvals] == [Role.DEPUTY_CHIEF_ENGINEER, Role.DEPUTY_GM]
    later = repairs.survey(SurveyStage.RECORDED, estimate_fen=50_001)
    assert later.parameter_edition_id == edition.id
    assert "估价超过 500 元" in later.contractor_why
    exact = repairs.survey(SurveyStage.RECORDED, estimate_fen=50_000)
    assert "估价超过" not in exact.contractor_why


def told(words):
    return set(db.session.scalars(select(Notice.user_id).where(Notice.title.contains(words))))


def test_who_has_to_confirm_is_told_and_then_who_works_by_it(make):
    users = make.world.users
    edition = propose(make)
    assert told("请确认制度参数") == {users["gm"]}
    confirm(make, edition)
    assert told("制度参数已确认") == {
        users[name] for name in ("manager", "chief", "deputy_gm", "auditor")
    }
    second = propose(make, PRESETS[Preset.LARGE], by="admin")
    with transaction():
        commands.withdraw(second, version=second.version, actor=make.user("gm"))
    assert told("未获确认") == {users["admin"]}


def test_every_act_is_journalled_with_old_and_new(make):
    edition = confirmed(make, STANDARD._replace(overrun_bp=500))
    (proposed, facts), (confirmed_, _) = journal.story("parameters", edition.id)
    assert (proposed.act, confirmed_.act) == ("propose_parameters", "confirm_parameters")
    assert facts["changed"] == {"settlement.overrun_pct": ["10%", "5%"]}
    assert facts["values"]["settlement.overrun_pct"] == 500
    assert journal.verify().fault is None


def form(limits=STANDARD, **more):
    """What a person types into the form of a proposal."""

    def typed(parameter):
        value = getattr(limits, parameter.name)
        if parameter.measure is Measure.YES_NO:
            return "yes" if value else "no"
        days = parameter.measure is Measure.DAYS
        return str(value) if days else f"{value // 100}.{value % 100:02d}"

    return {
        **{one.name: typed(one) for one in PARAMETERS},
        "effective_on": clock.today().isoformat(),
        "reason": "批准文件",
        "once": token(),
        **more,
    }


@pytest.mark.clause("3.4.6")
@pytest.mark.parametrize(("value", "chosen"), [(0, "no"), (1, "yes")])
def test_a_proposal_starts_from_the_yes_or_no_in_force(make, sign_in, value, chosen):
    confirmed(make, STANDARD._replace(restart_after_repair=value, split_days=31))
    page = sign_in("manager").get("/parameters/propose").get_data(as_text=True)
    radios = [one.split(">")[0] for one in page.split("<input") if "restart_after_repair" in one]
    assert [f'value="{chosen}"' in one for one in radios if " checked" in one] == [True]
    data = form(STANDARD._replace(restart_after_repair=1 - value))
    assert sign_in("manager").post("/parameters/propose", data=data).status_code == 302
    assert queries.pending().limits.restart_after_repair == 1 - value


def test_the_pages_lead_from_the_flag_to_the_confirmation(make, sign_in):
    manager, gm, clerk = sign_in("manager"), sign_in("gm"), sign_in("clerk")
    assert clerk.get("/parameters/").status_code == 403
    assert "制度留空，现用默认值" not in clerk.get("/tickets/").get_data(as_text=True)
    for client, page in ((manager, "/tickets/"), (gm, "/major/"), (sign_in("admin"), "/people/")):
        assert "制度留空，现用默认值" in client.get(page).get_data(as_text=True)
    page = manager.get("/parameters/").get_data(as_text=True)
    assert page.count("留空</span>") == 6
    assert "50,000 元" in page
    page = manager.get("/parameters/propose?preset=large").get_data(as_text=True)
    assert 'value="10000"' in page
    answer = manager.post(
        "/parameters/propose",
        data=form(PRESETS[Preset.LARGE], manager_fen="100000", vat_bp="abc", reason=""),
    )
    assert answer.status_code == 422
    answer = manager.post("/parameters/propose", data=form(manager_fen="50000", split_days="0"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "副总经理审批限额应高于客户服务部经理审批限额。" in page
    assert "拆单合并天数应在 1 天 至 365 天 之间。" in page
    assert 'value="50000"' in page
    answer = manager.post("/parameters/propose", data=form(PRESETS[Preset.LARGE]))
    assert (answer.status_code, answer.location) == (302, "/parameters/")
    page = gm.get("/parameters/").get_data(as_text=True)
    for words in ("等待总经理确认", "5,000 元", "10,000 元", "赵敏", "确认</button>"):
        assert words in page
    assert "确认</button>" not in manager.get("/parameters/").get_data(as_text=True)
    edition = queries.pending()
    data = {"version": edition.version, "once": token()}
    assert manager.post(f"/parameters/{edition.id}/confirm", data=data).status_code == 403
    assert gm.post(f"/parameters/{edition.id}/confirm", data=data).status_code == 302
    for client, page in ((manager, "/tickets/"), (gm, "/major/"), (gm, "/parameters/")):
        assert "制度留空" not in client.get(page).get_data(as_text=True)
    stale = gm.post(f"/parameters/{edition.id}/confirm", data={**data, "once": token()})
    assert stale.status_code == 409
    assert gm.get("/parameters/").status_code == 200


def test_two_general_managers_at_once_confirm_it_once(app, make, sign_in):
    from tests.rooms.test_order_approval import second_account

    second_account(make, "second", "另一位总经理", [Role.GENERAL_MANAGER])
    edition = propose(make)
    edition_id, version = edition.id, edition.version
    clients = [sign_in("gm"), sign_in("second")]
    db.session.rollback()
    answers, barrier = [], threading.Barrier(2)

    def run(client):
        barrier.wait()
        answers.append(
            client.post(
                f"/parameters/{edition_id}/confirm", data={"version": version, "once": token()}
            ).status_code
        )

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 409]
    db.session.rollback()
    assert len(journal.story("parameters", edition_id)) == 2
