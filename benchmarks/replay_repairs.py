"""Who replays the repairs of a data set, and what they do: the survey, the order and the acceptance of one ticket, act by act."""

import io
import random
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image, ImageDraw

from ticketing.casefile.attachments.commands import file_picture
from ticketing.casefile.attachments.models import PaperKind
from ticketing.casefile.defects import queries as defects
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.pictures import Filed, made
from ticketing.kernel.storage import LocalStore
from ticketing.masters.contractors import commands as contractors
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import scope_of
from ticketing.procedure.repairs import (
    Cause,
    Inspector,
    Liable,
    OrderClass,
    Presence,
    Side,
    Slot,
    Trade,
)
from ticketing.procedure.vocabulary import Satisfaction
from ticketing.steps.acceptance import commands as acceptance
from ticketing.steps.site_survey import commands as surveys
from ticketing.steps.site_survey import signing
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.work_orders import approving
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders import queries as order_queries
from ticketing.steps.work_orders.models import WorkOrder

LEAST = timedelta(days=4)
"""A case that was closed sooner left no time for survey, order and acceptance: it is answered like a complaint."""

ESTIMATE_FEN = {OrderClass.A: 50_000, OrderClass.B: 80_000}
DRAWN = (Slot.SIGNATURE,)


class Crew:
    """Those who carry repairs out: desk, manager, engineer, captain, and a team for each community."""

    def __init__(
        self, desk: User, manager: User, engineer: User, captain: User, folder: Path
    ) -> None:
        self.desk, self.manager, self.engineer, self.captain = desk, manager, engineer, captain
        self.store = LocalStore(folder, durable=False)
        self.pictures = {slot: _drawn(slot) for slot in Slot}
        self.teams: dict[int, int] = {}
        self.acts = self.orders = 0

    @property
    def community_of(self) -> dict[int, int]:
        """By team its community."""
        return {team_id: community_id for community_id, team_id in self.teams.items()}

    def team(self, community: Community) -> int:
        """The team of a community, made when it is met first."""
        if community.id not in self.teams:
            self.teams[community.id] = contractors.save_team(
                None,
                name=f"{community.name} 维修队",
                captain_id=self.captain.id,
                community_ids=[community.id],
                active=True,
                actor=None,
            ).id
        return self.teams[community.id]

    def schedule(self, ticket: Ticket, visit_at: datetime) -> SiteSurvey:
        """The office agrees on a visit."""
        self.acts += 1
        return surveys.schedule(
            ticket,
            version=ticket.version,
            visit_at=visit_at,
            team_id=self.team(ticket.community),
            contractor_id=None,
            note="",
            actor=self.desk,
        )

    def survey(self, survey: SiteSurvey) -> None:
        """The parties look, find something to repair, and sign."""
        self._picture(Slot.SITE, self.desk, survey=survey)
        items = defects.of_ticket(survey.ticket_id)
        classes = {
            one.id: OrderClass.B if one.trade is Trade.OTHER else OrderClass.A for one in items
        }
        surveys.record(
            survey,
            version=survey.version,
            situation="回放",
            remark="",
            disputed=False,
            found=[
                surveys.Found(
                    one.id,
                    "回放",
                    Cause.UNKNOWN,
                    Liable.UNDETERMINED,
                    ESTIMATE_FEN[classes[one.id]],
                    classes[one.id],
                    "回放：资料没有说明",
                )
                for one in items
            ],
            actor=self.desk,
        )
        for side, actor in (
            (Side.SERVICE, self.desk),
            (Side.ENGINEERING, self.engineer),
            (Side.CAPTAIN, self.captain),
            (Side.CUSTOMER, self.desk),
        ):
            signing.sign(
                survey,
                version=None,
                side=side,
                presence=Presence.SIGNED,
                name=f"回放{side}",
                opinion="",
                reason="",
                evidence="",
                signature=self._picture(Slot.SIGNATURE, actor, survey=survey),
                actor=actor,
            )
            self.acts += 1
        ticket = survey.ticket
        signing.conclude(
            ticket,
            version=ticket.version,
            decisions={one.id: signing.Decision(one.proposed) for one in survey.findings},
            actor=self.manager,
        )
        self.acts += 2

    def send(self, ticket: Ticket) -> WorkOrder:
        """The order is drafted, approved and issued."""
        ((order_class, findings),) = order_queries.to_order(ticket.id).items()
        order = orders.draft(
            ticket,
            order_class=order_class,
            team_id=self.team(ticket.community),
            defect_ids=[one.defect_id for one in findings],
            scope=ticket.summary,
            estimate_fen=ESTIMATE_FEN[order_class] * len(findings),
            actor=self.desk,
        )
        approving.submit(order, version=order.version, actor=self.desk)
        approving.approve(order, version=order.version, reason="", actor=self.manager)
        orders.issue(order, version=order.version, visit_on=None, actor=self.manager)
        self.acts += 4
        self.orders += 1
        return order

    def repair(self, order: WorkOrder) -> None:
        """The crew repairs, with pictures before and after."""
        orders.acknowledge(order, version=None, worker_ids=[], visit_on=None, actor=self.captain)
        for slot in (Slot.BEFORE, Slot.AFTER):
            self._picture(slot, self.captain, order=order)
        orders.self_check(order, version=None, self_check="回放", actor=self.captain)
        self.acts += 2

    def accept(self, order: WorkOrder) -> None:
        """The office inspects, the customer signs."""
        acceptance.inspect(
            order,
            version=order.version,
            inspected_for=Inspector.SERVICE,
            inspection="回放",
            actor=self.desk,
        )
        acceptance.sign_off(
            order,
            version=None,
            customer_name="回放",
            satisfaction=Satisfaction.SATISFIED,
            opinion="",
            refused=False,
            refusal_reason="",
            refusal_evidence="",
            signature=self._picture(Slot.SIGNATURE, self.captain, order=order),
            actor=self.captain,
        )
        self.acts += 2

    def _picture(
        self,
        slot: Slot,
        actor: User,
        *,
        survey: SiteSurvey | None = None,
        order: WorkOrder | None = None,
    ) -> str:
        """File a picture for a survey or an order; its key."""
        paper = survey or order
        assert paper is not None
        self.acts += 1
        return file_picture(
            scope_of(actor),
            PaperKind.SURVEY if survey else PaperKind.ORDER,
            paper.id,
            slot=slot,
            filed=self.pictures[slot],
            name=f"{slot.value}.png",
            once=secrets.token_hex(8),
            store=self.store,
            actor=actor,
        ).key


def _drawn(slot: Slot) -> Filed:
    """A small picture as the product stores it."""
    dice, sheet, stream = (
        random.Random(slot.value),
        Image.new("RGB", (64, 48), "white"),
        io.BytesIO(),
    )
    points = [(dice.randrange(64), dice.randrange(48)) for _ in range(8)]
    ImageDraw.Draw(sheet).line(points, fill=(20, 20, 60), width=3)
    sheet.save(stream, "PNG")
    return made(stream.getvalue(), drawing=slot in DRAWN)


def hour(day: datetime, days: int, at: int) -> datetime:
    """`at` o'clock, `days` days after an instant."""
    return clock.at(clock.local(day).date() + timedelta(days=days), at)
