"""Tells the repair road: a survey or a work order brought to any stage in one call."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from tests.support.make import Maker
from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.defects import commands as defects
from ticketing.casefile.defects import queries as defect_queries
from ticketing.casefile.defects.commands import Broken
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.people.models import User
from ticketing.procedure.repairs import (
    Cause,
    Inspector,
    Liable,
    OrderClass,
    OrderStage,
    Part,
    Phenomenon,
    Presence,
    Side,
    Slot,
    SurveyStage,
    Trade,
)
from ticketing.procedure.vocabulary import Satisfaction, TicketStage
from ticketing.steps.acceptance import commands as acceptance
from ticketing.steps.site_survey import commands as surveys
from ticketing.steps.site_survey import signing
from ticketing.steps.site_survey.commands import Found
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.site_survey.signing import Decision
from ticketing.steps.work_orders import approving, changing, turns
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders import queries as order_queries
from ticketing.steps.work_orders.models import WorkOrder

LEAK = Broken(Part.WET, Phenomenon.LEAK, Trade.PLUMBING_ELECTRIC, "卫生间", "顶上滴水")
CRACK = Broken(Part.PLASTER, Phenomenon.CRACK, Trade.CIVIL, "客厅", "墙面裂缝")
SIGNERS = {
    Side.SERVICE: ("office", "陈静"),
    Side.ENGINEERING: ("engineer", "吴工"),
    Side.PROPERTY: ("office", "物业主任"),
    Side.CAPTAIN: ("captain", "老马"),
    Side.CONTRACTOR: ("office", "驻场代表"),
    Side.CUSTOMER: ("office", "王国强"),
}


class Repairs:
    """Makes surveys and work orders of the test world."""

    def __init__(self, make: Maker) -> None:
        self.make = make

    def picture(
        self,
        slot: Slot,
        *,
        ticket_id: int,
        survey_id: int | None = None,
        order_id: int | None = None,
        by: str = "office",
    ) -> Attachment:
        """A row of a picture, without its bytes."""
        picture = Attachment(
            key=secrets.token_hex(16),
            ticket_id=ticket_id,
            survey_id=survey_id,
            order_id=order_id,
            slot=slot,
            name=f"{slot.value}.jpg",
            kind="image/jpeg",
            size=3,
            width=1,
            height=1,
            sha256=hashlib.sha256(secrets.token_bytes(8)).hexdigest(),
            at=clock.now(),
            by_id=self.make.user(by).id,
            once=secrets.token_hex(8),
        )
        db.session.add(picture)
        db.session.flush()
        return picture

    def ticket(self, *broken: Broken, **facts: Any) -> Ticket:
        """A dispatched ticket with defects (by default one leak)."""
        ticket = self.make.ticket(TicketStage.DISPATCHED, **facts)
        with transaction():
            defects.add(ticket, broken or (LEAK,), actor=self.make.user("office"), at=clock.now())
        return ticket

    def survey(
        self,
        stage: SurveyStage,
        *broken: Broken,
        cause: Cause = Cause.WORKMANSHIP,
        estimate_fen: int | None = 80_000,
        proposed: OrderClass | None = None,
        **facts: Any,
    ) -> SiteSurvey:
        """A survey brought to `stage` (SCHEDULED, RECORDED or SIGNED)."""
        ticket, office = self.ticket(*broken, **facts), self.make.user("office")
        with transaction():
            survey = surveys.schedule(
                ticket,
                version=ticket.version,
                visit_at=clock.now() + timedelta(hours=2),
                team_id=self.make.world.teams["云栖苑维修队"],
                contractor_id=self.make.world.contractors["海安机电"],
                note="",
                actor=office,
            )
        if stage is SurveyStage.SCHEDULED:
            return survey
        self.record(survey, cause=cause, estimate_fen=estimate_fen, proposed=proposed)
        if stage is SurveyStage.SIGNED:
            for side in (Side.SERVICE, Side.ENGINEERING, Side.CAPTAIN, Side.CUSTOMER):
                self.sign(survey, side)
            if survey.contractor_required:
                self.sign(survey, Side.CONTRACTOR)
        return survey

    def record(
        self,
        survey: SiteSurvey,
        *,
        cause: Cause = Cause.WORKMANSHIP,
        estimate_fen: int | None = 80_000,
        proposed: OrderClass | None = None,
        **facts: Any,
    ) -> SiteSurvey:
        """Put down findings about every defect, as suggested unless `proposed` says otherwise."""
        items = defect_queries.of_ticket(survey.ticket_id)
        judged = defect_queries.judge(survey.ticket, items)
        with transaction():
            self.picture(Slot.SITE, ticket_id=survey.ticket_id, survey_id=survey.id)
            return surveys.record(
                survey,
                **{
                    "version": survey.version,
                    "situation": "卫生间顶板有渗水痕迹。",
                    "remark": "",
                    "disputed": False,
                    "found": [
                        Found(
                            one.defect.id,
                            "渗水",
                            cause,
                            Liable.CONTRACTOR,
                            estimate_fen,
                            proposed or one.suggested(cause).order_class,
                            "现场商定" if proposed else "",
                        )
                        for one in judged
                    ],
                    "actor": self.make.user("office"),
                    **facts,
                },
            )

    def sign(self, survey: SiteSurvey, side: Side, **facts: Any) -> SiteSurvey:
        """Fill one box with a signature."""
        username, name = SIGNERS[side]
        with transaction():
            picture = self.picture(
                Slot.SIGNATURE, ticket_id=survey.ticket_id, survey_id=survey.id, by=username
            )
            return signing.sign(
                survey,
                **{
                    "version": None,
                    "side": side,
                    "presence": Presence.SIGNED,
                    "name": name,
                    "opinion": "同意",
                    "reason": "",
                    "evidence": "",
                    "signature": picture.key,
                    "actor": self.make.user(username),
                    **facts,
                },
            )

    def concluded(self, *broken: Broken, **facts: Any) -> Ticket:
        """A ticket under repair: surveyed, signed, and decided as proposed."""
        survey = self.survey(SurveyStage.SIGNED, *broken, **facts)
        ticket = survey.ticket
        with transaction():
            return signing.conclude(
                ticket,
                version=ticket.version,
                decisions={one.id: Decision(one.proposed) for one in survey.findings},
                actor=self.make.user("manager"),
            )

    def order(
        self, stage: OrderStage, *broken: Broken, estimate_fen: int = 80_000, **facts: Any
    ) -> WorkOrder:
        """A work order brought to `stage`, for the first class that waits for one."""
        ticket = self.concluded(*broken, estimate_fen=estimate_fen, **facts)
        return self.order_of(ticket, stage, estimate_fen=estimate_fen)

    def order_of(
        self, ticket: Ticket, stage: OrderStage, *, estimate_fen: int = 80_000
    ) -> WorkOrder:
        """A work order of a ticket under repair, brought to `stage`."""
        office, world = self.make.user("office"), self.make.world
        order_class, findings = next(iter(order_queries.to_order(ticket.id).items()))
        with transaction():
            order = orders.draft(
                ticket,
                order_class=order_class,
                team_id=world.teams["云栖苑维修队"],
                defect_ids=[one.defect_id for one in findings],
                scope="卫生间渗漏维修",
                estimate_fen=estimate_fen,
                actor=office,
            )
        return self.bring(order, stage)

    def bring(self, order: WorkOrder, stage: OrderStage) -> WorkOrder:
        """Bring an order on from where it stands to `stage`."""
        office, manager = self.make.user("office"), self.make.user("manager")
        captain = self.make.user("captain")
        if stage is OrderStage.DRAFT:
            return order
        if stage is OrderStage.CANCELLED:
            with transaction():
                return changing.cancel(order, version=order.version, reason="重复", actor=manager)
        with transaction():
            approving.submit(order, version=order.version, actor=office)
        if stage is OrderStage.APPROVING:
            return order
        while order.stage is OrderStage.APPROVING:
            step = turns.next_step(order)
            assert step is not None
            with transaction():
                approving.approve(
                    order, version=order.version, reason="", actor=self._as(step.role.value)
                )
        if stage is OrderStage.APPROVED:
            return order
        with transaction():
            orders.issue(order, version=order.version, visit_on=None, actor=manager)
        if stage is OrderStage.ISSUED:
            return order
        if stage is OrderStage.TRANSFERRED:
            with transaction():
                return changing.transfer(
                    order,
                    version=order.version,
                    contractor_id=self.make.world.contractors["海安机电"],
                    reason="须更换立管",
                    actor=office,
                )
        with transaction():
            orders.acknowledge(
                order,
                version=order.version,
                worker_ids=[self.make.world.workers["阿强"]],
                visit_on=None,
                actor=captain,
            )
        if stage is OrderStage.ACKNOWLEDGED:
            return order
        self.pictured(order)
        with transaction():
            orders.self_check(order, version=order.version, self_check="闭水合格", actor=captain)
        if stage is OrderStage.SELF_CHECKED:
            return order
        with transaction():
            acceptance.inspect(
                order,
                version=order.version,
                inspected_for=Inspector.SERVICE,
                inspection="合格",
                actor=office,
            )
        self.signed(order)
        return order

    def pictured(self, order: WorkOrder, by: str = "captain") -> None:
        """Put the pictures before and after on file."""
        with transaction():
            for slot in (Slot.BEFORE, Slot.AFTER):
                self.picture(slot, ticket_id=order.ticket_id, order_id=order.id, by=by)

    def signed(self, order: WorkOrder, actor: str = "captain", **facts: Any) -> WorkOrder:
        """The customer signs."""
        with transaction():
            picture = self.picture(
                Slot.SIGNATURE, ticket_id=order.ticket_id, order_id=order.id, by=actor
            )
            return acceptance.sign_off(
                order,
                **{
                    "version": order.version,
                    "customer_name": "王国强",
                    "satisfaction": Satisfaction.SATISFIED,
                    "opinion": "",
                    "refused": False,
                    "refusal_reason": "",
                    "refusal_evidence": "",
                    "signature": picture.key,
                    "actor": self.make.user(actor),
                    **facts,
                },
            )

    def _as(self, role: str) -> User:
        names = {
            "cs_manager": "manager",
            "deputy_chief_engineer": "chief",
            "deputy_gm": "deputy_gm",
            "general_manager": "gm",
        }
        return self.make.user(names[role])
