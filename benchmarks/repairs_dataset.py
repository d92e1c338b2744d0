"""The repairs of the benchmark's database: who builds and repairs, and the survey and orders of one ticket as rows.

A third of the tickets are repairs. Their stages are spread over the whole road, their clocks are those the product would have
started; a picture row stands for each picture, its bytes do not exist.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.settlements_dataset import DEPOSIT_FEN, Accounting, Purses, purses
from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.timers.models import ClockState
from ticketing.kernel import clock
from ticketing.masters.contractors import commands as contractors
from ticketing.masters.workcalendar.queries import calendar
from ticketing.procedure.approvals import Task
from ticketing.procedure.deadlines import ClockKind, Deadline, limit_for
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import (
    Cause,
    ClassReason,
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
    UseKind,
    Verdict,
)
from ticketing.procedure.vocabulary import Role, Satisfaction, TicketStage
from ticketing.steps.site_survey.models import Finding, SiteSurvey, SurveyBox
from ticketing.steps.work_orders.models import ApprovalStep, OrderItem, OrderWorker, Use, WorkOrder

if TYPE_CHECKING:
    from benchmarks.dataset import Estate, Filler, Journal

SHARE = 1 / 3
"""How many of the tickets are repairs."""

BROKEN = (
    (Part.WET, Phenomenon.LEAK, Trade.PLUMBING_ELECTRIC),
    (Part.PLASTER, Phenomenon.CRACK, Trade.CIVIL),
    (Part.FLOOR, Phenomenon.HOLLOW, Trade.DECORATION),
    (Part.DOORS, Phenomenon.BROKEN, Trade.DECORATION),
    (Part.ELECTRIC, Phenomenon.SHORT, Trade.PLUMBING_ELECTRIC),
    (Part.BLOCKAGE, Phenomenon.BLOCKED, Trade.PLUMBING_ELECTRIC),
    (Part.EQUIPMENT, Phenomenon.NO_SIGNAL, Trade.INTELLIGENT),
)
PLACES = ("卫生间", "厨房", "客厅", "主卧", "阳台")
PRICES = (18_000, 42_000, 68_000, 95_000, 130_000, 240_000, 420_000)
OPEN_ORDERS = {
    OrderStage.DRAFT: 10,
    OrderStage.APPROVING: 12,
    OrderStage.APPROVED: 8,
    OrderStage.ISSUED: 20,
    OrderStage.ACKNOWLEDGED: 28,
    OrderStage.TRANSFERRED: 6,
    OrderStage.SELF_CHECKED: 16,
}
_ROAD = (
    OrderStage.DRAFT,
    OrderStage.APPROVING,
    OrderStage.APPROVED,
    OrderStage.ISSUED,
    OrderStage.ACKNOWLEDGED,
    OrderStage.SELF_CHECKED,
    OrderStage.ACCEPTED,
)

Who = tuple[int, str]


class Team(NamedTuple):
    """A repair team as rows need it."""

    id: int
    name: str
    captain: Who
    department_id: int
    workers: tuple[int, ...]


@dataclass
class Crews:
    """Who builds and repairs: by community id its team and its contractor; the accounts that act."""

    teams: dict[int, Team] = field(default_factory=dict)
    builders: dict[int, int] = field(default_factory=dict)
    office: Who = (0, "")
    manager: Who = (0, "")
    engineer: Who = (0, "")
    ids: dict[str, int] = field(default_factory=dict)
    serials: dict[tuple[str, int], int] = field(default_factory=dict)
    purses: Purses | None = None
    """Through whom the money goes, once the deposits are in."""

    def next_id(self, name: str) -> int:
        """The next row id of a table."""
        self.ids[name] = self.ids.get(name, 0) + 1
        return self.ids[name]

    def number(self, code: str, letter: str, at: datetime) -> str:
        """The next gapless number of a kind of paper."""
        key = f"{code}-{letter}", clock.local(at).year
        self.serials[key] = self.serials.get(key, 0) + 1
        return f"{code}-{key[1]:04d}-{letter}{self.serials[key]:05d}"


def crews(ground: Estate, account: Callable[..., Any], manager: Any, office: Any) -> Crews:
    """A team of four workers for each community, four contractors, through the commands."""
    found = Crews(office=(office.id, office.name), manager=(manager.id, manager.name))
    engineer = account("engineer", "ENG", Role.ENGINEER, range(10))
    found.engineer = (engineer.id, engineer.name)
    for n, (community_id, _) in enumerate(ground.communities):
        captain = account(f"captain{n}", "PM", Role.CAPTAIN, (n,))
        team = contractors.save_team(
            None,
            name=f"维修{n + 1}队",
            captain_id=captain.id,
            community_ids=[community_id],
            active=True,
            actor=None,
        )
        workers = tuple(
            contractors.save_worker(
                None, team, name=f"工人{k}", phone="", trade=trade, active=True, actor=None
            ).id
            for k, trade in enumerate(
                (Trade.CIVIL, Trade.DECORATION, Trade.PLUMBING_ELECTRIC, Trade.INTELLIGENT)
            )
        )
        told = Team(
            team.id, team.name, (captain.id, captain.name), ground.departments["PM"], workers
        )
        found.teams[community_id] = told
    for n, name in enumerate(("榕建集团", "海安机电", "闽筑建设", "鹭岛工程")):
        contractor = contractors.save_contractor(
            None, name=name, contact="驻场代表", phone="", active=True, actor=None
        )
        for community_id, code in ground.communities[n::4]:
            contractors.save_contract(
                None,
                number=f"{code}-TJ-01",
                contractor_id=contractor.id,
                community_id=community_id,
                trades=list(Trade),
                completed_on=date(2019, 12, 20),
                liability_months=24,
                retention_fen=DEPOSIT_FEN,
                agreement="",
                deemed_confirmation=False,
                actor=None,
            )
            found.builders[community_id] = contractor.id
    found.purses = purses(account)
    return found


class Repairing:
    """The repair of one ticket: rows of its papers, entries of the journal, clocks; from the appointment to the acceptance."""

    def __init__(
        self,
        filler: Filler,
        crew: Crews,
        journal: Journal,
        dice: Random,
        ticket: dict[str, Any],
        code: str,
        enter: Callable[..., None],
    ) -> None:
        self.filler, self.crew, self.journal, self.dice = filler, crew, journal, dice
        self.ticket, self.code, self.enter = ticket, code, enter
        self.team = crew.teams[ticket["community_id"]]
        self.now = clock.now()
        self.clocks: list[tuple[ClockKind, datetime, datetime | None, ClockState | None]] = []
        self.next_due: list[date] = []
        self.last_due: list[date] = []
        self.defects: list[tuple[int, tuple[Part, Phenomenon, Trade]]] = []

    def report(self, at: datetime) -> None:
        """The defects, written at intake."""
        chosen = self.dice.sample(BROKEN, self.dice.choices((1, 2), (75, 25))[0])
        for position, (part, phenomenon, trade) in enumerate(chosen, start=1):
            row_id = self.crew.next_id("defect")
            self.defects.append((row_id, (part, phenomenon, trade)))
            self.filler.add(
                Defect,
                id=row_id,
                ticket_id=self.ticket["id"],
                community_id=self.ticket["community_id"],
                position=position,
                part=part,
                phenomenon=phenomenon,
                trade=trade,
                place=self.dice.choice(PLACES),
                at=at,
                by_id=self.ticket["registered_by_id"],
            )

    def go(self, at: datetime, stage: TicketStage) -> datetime:
        """Survey and, where the ticket came so far, repair it; the instant at which it is where it stands."""
        crew, survey_id = self.crew, self.crew.next_id("survey")
        scheduled = self.later(at, 3)
        done = stage is not TicketStage.SURVEYING
        looked = self.later(scheduled, 10)
        number = crew.number(self.code, "K", scheduled)
        self.enter(
            Act.SCHEDULE_SURVEY,
            crew.office,
            "dispatched",
            TicketStage.SURVEYING,
            scheduled,
            survey=number,
            visit=clock.show_instant(looked),
            team=self.team.name,
        )
        recorded = done or self.dice.random() < 0.4
        signed = self.later(looked, 1) if done else None
        concluded = self.later(signed, 6) if signed else None
        absent = self.dice.random() < 0.05
        self.filler.add(
            SiteSurvey,
            id=survey_id,
            ticket_id=self.ticket["id"],
            number=number,
            round=1,
            stage=SurveyStage.SIGNED
            if done
            else SurveyStage.RECORDED
            if recorded
            else SurveyStage.SCHEDULED,
            version=1,
            scheduled_at=scheduled,
            scheduled_by_id=crew.office[0],
            visit_at=looked,
            team_id=self.team.id,
            contractor_id=crew.builders[self.ticket["community_id"]],
            arrived_at=looked if recorded else None,
            recorded_at=looked if recorded else None,
            recorded_by_id=crew.office[0] if recorded else None,
            situation="现场查看，位置与客户所述一致。" if recorded else "",
            contractor_required=absent,
            signed_at=signed,
            concluded_at=concluded,
            concluded_by_id=crew.manager[0] if concluded else None,
        )
        order_class = OrderClass.A if self.dice.random() < 0.6 else OrderClass.B
        if recorded:
            self.note(
                "survey", survey_id, looked, Act.RECORD_SURVEY, crew.office, "scheduled", "recorded"
            )
            self._picture(Slot.SITE, looked, crew.office[0], survey_id=survey_id)
            for defect_id, _ in self.defects:
                self.filler.add(
                    Finding,
                    survey_id=survey_id,
                    defect_id=defect_id,
                    situation="属实",
                    cause=Cause.WORKMANSHIP,
                    liable=Liable.CONTRACTOR,
                    estimate_fen=self.dice.choice(PRICES),
                    suggested=order_class,
                    suggested_why=ClassReason.WARRANTY
                    if order_class is OrderClass.A
                    else ClassReason.GAP,
                    proposed=order_class,
                    decided=order_class if concluded else None,
                )
        self.clocks.append((ClockKind.SITE_SURVEY, self.ticket["received_at"], signed, None))
        if signed is None or concluded is None:
            self._owed(ClockKind.SITE_SURVEY, self.ticket["received_at"])
            return looked
        self._boxes(survey_id, signed, absent=absent)
        told = [f"{one[1].label}{one[2].label} → {order_class}" for _, one in self.defects]
        self.enter(
            Act.CONCLUDE_SURVEY,
            crew.manager,
            "surveying",
            TicketStage.REPAIRING,
            concluded,
            survey=number,
            decided=told,
            overrides=0,
        )
        self.ticket["repair"] = True
        state = OrderStage.ACCEPTED
        if stage is TicketStage.REPAIRING:
            state = self.dice.choices(tuple(OPEN_ORDERS), tuple(OPEN_ORDERS.values()))[0]
        return self._order(survey_id, order_class, signed, concluded, state)

    def _boxes(self, survey_id: int, at: datetime, *, absent: bool) -> None:
        paper = self._picture(Slot.SIGNED_PAPER, at, self.crew.office[0], survey_id=survey_id)
        sides = [Side.SERVICE, Side.ENGINEERING, Side.CAPTAIN, Side.CUSTOMER]
        if absent:
            sides.append(Side.CONTRACTOR)
        for side in sides:
            away = side is Side.CONTRACTOR
            self.filler.add(
                SurveyBox,
                survey_id=survey_id,
                side=side,
                presence=Presence.ABSENT if away else Presence.SIGNED,
                name="代表",
                reason="通知后未到场" if away else "",
                evidence="电话通知" if away else "",
                signature_id=None if away else paper,
                at=at,
                by_id=self.crew.office[0],
            )
            facts = {
                "side": side.label,
                "presence": (Presence.ABSENT if away else Presence.SIGNED).label,
                "name": "代表",
            }
            self.note(
                "survey",
                survey_id,
                at,
                Act.SIGN_SURVEY,
                self.crew.office,
                "recorded",
                "signed" if side is sides[-1] else "recorded",
                facts,
            )

    def _order(
        self,
        survey_id: int,
        order_class: OrderClass,
        signed: datetime,
        concluded: datetime,
        stage: OrderStage,
    ) -> datetime:
        """One order of all defects, brought to `stage`; the instant of its last act."""
        crew, order_id, transferred = (
            self.crew,
            self.crew.next_id("order"),
            stage is OrderStage.TRANSFERRED,
        )
        reached = _ROAD.index(OrderStage.ISSUED if transferred else stage)
        trades = len({trade for _, (_, _, trade) in self.defects})
        drafted = self.later(concluded, 3)
        steps = [drafted]
        for hours in (1, 5, 3, 4, 24, 10)[:reached]:
            steps.append(self.later(steps[-1], hours))
        when = dict(zip(_ROAD, steps, strict=False))
        issued, checked = when.get(OrderStage.ISSUED), when.get(OrderStage.SELF_CHECKED)
        accepted = when.get(OrderStage.ACCEPTED)
        due = limit_for(ClockKind.REPAIR, trades).deadline(issued, calendar) if issued else None
        estimate_fen = self.dice.choice(PRICES)
        number = crew.number(self.code, order_class.value, drafted)
        self.filler.add(
            WorkOrder,
            id=order_id,
            number=number,
            ticket_id=self.ticket["id"],
            community_id=self.ticket["community_id"],
            survey_id=survey_id,
            order_class=order_class,
            stage=stage,
            version=1,
            team_id=self.team.id,
            contractor_id=crew.builders[self.ticket["community_id"]] if transferred else None,
            scope="按勘察意见维修，恢复原状。",
            estimate_fen=estimate_fen,
            trade_count=trades,
            drafted_at=drafted,
            drafted_by_id=crew.office[0],
            approval_round=int(reached > 0),
            issued_at=issued,
            issued_by_id=crew.manager[0] if issued else None,
            due_on=due.on if due else None,
            visit_on=clock.local(issued).date() + timedelta(days=1) if issued else None,
            acknowledged_at=when.get(OrderStage.ACKNOWLEDGED),
            arrived_at=checked,
            transferred_at=issued if transferred else None,
            transfer_reason="须更换立管" if transferred else "",
            self_checked_at=checked,
            self_checked_by_id=self.team.captain[0] if checked else None,
            self_check="已修好，试用正常。" if checked else "",
            inspected_at=accepted,
            inspected_by_id=crew.office[0] if accepted else None,
            inspected_for=Inspector.SERVICE.value if accepted else "",
            inspection="合格" if accepted else "",
            signed_at=accepted,
            customer_name=self.ticket["caller_name"] if accepted else "",
            customer_satisfaction=Satisfaction.SATISFIED if accepted else None,
            customer_refused=False if accepted else None,
            accepted_at=accepted,
        )
        for defect_id, _ in self.defects:
            self.filler.add(OrderItem, order_id=order_id, defect_id=defect_id)
        acts = (
            (Act.DRAFT_ORDER, crew.office),
            (Act.SUBMIT_ORDER, crew.office),
            (Act.APPROVE_ORDER, crew.manager),
            (Act.ISSUE_ORDER, crew.manager),
            (Act.ACKNOWLEDGE_ORDER, self.team.captain),
            (Act.SELF_CHECK, self.team.captain),
            (Act.SIGN_OFF, self.team.captain),
        )
        facts: dict[Act, dict[str, Any]] = {
            Act.DRAFT_ORDER: {
                "number": number,
                "ticket": self.ticket["number"],
                "class": order_class.value,
            },
            Act.SUBMIT_ORDER: {"estimate_fen": estimate_fen, "chain": [Role.CS_MANAGER.value]},
            Act.APPROVE_ORDER: {
                "as": Role.CS_MANAGER.value,
                "task": Task.APPROVE.label,
                "reason": "",
            },
        }
        before = ""
        for (act, who), state, at in zip(acts, _ROAD, steps, strict=False):
            self.note("order", order_id, at, act, who, before, state.value, facts.get(act, {}))
            before = state.value
        if reached:
            self._approval(order_id, estimate_fen, when.get(OrderStage.APPROVED))
        self._done(order_id, when)
        if issued is None:
            self._owed(ClockKind.ORDER_ISSUE, signed)
        self.clocks.append((ClockKind.ORDER_ISSUE, signed, issued, None))
        self.clocks.append(
            (ClockKind.COMPLAINT, self.ticket["received_at"], concluded, ClockState.CANCELLED)
        )
        if issued and due:
            self._repair_clock(order_id, trades, issued, checked, due)
        if accepted:
            self.enter(
                Act.ACCEPT_REPAIR,
                crew.office,
                "repairing",
                TicketStage.CALLBACK,
                accepted,
                order=number,
            )
            Accounting(self, order_id, order_class).settle(accepted, trades)
        return steps[-1]

    def _approval(self, order_id: int, estimate_fen: int, at: datetime | None) -> None:
        self.filler.add(
            ApprovalStep,
            order_id=order_id,
            round=1,
            position=1,
            role=Role.CS_MANAGER,
            task=Task.APPROVE,
            amount_fen=estimate_fen,
            shown="0" * 64,
            verdict=Verdict.AGREED if at else None,
            at=at,
            by_id=self.crew.manager[0] if at else None,
        )

    def _done(self, order_id: int, when: dict[OrderStage, datetime]) -> None:
        """What the crew left on file: its workers, pictures, what it used."""
        captain = self.team.captain[0]
        if OrderStage.ACKNOWLEDGED in when:
            worker_id = self.dice.choice(self.team.workers)
            self.filler.add(OrderWorker, order_id=order_id, worker_id=worker_id)
        if (at := when.get(OrderStage.SELF_CHECKED)) is not None:
            for slot in (Slot.BEFORE, Slot.AFTER):
                self._picture(slot, at, captain, order_id=order_id)
            self.filler.add(
                Use,
                order_id=order_id,
                kind=UseKind.LABOUR,
                what="维修工",
                quantity_milli=500 * self.dice.randint(1, 6),
                unit="工日",
                at=at,
                by_id=captain,
            )
        if (at := when.get(OrderStage.ACCEPTED)) is not None:
            self._picture(Slot.SIGNATURE, at, captain, order_id=order_id)

    def _repair_clock(
        self, order_id: int, trades: int, issued: datetime, checked: datetime | None, due: Deadline
    ) -> None:
        owner = {
            **self.ticket,
            "department_id": self.team.department_id,
            "handler_id": self.team.captain[0],
        }
        self.filler.clock(
            owner, ClockKind.REPAIR, issued, checked, due, order_id=order_id, trades=trades
        )
        self.last_due.append(due.on)
        if checked is None:
            self.next_due.append(due.on)

    def _owed(self, kind: ClockKind, began: datetime) -> None:
        self.next_due.append(limit_for(kind).deadline(began, calendar).on)

    def _picture(self, slot: Slot, at: datetime, by_id: int, **paper: int) -> int:
        row_id = self.crew.next_id("attachment")
        key = hashlib.sha256(str(row_id).encode()).hexdigest()
        self.filler.add(
            Attachment,
            id=row_id,
            key=key[:32],
            ticket_id=self.ticket["id"],
            slot=slot,
            name=f"{slot.value}.jpg",
            kind="image/jpeg",
            size=180_000,
            width=1600,
            height=1200,
            sha256=key,
            at=at,
            by_id=by_id,
            once=key[:16],
            **paper,
        )
        return row_id

    def note(
        self,
        subject: str,
        row_id: int,
        at: datetime,
        act: Act,
        who: Who,
        origin: str,
        target: str,
        facts: dict[str, Any] | None = None,
        *,
        clause: str = "",
    ) -> None:
        """Queue an entry of the journal about a paper."""
        self.journal.later(
            at,
            subject=subject,
            actor_id=who[0],
            actor_name=who[1],
            subject_id=row_id,
            subject_version=1,
            act=act.value,
            clause=clause or ("3.5.1" if subject == "order" else "3.4.5"),
            origin=origin,
            target=target,
            facts=json.dumps(facts or {}, ensure_ascii=False, sort_keys=True),
        )

    def later(self, at: datetime, hours: float) -> datetime:
        """Some hours after `at`, about as many as said and never in the future."""
        return min(at + timedelta(seconds=int(3600 * self.dice.uniform(0.1, 2) * hours)), self.now)
