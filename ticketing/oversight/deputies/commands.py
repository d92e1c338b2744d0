"""Naming and revoking a deputy together with who is told of it: the deputy and the manager (trust: S10)."""

from collections.abc import Sequence
from typing import Any

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.tickets.telling import people_as
from ticketing.kernel import clock
from ticketing.masters.people import deputies
from ticketing.masters.people.models import Deputyship, User
from ticketing.procedure.vocabulary import Role


def name_deputy(*, actor: User, **facts: Any) -> Deputyship:
    """Name a deputy. Raises as `masters.people.deputies`."""
    made = deputies.name_deputy(actor=actor, **facts)
    _tell(made, actor, "请{deputy}代理{principal}的审批")
    return made


def revoke(deputyship: Deputyship, *, actor: User) -> Deputyship:
    """Take it back. Raises as `masters.people.deputies`."""
    deputies.revoke(deputyship, actor=actor)
    _tell(deputyship, actor, "{principal}已撤销{deputy}的代理")
    return deputyship


def _tell(one: Deputyship, actor: User, words: str) -> None:
    to: Sequence[int] = [one.deputy_id, *people_as((Role.CS_MANAGER,))]
    ended = "ended" if one.revoked_at else "named"
    tell(
        [
            Message(
                user_ids=tuple(who for who in to if who != actor.id),
                kind=NoticeKind.ASSIGNED,
                event=f"deputyship:{one.id}:{ended}",
                title=words.format(deputy=one.deputy.name, principal=one.principal.name),
                body=f"{clock.show_date(one.begins_on)} 至 {clock.show_date(one.ends_on)}：{one.reason}",
                path="/deputies/",
            )
        ],
        at=clock.now(),
    )
