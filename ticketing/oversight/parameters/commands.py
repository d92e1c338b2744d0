"""Proposing and confirming parameters together with who is told of it (procedure 3.6.1)."""

from collections.abc import Sequence
from typing import Any

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.tickets.telling import people_as
from ticketing.kernel import clock
from ticketing.masters.parameters import commands
from ticketing.masters.parameters.models import ParameterEdition
from ticketing.masters.people.models import User
from ticketing.procedure.vocabulary import Role


def propose(*, actor: User, **facts: Any) -> ParameterEdition:
    """Propose an edition; the general manager is asked to confirm it. Raises as `masters.parameters.commands`."""
    made = commands.propose(actor=actor, **facts)
    words = f"请确认制度参数，{clock.show_date(made.effective_on)} 起生效"
    _tell(people_as((Role.GENERAL_MANAGER,)), made, actor, words)
    return made


def confirm(edition: ParameterEdition, *, version: int, actor: User) -> ParameterEdition:
    """Put it in force; those who work by it are told. Raises as `masters.parameters.commands`."""
    commands.confirm(edition, version=version, actor=actor)
    to = people_as((Role.CS_MANAGER, Role.DEPUTY_CHIEF_ENGINEER, Role.DEPUTY_GM, Role.AUDITOR))
    words = f"制度参数已确认，{clock.show_date(edition.effective_on)} 起生效"
    _tell([*to, edition.proposed_by_id], edition, actor, words)
    return edition


def withdraw(edition: ParameterEdition, *, version: int, actor: User) -> ParameterEdition:
    """Take it off the table; whoever proposed it is told. Raises as `masters.parameters.commands`."""
    commands.withdraw(edition, version=version, actor=actor)
    _tell([edition.proposed_by_id], edition, actor, "制度参数未获确认，已撤下")
    return edition


def _tell(to: Sequence[int], edition: ParameterEdition, actor: User, words: str) -> None:
    tell(
        [
            Message(
                user_ids=tuple(one for one in to if one != actor.id),
                kind=NoticeKind.PARAMETERS,
                event=f"parameters:{edition.id}:{edition.state.value}",
                title=words,
                body=edition.reason,
                path="/parameters/",
            )
        ],
        at=clock.now(),
    )
