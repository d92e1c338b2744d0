"""Who is told of what in a survey: one function for each thing that happens (procedure 3.4.5).

Nobody is told of what he did himself. The contractor and the customer have no account; their numbers stand on the page.
"""

from collections.abc import Sequence
from datetime import datetime

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.telling import engineers_of, people_as
from ticketing.kernel import clock
from ticketing.masters.people.models import User
from ticketing.procedure.vocabulary import Role
from ticketing.steps.site_survey.models import SiteSurvey


def of_visit(survey: SiteSurvey, actor: User, at: datetime, words: str) -> None:
    """A visit has been agreed on or put off: the captain, engineering and the community's office."""
    ticket = survey.ticket
    to = (
        survey.team.captain_id,
        *engineers_of(ticket),
        *people_as((), community_id=ticket.community_id),
    )
    _say(survey, to, actor, at, words, f"survey:{survey.id}:{at:%Y%m%d%H%M%S}")


def of_other_team(survey: SiteSurvey, captain_id: int, actor: User, at: datetime) -> None:
    """The captain who was asked first need not come; he no longer sees the sheet."""
    event = f"survey-called-off:{survey.id}:{at:%Y%m%d%H%M%S}"
    _say(survey, (captain_id,), actor, at, "改由其他维修队勘察", event, path="/surveys/")


def of_record(survey: SiteSurvey, actor: User, at: datetime) -> None:
    """The findings are there: captain and engineering can sign. Said once a sheet."""
    to = (survey.team.captain_id, *engineers_of(survey.ticket))
    _say(survey, to, actor, at, "勘察已记录，请会签", f"survey-recorded:{survey.id}")


def of_completion(survey: SiteSurvey, actor: User, at: datetime) -> None:
    """Every box asked for is filled: the manager decides, the office drafts orders."""
    to = people_as((Role.CS_MANAGER,), community_id=survey.ticket.community_id)
    _say(survey, to, actor, at, "会签齐全，待下勘察结论", f"survey-signed:{survey.id}")


def of_conclusion(survey: SiteSurvey, actor: User, at: datetime, repairs: bool) -> None:
    """The manager has decided: the office drafts the orders, or the department answers the customer."""
    ticket, event = survey.ticket, f"survey-concluded:{survey.id}"
    path = f"/tickets/{ticket.id}"
    office = people_as((), community_id=ticket.community_id)
    if repairs:
        _say(survey, office, actor, at, "勘察结论：维修，请拟派工单", event, path=path)
    else:
        to = (ticket.handler_id, *office)
        _say(survey, to, actor, at, "勘察结论：不予维修，请答复客户", event, path=path)


def _say(
    survey: SiteSurvey,
    to: Sequence[int | None],
    actor: User,
    at: datetime,
    words: str,
    event: str,
    *,
    path: str = "",
) -> None:
    ticket: Ticket = survey.ticket
    message = Message(
        user_ids=tuple(dict.fromkeys(one for one in to if one is not None and one != actor.id)),
        kind=NoticeKind.ASSIGNED,
        event=event,
        title=f"{survey.number} {words}",
        body=f"{ticket.room} {clock.show_instant(survey.visit_at)} {ticket.summary}".strip(),
        path=path or f"/surveys/{survey.id}",
        community_id=ticket.community_id,
    )
    tell([message], at=at)
