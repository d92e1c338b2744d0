"""Who sees a picture and its thumbnail, and who may file what on which paper in which state (promises 21, 27)."""

import pytest

from tests.support import pictures as some
from tests.support.repairs import Repairs
from tests.support.world import PASSWORD
from ticketing.casefile.attachments import queries
from ticketing.casefile.attachments.commands import file_picture
from ticketing.casefile.attachments.models import PaperKind
from ticketing.kernel import pictures
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, NotFound, NotPermitted
from ticketing.masters.contractors import commands as contractors
from ticketing.masters.people import commands as people
from ticketing.masters.people.scope import scope_of
from ticketing.procedure.repairs import OrderStage, Side, Slot, SurveyStage
from ticketing.procedure.vocabulary import Role, TicketStage

TICKET, SURVEY, ORDER = PaperKind.TICKET, PaperKind.SURVEY, PaperKind.ORDER
PHOTO = pictures.made(some.jpeg())
SIGNATURE = pictures.made(some.png(), drawing=True)


@pytest.fixture
def repairs(make) -> Repairs:
    """Repairs, with an engineer posted there, and a second crew under a captain of its own."""
    world = make.world
    with transaction():
        for username, department, role in (
            ("captain2", "PM", Role.CAPTAIN),
            ("builder", "ENG", Role.ENGINEER),
        ):
            world.users[username] = people.create_user(
                username=username,
                name=f"某{role}",
                password=PASSWORD,
                department_id=world.departments[department],
                community_ids=[world.communities["YX"]],
                roles=[role],
                actor=None,
            ).id
        contractors.save_team(
            None,
            name="第二维修队",
            captain_id=world.users["captain2"],
            community_ids=[world.communities["YX"]],
            active=True,
            actor=None,
        )
    return Repairs(make)


@pytest.fixture
def file(app, make):
    """File a picture through the command."""

    def filing(paper, paper_id, slot, by="office", **more):
        actor = make.user(by)
        with transaction():
            return file_picture(
                scope_of(actor),
                paper,
                paper_id,
                slot=slot,
                store=app.extensions["ticketing"].store,
                actor=actor,
                **{
                    "filed": SIGNATURE if slot is Slot.SIGNATURE else PHOTO,
                    "name": "x.jpg",
                    "once": queries.small(slot.value),
                    **more,
                },
            ).key

    return filing


EVERYWHERE = (
    "clerk",
    "office",
    "handler",
    "manager",
    "auditor",
    "chief",
    "gm",
    "reader",
)
CALLED = ("engineer", "captain", "builder")
"""They see the papers they are called to, and of the ticket what these are about."""

NEVER = ("far_clerk", "seller", "lawyer", "captain2", "finance")


def test_a_picture_is_seen_by_those_who_see_its_paper_and_by_nobody_else(
    make, repairs, file, sign_in
):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    ticket_id, survey_id, order_id = order.ticket_id, order.survey_id, order.id
    survey = repairs.survey(SurveyStage.RECORDED)
    keys = {
        "reported": file(TICKET, ticket_id, Slot.REPORTED),
        "ticket evidence": file(TICKET, ticket_id, Slot.EVIDENCE, once="e1"),
        "survey evidence": file(SURVEY, survey_id, Slot.EVIDENCE, once="e2"),
        "site": file(SURVEY, survey.id, Slot.SITE),
        "survey signature": file(SURVEY, survey.id, Slot.SIGNATURE),
        "before": file(ORDER, order_id, Slot.BEFORE, by="captain"),
    }
    for username in (*EVERYWHERE, *CALLED, *NEVER, "admin"):
        client = sign_in(username)
        for what, key in keys.items():
            expected = 200 if username in EVERYWHERE else 404
            if username in CALLED:
                expected = 404 if what == "ticket evidence" else 200
            elif username == "admin":
                expected = 403
            for address in (f"/files/{key}", f"/files/{key}/small"):
                answer = client.get(address)
                assert answer.status_code == expected, (username, what)
                assert (answer.data[:2] == b"\xff\xd8" or answer.mimetype == "image/png") == (
                    expected == 200
                )
    stranger = make_client(sign_in)
    for key in keys.values():
        assert stranger.get(f"/files/{key}").status_code == 302
        assert stranger.get(f"/files/{key}/small").status_code == 302


