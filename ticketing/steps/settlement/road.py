"""The account's road with its guards as checks, and what every act on it brings along: its clocks and who is told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.papers.commands import Checks, Road
from ticketing.casefile.tickets.telling import people_as
from ticketing.casefile.timers import commands as timers
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.people.models import User
from ticketing.procedure import settlement_road
from ticketing.procedure.deadlines import ClockKind, turn
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import SettlementStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import hands, queries
from ticketing.steps.settlement.models import SUBJECT, Settlement
from ticketing.steps.work_orders import supplements
from ticketing.steps.work_orders.road import Signing


def _leads(settlement: Settlement, actor: User) -> bool:
    team = settlement.order.team
    return team is not None and team.captain_id == actor.id


def _priced(settlement: Settlement, _actor: User, _changes: dict[str, Any]) -> bool:
    return settlement.submitted_fen > 0


def _answered(settlement: Settlement, _actor: User, _changes: dict[str, Any]) -> bool:
    return settlement.order_class is OrderClass.B or settlement.stage is SettlementStage.CONFIRMED


def _over(settlement: Settlement) -> bool:
    return queries.answer_over(settlement, clock.today())


def _deemable(settlement: Settlement, _actor: User, _changes: dict[str, Any]) -> bool:
    return settlement.silence_confirms and settlement.reminded_at is not None and _over(settlement)


def _remindable(settlement: Settlement, _actor: User, _changes: dict[str, Any]) -> bool:
    return settlement.reminded_at is None and _over(settlement)


_CHECKS: Checks = {
    settlement_road.OWN_ACCOUNT: (lambda one, actor, _c: _leads(one, actor), NotPermitted),
    settlement_road.PRICED: (_priced, Invalid),
    settlement_road.REVIEWER: (
        lambda one, actor, _c: hands.reviewing(one, actor) is not None,
        NotPermitted,
    ),
    settlement_road.SUPPLEMENTED: (
        lambda one, _a, _c: not supplements.why_again(one.order, one.submitted_fen),
        Conflict,
    ),
    settlement_road.UNCOMPILED: (lambda one, _a, _c: one.compiled_at is None, Conflict),
    settlement_road.COMPILED: (lambda one, _a, _c: one.compiled_at is not None, Conflict),
    settlement_road.CLASS_A: (lambda one, _a, _c: one.order_class is OrderClass.A, Conflict),
    settlement_road.UNREMINDED: (_remindable, Conflict),
    settlement_road.DEEMABLE: (_deemable, Conflict),
    settlement_road.NO_ANSWER: (_answered, Conflict),
    settlement_road.CERTIFIER: (
        lambda one, actor, _c: hands.certifying(one, actor) is not None,
        NotPermitted,
    ),
}

SETTLEMENTS = Road(SUBJECT, "结算单", settlement_road.settlement_step, _CHECKS)


def begin(settlement: Settlement, act: Act, version: int, actor: User) -> None:
    """Lock the ticket, read the account anew, and ask whether `actor` may do `act` now.

    Raises NotPermitted, Conflict.
    """
    SETTLEMENTS.check_first(SETTLEMENTS.begin(settlement, act, actor, version), settlement, actor)


def follow(
    settlement: Settlement,
    act: Act,
    at: datetime,
    starts: Sequence[ClockKind | timers.Start] = (),
) -> None:
    """Let the clocks of the account follow an act: what is owed next starts, what was owed is met or ends."""
    turned = turn(act, settlement.ticket.stage, settlement.ticket.stage, of_order=True)
    db.session.flush()
    timers.follow(
        _charge(settlement),
        starts=[
            one if isinstance(one, timers.Start) else timers.starting(one, at) for one in starts
        ],
        meets=turned.meets,
        cancels=turned.cancels,
        at=at,
        order_id=settlement.order_id,
    )


_WHOSE_TURN: dict[SettlementStage, Role] = {
    SettlementStage.CONFIRMING: Role.AUDITOR,
    SettlementStage.DISPUTED: Role.AUDITOR,
    SettlementStage.CERTIFIED: Role.FINANCE,
}


def holders(settlement: Settlement) -> Sequence[int]:
    """Who owes the next step: the captain himself, or the people of the role whose turn it is; nobody once it is paid."""
    if settlement.stage in (SettlementStage.DRAFTING, SettlementStage.RETURNED):
        team = settlement.order.team
        return (team.captain_id,) if team else ()
    role = _whose_turn(settlement)
    return people_as((role,)) if role else ()


def _whose_turn(settlement: Settlement) -> Role | None:
    if settlement.stage is SettlementStage.SUBMITTED:
        return hands.reviewing_role(settlement)
    if settlement.stage is SettlementStage.REVIEWED and settlement.compiled_at is None:
        return Role.CS_MANAGER
    if settlement.stage is SettlementStage.REVIEWED and settlement.order_class is OrderClass.A:
        return Role.AUDITOR
    if settlement.stage in (SettlementStage.REVIEWED, SettlementStage.CONFIRMED):
        return hands.certifying_role(settlement)
    return _WHOSE_TURN.get(settlement.stage)


def _charge(settlement: Settlement) -> timers.Charge:
    """Who owes what runs now: the one person whose turn it is, or nobody by name where there are several."""
    owing = list(holders(settlement))
    one = db.session.get(User, owing[0]) if len(owing) == 1 else None
    return timers.Charge(
        settlement.ticket_id,
        settlement.community_id,
        one.department_id if one else None,
        one.id if one else None,
    )


def tell_of(
    to: Sequence[int],
    settlement: Settlement,
    actor: User,
    at: datetime,
    words: str,
    event: str,
    kind: NoticeKind = NoticeKind.ASSIGNED,
) -> None:
    """Tell people of an act on an account; nobody is told of what he did himself."""
    tell(
        [
            Message(
                user_ids=tuple(one for one in to if one != actor.id),
                kind=kind,
                event=f"settlement:{settlement.id}:{event}:{at:%Y%m%d%H%M%S}",
                title=f"{settlement.number} {words}",
                body=f"{settlement.ticket.room} {settlement.order.scope}",
                path=f"/settlements/{settlement.id}",
                community_id=settlement.community_id,
            )
        ],
        at=at,
    )


def in_the_name(signed: Signing | None) -> dict[str, Any]:
    """What the journal says of a deputy's signature: in whose name."""
    return {"for": signed.principal.name} if signed and signed.principal else {}


def tell_principal(
    settlement: Settlement, signed: Signing | None, actor: User, at: datetime, words: str
) -> None:
    """Tell the principal what his deputy signed in his name (trust: S10)."""
    if signed and signed.principal:
        to = (signed.principal.id,)
        tell_of(to, settlement, actor, at, f"{actor.name}代您{words}", "in_your_name")


def tell_holders(settlement: Settlement, actor: User, at: datetime, words: str, event: str) -> None:
    """Tell those whose turn it is now, and where that is a signature their deputies."""
    to = list(holders(settlement))
    if settlement.stage is SettlementStage.SUBMITTED or _awaits_certification(settlement):
        to += [one for one in hands.deputies_to_sign(settlement) if one not in to]
    tell_of(to, settlement, actor, at, words, event)


def _awaits_certification(settlement: Settlement) -> bool:
    compiled_b = settlement.compiled_at is not None and settlement.order_class is OrderClass.B
    return settlement.stage is SettlementStage.CONFIRMED or (
        settlement.stage is SettlementStage.REVIEWED and compiled_b
    )
