"""The pages of the acts on a sheet."""

from ticketing.casefile.papers.act_page import ActPage
from ticketing.procedure.permissions import Act
from ticketing.steps.site_survey import queries, timeline
from ticketing.steps.site_survey.road import SURVEYS

ENDPOINTS: dict[Act, str] = {
    Act.ARRIVE_SURVEY: "site_survey.acts.arrive",
    Act.RECORD_SURVEY: "site_survey.acts.record",
    Act.SIGN_SURVEY: "site_survey.acts.sign",
    Act.RESCHEDULE_SURVEY: "site_survey.acts.reschedule",
}
"""The page on which each act on a sheet is done, in the order of the visit."""

survey_page = ActPage(
    SURVEYS,
    "survey",
    "site_survey.show",
    "surveys/act.html",
    queries.survey_for,
    lambda lines: timeline.told(lines, queries.names()),
    lambda step, survey, actor: SURVEYS.check(step, survey, actor, {}),
).answer
"""Answers a request to do an act on a sheet."""
