"""The stories of tickets, surveys and orders in Chinese: every column that can be journalled, every way a defect came on file."""

import json
import re
from types import SimpleNamespace

import pytest

from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.casefile.tickets import timeline
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal import queries as journal
from ticketing.journal.models import JournalEntry
from ticketing.journal.queries import StoryLine
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.oversight.audit.views import SUBJECTS
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage, SurveyStage
from ticketing.steps.site_survey import commands as surveys
from ticketing.steps.site_survey import timeline as survey_timeline
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.work_orders import changing, paper
from ticketing.steps.work_orders.models import WorkOrder

LATIN = re.compile("[A-Za-z]")


def an_entry(act: Act, model) -> list[StoryLine]:
    """An entry that says every column of a model changed from one to another."""
    changed = {}
    for column in model.__table__.columns:
        kind = column.type.python_type
        values = list(kind) if hasattr(kind, "label") else None
        changed[column.key] = [None, values[0].value if values else None]
    entry = JournalEntry(
        at=clock.now(), actor_name="陈静", act=act.value, origin="", target="", facts="{}"
    )
    return [StoryLine(entry, {"changed": json.loads(json.dumps(changed))})]


def test_no_story_shows_a_column_by_its_english_name():
    nobody = SimpleNamespace(notes=[], callbacks=[])
    told = [
        *timeline.timeline(an_entry(Act.AMEND, Ticket), nobody),
        *timeline.since(an_entry(Act.AMEND, Ticket)),
        *survey_timeline.told(an_entry(Act.RECORD_SURVEY, SiteSurvey), {}),
        *paper.told(an_entry(Act.AMEND_ORDER, WorkOrder)),
    ]
    assert len(told) == 4
    for line in told:
        assert line.changed
        for name, old, new in line.changed:
            assert not LATIN.search(f"{name}{old}{new}"), (line.what, name, old, new)
            assert name != timeline.field_name("nothing known"), line


def test_a_repair_says_nothing_of_its_mark_in_the_story(make, sign_in):
    ticket = Repairs(make).concluded()
    changed = [
        name
        for line in journal.story("ticket", ticket.id)
        for name in line.facts.get("changed", {})
    ]
    assert "repair" in changed
    page = sign_in("office").get(f"/tickets/{ticket.id}").get_data(as_text=True)
    assert "否 → 是" not in page


@pytest.mark.clause("3.4.5")
def test_the_story_says_how_a_defect_came_on_file(make, sign_in):
    repairs = Repairs(make)
    survey = repairs.survey(SurveyStage.SCHEDULED)
    with transaction():
        surveys.add_defect(
            survey,
            part=CRACK.part,
            phenomenon=CRACK.phenomenon,
            trade=CRACK.trade,
            place="厨房",
            words="",
            actor=make.user("office"),
        )
    order = repairs.order(OrderStage.ISSUED, LEAK, unit="YX 5-1-0101")
    with transaction():
        changing.add_trade(
            order,
            version=order.version,
            part=CRACK.part,
            phenomenon=CRACK.phenomenon,
            trade=CRACK.trade,
            place="书房",
            words="",
            reason="须补抹灰",
            actor=make.user("office"),
        )
    office = sign_in("office")
    for ticket_id, words, place in (
        (survey.ticket_id, "勘察时补充报修项目", "厨房"),
        (order.ticket_id, "派工后增加报修项目", "书房"),
    ):
        page = office.get(f"/tickets/{ticket_id}").get_data(as_text=True)
        told = page[page.index('class="story"') :]
        assert words in told
        assert place in told[told.index(words) :]


def test_what_was_checked_and_signed_before_a_rejection_stays_in_the_story(make, sign_in):
    from ticketing.steps.acceptance import commands as acceptance

    repairs = Repairs(make)
    order = repairs.order(OrderStage.SELF_CHECKED)
    repairs.signed(order, opinion="先签了，再看看")
    with transaction():
        acceptance.reject(order, version=order.version, reason="仍渗水", actor=make.user("office"))
    page = sign_in("office").get(f"/orders/{order.id}").get_data(as_text=True)
    assert "先签了，再看看" in page
    assert "先签了，再看看 → —" not in page


def test_the_audit_page_names_whatever_was_journalled(make):
    Repairs(make).order(OrderStage.ACCEPTED)
    subjects = set(db.session.scalars(db.select(JournalEntry.subject).distinct()))
    assert {"ticket", "survey", "order", "contract"} <= subjects
    assert subjects <= SUBJECTS.keys()


@pytest.mark.parametrize("subject", ["ticket", "survey", "order"])
def test_an_administrator_reads_no_customers_words_in_the_journal(make, sign_in, subject):
    order = Repairs(make).order(OrderStage.ACCEPTED)
    number = {"ticket": order.ticket.number, "survey": order.survey.number, "order": order.number}
    whole = sign_in("auditor").get(f"/audit/?subject={subject}").get_data(as_text=True)
    bare = sign_in("admin").get(f"/audit/?subject={subject}").get_data(as_text=True)
    assert number[subject] in whole
    assert number[subject] not in bare
