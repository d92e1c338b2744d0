"""The mover of papers: the only code that sets the stage of a 会签表 or a 派工单."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import inspect, select, text
from sqlalchemy.orm.attributes import flag_modified

from ticketing.casefile.tickets import commands as tickets
from ticketing.casefile.tickets import guards
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal.changes import write
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.enums import Labelled
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.people.models import User
from ticketing.procedure.permissions import Act, may, may_sign
from ticketing.procedure.vocabulary import Role
from ticketing.procedure.workflow import Guard, Step

Stage = TypeVar("Stage", bound=Labelled)

RANDOM_NAME = "signature_key"
"""The column that holds a random name: the journal names a picture by its hash, which proves something."""


class Paper(Protocol):
    """A paper with a stage and a version that belongs to a ticket."""

    @property
    def id(self) -> int:
        """The row id."""

    @property
    def number(self) -> str:
        """The printed number."""

    @property
    def ticket_id(self) -> int:
        """The row id of the ticket it is pinned to."""

    @property
    def ticket(self) -> Ticket:
        """That ticket."""

    version: Any
    stage: Any


Check = Callable[[Any, User, dict[str, Any]], bool]
Checks = Mapping[Guard, tuple[Check, type[Invalid] | type[NotPermitted] | type[Conflict]]]


class Road:
    """The table of one kind of paper with its guards as checks; `subject` names it in the journal."""

    def __init__(
        self,
        subject: str,
        title: str,
        find: Callable[[Any, Act], Step[Any] | None],
        checks: Checks,
    ) -> None:
        self.subject, self.title, self.find, self.checks = subject, title, find, checks

    def begin(self, paper: Paper, act: Act, actor: User, version: int | None) -> Step[Any]:
        """Lock the ticket, read it and the paper anew, and give the row by which `actor` may do `act` now.

        A command that decides from what stands on the paper begins with this: what it reads afterwards cannot change
        under it. The ticket is locked first, as every act locks its ticket before the journal.

        Raises NotPermitted (role), Conflict (version, state).
        """
        kind, state = cast(Any, type(paper)), cast(Any, inspect(paper))
        tickets.hold(select(kind.ticket_id).where(kind.id == state.identity[0]))
        db.session.refresh(paper)
        db.session.expire(paper.ticket)
        self._knock(paper, act, actor)
        if version is not None and version != paper.version:
            raise Conflict(
                f"您打开本页之后，这张{self.title}已被他人修改。请核对后再提交。", seen=version
            )
        return self.allowed(paper, act, actor)

    def allowed(self, paper: Paper, act: Act, actor: User) -> Step[Any]:
        """The row by which `actor` may do `act` now.

        Raises NotPermitted when his roles never may, Conflict when not in this state.
        """
        step = self.find(paper.stage, act)
        if step is not None and step.roles & _counting(step, paper, actor):
            return step
        self._knock(paper, act, actor)
        raise Conflict(f"{self.title}现为“{paper.stage}”，不能办理“{act}”。")

    def _knock(self, paper: Paper, act: Act, actor: User) -> None:
        """Raise NotPermitted when none of his roles, and none he is a deputy of, may ever do `act`."""
        own = may(guards.roles_on(paper.ticket, actor), act)
        if not own and not may_sign((one.role for one in actor.acting), act):
            raise NotPermitted(f"您的岗位不能办理“{act}”。")

    def check(self, step: Step[Any], paper: Paper, actor: User, changes: dict[str, Any]) -> None:
        """Raise what the first unmet guard asks for."""
        for guard in step.guards:
            meets, refusal = self.checks[guard]
            if not meets(paper, actor, changes):
                raise refusal(guard.sentence)

    def check_first(self, step: Step[Any], paper: Paper, actor: User) -> None:
        """Raise what a guard asks for that nothing typed into a form could meet."""
        for guard in step.guards:
            meets, refusal = self.checks[guard]
            if guard.first and not meets(paper, actor, {}):
                raise refusal(guard.sentence)

    def offered(self, step: Step[Any], paper: Paper, actor: User) -> bool:
        """Whether a page should offer `step`: role and every guard that no typing could meet."""
        if not step.roles & _counting(step, paper, actor):
            return False
        return all(self.checks[guard][0](paper, actor, {}) for guard in step.guards)

    def advance(
        self,
        paper: Paper,
        act: Act,
        *,
        actor: User,
        version: int | None,
        changes: dict[str, Any] | None = None,
        facts: dict[str, Any] | None = None,
        target: Labelled | None = None,
    ) -> datetime:
        """Let `actor` do `act` on `paper`: write `changes`, move it, journal it; returns the instant.

        `version` is the one he had on screen; None for acts that only add. An act on a version makes the next one,
        whatever it changes: of two people who answer the same page one is told. The ticket is locked first.

        Raises NotPermitted (role), Conflict (state or version), Invalid or NotPermitted (guard).
        """
        tickets.hold([paper.ticket_id])
        self._knock(paper, act, actor)
        if version is not None and version != paper.version:
            raise Conflict(
                f"您打开本页之后，这张{self.title}已被他人修改。请核对后再提交。", seen=version
            )
        step = self.allowed(paper, act, actor)
        changes = changes or {}
        self.check(step, paper, actor, changes)
        at, origin = clock.now(), paper.stage
        written = write(paper, changes)
        written.pop(RANDOM_NAME, None)
        paper.stage = target or step.target
        if version is not None:
            flag_modified(paper, "stage")
        db.session.flush()
        record(
            self.subject,
            paper.id,
            act.value,
            actor=actor,
            at=at,
            clause=step.clause,
            origin=origin.value,
            target=paper.stage.value,
            version=paper.version,
            facts={
                "number": paper.number,
                **(facts or {}),
                **({"changed": written} if written else {}),
            },
        )
        return at


def _counting(step: Step[Any], paper: Paper, actor: User) -> frozenset[Role]:
    """The roles that count for a step: his own, and for a signature those he is a deputy of (trust: S10)."""
    roles = guards.roles_on(paper.ticket, actor)
    if any(guard.signature for guard in step.guards):
        roles |= {one.role for one in actor.acting}
    return roles


_NEXT = text(
    "INSERT INTO ticket_counter (prefix, year, last) VALUES (:prefix, :year, 1)"
    " ON CONFLICT (prefix, year) DO UPDATE SET last = ticket_counter.last + 1 RETURNING last"
)


def next_number(community_code: str, letter: str, at: datetime) -> str:
    """The next gapless number of a kind of paper: ``YX-2026-K00012``. Taken before anything is journalled."""
    year = clock.local(at).year
    values = {"prefix": f"{community_code}-{letter}", "year": year}
    serial = db.session.execute(_NEXT, values).scalar_one()
    return f"{community_code}-{year:04d}-{letter}{serial:05d}"