def make_client(sign_in):
    client = sign_in("clerk")
    client.post("/sign-out")
    return client


def test_an_unissued_order_shows_its_pictures_to_no_captain(repairs, file, sign_in):
    order = repairs.order(OrderStage.DRAFT)
    key = file(ORDER, order.id, Slot.EVIDENCE)
    assert sign_in("captain").get(f"/files/{key}").status_code == 404
    assert sign_in("office").get(f"/files/{key}").status_code == 200


def test_a_right_taken_away_takes_the_picture_away(make, repairs, file, sign_in):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    key = file(ORDER, order.id, Slot.BEFORE, by="captain")
    client = sign_in("captain")
    assert client.get(f"/files/{key}").status_code == 200
    with transaction():
        make.user("captain2")
        team = order.team
        team.captain_id = make.world.users["captain2"]
    assert client.get(f"/files/{key}").status_code == 404
    assert sign_in("captain2").get(f"/files/{key}").status_code == 200


def slots(make, username, paper, paper_id):
    """What one person may file, as stored values; None where the paper does not exist for him."""
    actor = make.user(username)
    try:
        place = queries.place_for(scope_of(actor), actor, paper, paper_id)
    except NotFound:
        return None
    return {slot.value for slot in place.slots}


PEOPLE = ("clerk", "office", "far_clerk", "handler", "builder", "captain", "captain2", "manager",
          "auditor", "finance", "reader")  # fmt: skip
EVIDENCE = {"evidence"}
SIGNING = {"signature", "signed_paper"}
WORK = {"before", "after"}

ON_SURVEY = {
    SurveyStage.SCHEDULED: {"site"} | EVIDENCE,
    SurveyStage.RECORDED: {"site"} | SIGNING | EVIDENCE,
    SurveyStage.SIGNED: EVIDENCE,
    SurveyStage.SUPERSEDED: EVIDENCE,
}


@pytest.mark.clause("3.4.5")
@pytest.mark.parametrize("stage", SurveyStage)
def test_a_survey_takes_photos_until_it_is_signed_and_evidence_at_any_time(make, repairs, stage):
    survey = repairs.survey(SurveyStage.SIGNED if stage is SurveyStage.SUPERSEDED else stage)
    if stage is SurveyStage.SUPERSEDED:
        survey.stage = stage
        db.session.flush()
    found = {name: slots(make, name, SURVEY, survey.id) for name in PEOPLE}
    for name in ("office", "builder", "captain", "manager"):
        assert found.pop(name) == ON_SURVEY[stage], name
    for name in ("far_clerk", "captain2", "finance"):
        assert found.pop(name) is None, name
    assert set(map(str, found.values())) == {"set()"}, found


@pytest.mark.clause("3.4.5")
def test_after_the_first_signature_no_photo_is_added_to_what_was_signed(make, repairs):
    survey = repairs.survey(SurveyStage.RECORDED)
    repairs.sign(survey, Side.SERVICE)
    assert slots(make, "office", SURVEY, survey.id) == SIGNING | EVIDENCE


ON_ORDER = {
    OrderStage.DRAFT: {},
    OrderStage.APPROVING: {},
    OrderStage.APPROVED: {},
    OrderStage.ISSUED: {"captain": WORK},
    OrderStage.ACKNOWLEDGED: {"captain": WORK},
    OrderStage.SELF_CHECKED: {
        "captain": WORK | SIGNING,
        "office": {"after"} | SIGNING,
        "manager": {"after"} | SIGNING,
        "builder": {"after"},
    },
    OrderStage.TRANSFERRED: {"builder": WORK},
    OrderStage.ACCEPTED: {},
    OrderStage.CANCELLED: {},
}
UNISSUED = (OrderStage.DRAFT, OrderStage.APPROVING, OrderStage.APPROVED, OrderStage.CANCELLED)


