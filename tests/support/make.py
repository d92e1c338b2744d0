"""Tells stories through the commands: a ticket brought to any stage in one call."""

from datetime import datetime
from typing import Any

from tests.support.world import PASSWORD, World
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.people import commands as people
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope, scope_of
from ticketing.procedure.repairs import SurveyStage
from ticketing.procedure.vocabulary import (
    Category,
    Channel,
    Grade,
    Relation,
    Role,
    Satisfaction,
    TicketStage,
)
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing import commands as closing
from ticketing.steps.dispatch.commands import dispatch
from ticketing.steps.handling.commands import feed_back, resolve
from ticketing.steps.intake.commands import register


class Maker:
    """Makes people's objects and tickets of the test world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def user(self, username: str) -> User:
        """A user of the world, freshly loaded."""
        return db.session.get_one(User, self.world.users[username])

    def scope(self, username: str) -> Scope:
        """The scope of a user of the world."""
        return scope_of(self.user(username))

    def engineer(self, username: str, *places: str, everywhere: bool = False) -> User:
        """One more engineer, posted to these communities or to none."""
        with transaction():
            engineer = people.create_user(
                username=username,
                name=f"工程师{username}",
                password=PASSWORD,
                department_id=self.world.departments["ENG"],
                community_ids=[self.world.communities[place] for place in places],
                everywhere=everywhere,
                roles=[Role.ENGINEER],
                actor=None,
            )
        self.world.users[username] = engineer.id
        return engineer

    def registered(
        self,
        unit: str = "YX 3-1-1202",
        *,
        actor: str = "office",
        received_at: datetime | None = None,
        **facts: Any,
    ) -> Ticket:
        """A ticket just written into the register."""
        values: dict[str, Any] = {
            "unit_id": self.world.units[unit],
            "customer_id": None,
            "community_id": None,
            "caller_name": "王国强",
            "caller_phone": "13800001202",
            "place": "",
            "channel": Channel.PHONE,
            "collected_by_id": None,
            "received_at": received_at or clock.now(),
            "summary": "",
            "content": "卫生间天花板漏水，已经三天了。",
            "action_taken": "",
            "action_needed": "",
            "call": "",
            "remember": False,
            "relation": Relation.OWNER,
        }
        with transaction():
            return register(**{**values, **facts}, actor=self.user(actor), scope=self.scope(actor))

    def entry(self, ticket: Ticket, actor: str, **changes: Any) -> dict[str, Any]:
        """What `correct` and `amend` ask for, as the ticket stands, with some of it changed."""
        names = (
            "unit_id",
            "customer_id",
            "caller_name",
            "caller_phone",
            "channel",
            "collected_by_id",
            "summary",
            "content",
            "action_taken",
            "action_needed",
        )
        return {
            "version": ticket.version,
            "place": ticket.room,
            **{name: getattr(ticket, name) for name in names},
            **changes,
            "actor": self.user(actor),
            "scope": self.scope(actor),
        }

    def _repair(self, stage: TicketStage, unit: str, **facts: Any) -> Ticket:
        from tests.support.repairs import Repairs

        repairs = Repairs(self)
        if stage is TicketStage.REPAIRING:
            return repairs.concluded(unit=unit, **facts)
        return repairs.survey(SurveyStage.SIGNED, unit=unit, **facts).ticket

    def ticket(
        self,
        stage: TicketStage,
        unit: str = "YX 3-1-1202",
        *,
        department: str = "PM",
        actor: str = "office",
        **facts: Any,
    ) -> Ticket:
        """A ticket brought to `stage` along the road; one under survey is signed and awaits the conclusion."""
        if stage in (TicketStage.SURVEYING, TicketStage.REPAIRING):
            return self._repair(stage, unit, department=department, actor=actor, **facts)
        ticket = self.registered(unit, actor=actor, **facts)
        if stage is TicketStage.REGISTERED:
            return ticket
        manager = self.user("manager")
        with transaction():
            if stage is TicketStage.INVALID:
                return closing.invalidate(
                    ticket, version=ticket.version, reason="查无此事", actor=manager
                )
            if stage is TicketStage.WITHDRAWN:
                return closing.withdraw(
                    ticket, version=ticket.version, reason="客户撤回", actor=manager
                )
            if stage is TicketStage.MERGED:
                survivor = self.registered(unit, actor=actor)
                return closing.merge(
                    ticket,
                    version=ticket.version,
                    into=survivor.number,
                    reason="同一件事",
                    actor=manager,
                    scope=self.scope("manager"),
                )
            dispatch(
                ticket,
                version=ticket.version,
                category=Category.ENGINEERING,
                grade=Grade.GENERAL,
                department_id=self.world.departments[department],
                handler_id=None,
                assisting_ids=[],
                instruction="",
                actor=manager,
            )
        if stage is TicketStage.DISPATCHED:
            return ticket
        handler = ticket.handler
        assert handler is not None
        with transaction():
            feed_back(
                ticket,
                version=ticket.version,
                action_taken="已联系业主，约定上门。",
                action_needed="",
                next_on=None,
                actor=handler,
            )
        if stage is TicketStage.HANDLING:
            return ticket
        with transaction():
            resolve(
                ticket,
                version=ticket.version,
                resolution="楼上管道接头已更换，闭水试验合格。",
                customer_opinion="",
                actor=handler,
            )
        if stage is TicketStage.CALLBACK:
            return ticket
        with transaction():
            return call_back(
                ticket,
                version=ticket.version,
                reached=True,
                satisfaction=Satisfaction.SATISFIED,
                opinion="",
                actor=self.user("manager"),
            )