@pytest.mark.clause("3.5.3")
@pytest.mark.parametrize("stage", OrderStage)
def test_an_order_takes_what_its_state_asks_for_from_those_who_work_on_it(make, repairs, stage):
    order = repairs.order(stage)
    for name in PEOPLE:
        found = slots(make, name, ORDER, order.id)
        if name in ("far_clerk", "captain2", "finance") or (
            name == "captain" and stage in UNISSUED
        ):
            assert found is None, name
        elif name in ("office", "builder", "captain", "manager"):
            assert found == EVIDENCE | ON_ORDER[stage].get(name, set()), name
        else:
            assert found == set(), name


@pytest.mark.clause("3.5.3")
def test_what_the_customer_signed_gets_no_more_photos(make, repairs):
    order = repairs.order(OrderStage.SELF_CHECKED)
    repairs.signed(order)
    for name in ("office", "captain"):
        assert slots(make, name, ORDER, order.id) == EVIDENCE, name


@pytest.mark.parametrize("stage", TicketStage)
def test_an_open_ticket_takes_the_customers_photos_and_an_ended_one_only_evidence(make, stage):
    if stage in (TicketStage.SURVEYING, TicketStage.REPAIRING):
        ticket = Repairs(make).survey(SurveyStage.SCHEDULED).ticket
        ticket.stage = stage
    else:
        ticket = make.ticket(stage)
    ticket_id, is_open = ticket.id, stage.is_open
    for name in ("clerk", "office", "manager"):
        expected = {"reported", "evidence"} if is_open else EVIDENCE
        assert slots(make, name, TICKET, ticket_id) == expected, name
    for name in ("auditor", "reader", "gm"):
        assert slots(make, name, TICKET, ticket_id) == set(), name
    for name in ("far_clerk", "captain", "seller", "finance", "admin"):
        assert slots(make, name, TICKET, ticket_id) is None, name


def test_filing_asks_again_when_the_picture_is_written(repairs, file):
    order = repairs.order(OrderStage.ACCEPTED)
    with pytest.raises(Conflict, match="派工单现为“已验收”"):
        file(ORDER, order.id, Slot.AFTER, by="captain")
    with pytest.raises(NotFound):
        file(ORDER, order.id, Slot.EVIDENCE, by="captain2")
    with pytest.raises(NotFound):
        file(ORDER, order.id, Slot.EVIDENCE, by="far_clerk")
    with pytest.raises(NotPermitted):
        file(ORDER, order.id, Slot.EVIDENCE, by="clerk")
    assert file(ORDER, order.id, Slot.EVIDENCE, by="captain")


@pytest.mark.parametrize("username", ["far_clerk", "captain2"])
def test_nobody_files_on_a_paper_he_does_not_see(repairs, sign_in, username, app):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    order_id, survey_id, ticket_id = order.id, order.survey_id, order.ticket_id
    client = sign_in(username)
    for paper, paper_id in (("order", order_id), ("survey", survey_id), ("ticket", ticket_id)):
        query = f"paper={paper}&id={paper_id}&slot=evidence"
        assert client.get(f"/files/new?{query}").status_code == 404
        data = {"paper": paper, "paper_id": paper_id, "slot": "evidence", "once": "x"}
        for headers in ({}, {"X-Fragment": "1"}):
            answer = client.post(
                "/files/",
                data=data | {"file": (some.stream(some.jpeg()), "x.jpg")},
                headers=headers,
            )
            assert answer.status_code == 404, paper
    with app.app_context():
        assert queries.of_ticket(ticket_id)[-1].slot is not Slot.EVIDENCE
