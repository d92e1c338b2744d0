"""What the people of the demo do on the repair road, one act a method."""

from datetime import datetime, timedelta

from ticketing.casefile.defects import commands as defects
from ticketing.casefile.defects import queries as defect_queries
from ticketing.casefile.defects.commands import Broken
from ticketing.casefile.timers.models import ConsentWay
from ticketing.edges.demo import grave
from ticketing.edges.demo.case import Case
from ticketing.edges.demo.pictures import photo
from ticketing.edges.demo.repair_stock import (
    ANSWERS,
    CAUSES,
    DEAR,
    LIABLE,
    MATERIALS,
    PRICES,
    SECOND,
    WORKS_AS,
)
from ticketing.edges.demo.story import working_day
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import scope_of
from ticketing.procedure.repairs import (
    Cause,
    Inspector,
    OrderClass,
    OrderStage,
    Presence,
    Side,
    Slot,
    UseKind,
)
from ticketing.steps.acceptance import commands as acceptance
from ticketing.steps.site_survey import commands as surveys
from ticketing.steps.site_survey import signing
from ticketing.steps.site_survey.commands import Found
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.site_survey.signing import Decision
from ticketing.steps.work_orders import approving, changing, uses
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders import queries as order_queries
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.turns import next_step


class Repair:
    """The repair of one case: each method is one act of those concerned."""

    def __init__(self, case: Case) -> None:
        self.case, self.rng, self.store = case, case.rng, case.town.store
        self.survey: SiteSurvey
        self.order: WorkOrder
        community = case.town.communities[case.call.community]
        self.team: RepairTeam = contractors.teams(scope_of(case.office), community.id)[0]

    @property
    def captain(self) -> User:
        """Who leads the crew."""
        return db.session.get_one(User, self.team.captain_id)

    def schedule(self, visit_at: datetime, *, alone: bool = False) -> None:
        """The office writes down what is broken, seldom two things unless `alone`, and agrees on a visit."""
        matter = self.case.matter
        assert matter.broken is not None  # only such cases come here
        found = [Broken(*matter.broken, self.case.words["where"], self.case.ticket.summary)]
        if self.rng.random() < 0.14 and not alone:
            found.append(SECOND._replace(place=self.case.words["where"]))
        defects.add(self.case.ticket, found, actor=self.case.office, at=clock.now())
        contract = contractors.contract_for(self.case.ticket.community_id, matter.broken[2])
        self.survey = surveys.schedule(
            self.case.ticket,
            version=self.case.ticket.version,
            visit_at=visit_at,
            team_id=self.team.id,
            contractor_id=contract.contractor_id if contract else None,
            note="业主在家，请提前半小时电话联系。",
            actor=self.case.office,
        )

    def record(self, *, prices: tuple[int, ...] = (), sound: bool = False) -> None:
        """In the flat: a photo, what is wrong, why, what it will cost; a `sound` cause leaves something to repair."""
        photo(self.rng, Slot.SITE, self.case.office, self.store, survey=self.survey)
        items = defect_queries.of_ticket(self.case.ticket.id)
        found = []
        for n, one in enumerate(defect_queries.judge(self.case.ticket, items)):
            cause = self.rng.choices(list(CAUSES), list(CAUSES.values()))[0]
            if sound:
                cause = Cause.WORKMANSHIP
            cost = prices or (DEAR if self.rng.random() < 0.05 else PRICES)
            price = self.rng.choice(cost)
            if prices:  # what all items cost together
                price = price // len(items) + (0 if n else price % len(items))
            suggested = one.suggested(cause).order_class
            goodwill = suggested is OrderClass.NONE and (sound or self.rng.random() < 0.4)
            found.append(
                Found(
                    one.defect.id,
                    f"{one.defect.place}{one.defect.phenomenon}，范围约 {self.rng.randint(1, 6)} 平方米",
                    cause,
                    LIABLE[cause],
                    price,
                    OrderClass.B if goodwill else suggested,
                    "业主为老人，公司决定承担。" if goodwill else "",
                )
            )
        surveys.record(
            self.survey,
            version=self.survey.version,
            situation=self.case.say(self.case.matter.contents),
            remark="",
            disputed=False,
            found=found,
            actor=self.case.office,
        )

    def sign(self) -> None:
        """Everybody fills his box; now and then the contractor stays away or the customer will not sign."""
        ticket, engineer = self.case.ticket, self.case.cast["engineer"]
        boxes = [
            (Side.SERVICE, self.case.office, self.case.office.name),
            (Side.ENGINEERING, engineer, engineer.name),
            (Side.CAPTAIN, self.captain, self.captain.name),
            (Side.CUSTOMER, self.case.office, ticket.caller_name),
        ]
        if self.survey.contractor_required:
            company = self.survey.contractor.name if self.survey.contractor else "施工单位"
            boxes.insert(2, (Side.CONTRACTOR, self.case.office, f"{company}代表"))
        for side, actor, name in boxes:
            away = side is Side.CONTRACTOR and self.rng.random() < 0.15
            refused = side is Side.CUSTOMER and self.rng.random() < 0.04
            signed = not (away or refused)
            picture = (
                photo(self.rng, Slot.SIGNATURE, actor, self.store, survey=self.survey)
                if signed
                else ""
            )
            signing.sign(
                self.survey,
                version=None,
                side=side,
                presence=Presence.SIGNED
                if signed
                else Presence.ABSENT
                if away
                else Presence.REFUSED,
                name=name,
                opinion="同意勘察意见。" if signed else "",
                reason="" if signed else "通知后未到场" if away else "对责任划分有意见",
                evidence="" if signed else f"电话通知 {clock.show_instant(clock.now())}",
                signature=picture,
                actor=actor,
            )

    def conclude(self) -> bool:
        """The manager decides as proposed; whether something is repaired."""
        ticket = self.case.ticket
        grave.see_to(ticket, self.case.cast)
        signing.conclude(
            ticket,
            version=ticket.version,
            decisions={one.id: Decision(one.proposed) for one in self.survey.findings},
            actor=self.case.manager,
        )
        return ticket.repair

    def draft(self, order_class: OrderClass) -> None:
        """The office drafts the order of one class and hands it in."""
        ticket = self.case.ticket
        findings = order_queries.to_order(ticket.id)[order_class]
        self.order = orders.draft(
            ticket,
            order_class=order_class,
            team_id=self.team.id,
            defect_ids=[one.defect_id for one in findings],
            scope="；".join(one.defect.told for one in findings),
            estimate_fen=sum(one.estimate_fen or 0 for one in findings),
            actor=self.case.office,
        )
        approving.submit(self.order, version=self.order.version, actor=self.case.office)

    def draft_again(self) -> None:
        """The repair did not hold: the same crew once more."""
        before = order_queries.accepted_of(self.case.ticket.id)[-1]
        self.order = orders.draft(
            self.case.ticket,
            order_class=before.order_class,
            team_id=self.team.id,
            defect_ids=[item.defect_id for item in before.items],
            scope=f"返修：{before.scope}",
            estimate_fen=max(before.estimate_fen // 3, 10_000),
            rework_of_id=before.id,
            actor=self.case.office,
        )
        approving.submit(self.order, version=self.order.version, actor=self.case.office)

    def draft_first(self) -> None:
        """The order of the class that waits first."""
        self.draft(next(iter(order_queries.to_order(self.case.ticket.id))))

    def approve_all(self) -> None:
        """Everybody of the chain signs."""
        while self.approve_next():
            pass

    def cancel(self) -> None:
        """The manager voids the order."""
        changing.cancel(
            self.order,
            version=self.order.version,
            reason="业主要求暂缓，另行约定。",
            actor=self.case.manager,
        )

    def transfer(self) -> None:
        """The crew cannot do it: the contractor has to."""
        contract = contractors.contract_for(
            self.case.ticket.community_id, self.order.items[0].defect.trade
        )
        assert contract is not None  # every trade of the demo was built by somebody
        changing.transfer(
            self.order,
            version=self.order.version,
            contractor_id=contract.contractor_id,
            reason="须更换整段立管，维修队无法处理。",
            actor=self.case.office,
        )

    def finish(self) -> None:
        """The crew repairs and the captain checks; the customer signs."""
        self.work()
        self.self_check()

    def approve_next(self) -> bool:
        """Whose turn it is signs; whether more signatures are asked for."""
        step = next_step(self.order)
        assert step is not None  # asked only while the order is being approved
        approving.approve(
            self.order,
            version=self.order.version,
            reason="",
            actor=self.case.cast[WORKS_AS[step.role]],
        )
        return self.order.stage is OrderStage.APPROVING

    def issue(self) -> None:
        """The manager sends the crew, with a day for the visit."""
        visit = working_day(clock.today(), self.rng.choice((0, 1, 1, 2)))
        orders.issue(
            self.order, version=self.order.version, visit_on=visit, actor=self.case.manager
        )

    def acknowledge(self) -> None:
        """The captain receives it and names one or two workers."""
        workers = contractors.workers(self.team.id)
        chosen = self.rng.sample(list(workers), self.rng.choice((1, 1, 2)))
        orders.acknowledge(
            self.order,
            version=None,
            worker_ids=[one.id for one in chosen],
            visit_on=None,
            actor=self.captain,
        )

    def extend(self) -> None:
        """The customer agrees to a later day; the office writes it down."""
        assert self.order.due_on is not None  # it is issued
        changing.extend(
            self.order,
            version=self.order.version,
            due_on=working_day(self.order.due_on, self.rng.choice((2, 3, 5))),
            reason="需等基层干燥后才能做下一道工序。",
            consent_by=self.case.ticket.caller_name,
            consent_at=clock.now() - timedelta(minutes=10),
            consent_way=ConsentWay.MESSAGE,
            evidence=f"短信 {clock.show_instant(clock.now())}",
            actor=self.case.office,
        )

    def work(self) -> None:
        """The crew arrives, takes its pictures, repairs and notes what it used."""
        orders.arrive(self.order, actor=self.captain)
        for slot in (Slot.BEFORE, Slot.AFTER):
            photo(self.rng, slot, self.captain, self.store, order=self.order)
        trade = self.order.items[0].defect.trade
        uses.note(
            self.order,
            kind=UseKind.LABOUR,
            what="维修工",
            quantity_milli=500 * self.rng.randint(1, 6),
            unit="工日",
            actor=self.captain,
        )
        for what, unit in MATERIALS.get(trade, ()):
            if self.rng.random() < 0.7:
                uses.note(
                    self.order,
                    kind=UseKind.MATERIAL,
                    what=what,
                    quantity_milli=1000 * self.rng.randint(1, 12),
                    unit=unit,
                    actor=self.captain,
                )

    def self_check(self) -> None:
        """The captain has looked at the work."""
        orders.self_check(
            self.order,
            version=None,
            self_check=self.case.say(self.case.matter.results),
            actor=self.captain,
        )

    def reject(self) -> None:
        """The office is not content with the work."""
        acceptance.reject(
            self.order,
            version=self.order.version,
            reason="饰面颜色与原墙面不一致，重新处理。",
            actor=self.case.office,
        )

    def work_again(self) -> None:
        """The crew repairs what was rejected and shows it."""
        again = self.order.rejection_count
        photo(self.rng, Slot.AFTER, self.captain, self.store, order=self.order, anew=again)

    def sign_off(self) -> None:
        """The customer signs on the captain's phone, or will not."""
        refused = self.rng.random() < 0.03
        answer = self.rng.choices(list(ANSWERS), list(ANSWERS.values()))[0]
        picture = (
            ""
            if refused
            else photo(self.rng, Slot.SIGNATURE, self.captain, self.store, order=self.order)
        )
        acceptance.sign_off(
            self.order,
            version=None,
            customer_name=self.case.ticket.caller_name,
            satisfaction=None if refused else answer,
            opinion="" if refused else self.rng.choice(("", "修得仔细。", "已修好。")),
            refused=refused,
            refusal_reason="业主出差，家人不愿代签" if refused else "",
            refusal_evidence="电话录音" if refused else "",
            signature=picture,
            actor=self.captain,
        )

    def accept(self) -> None:
        """The customer signs and the office finds it in order."""
        self.sign_off()
        self.inspect()

    def inspect(self) -> None:
        """Service or property looks at the finished work."""
        acceptance.inspect(
            self.order,
            version=self.order.version,
            inspected_for=self.rng.choice((Inspector.SERVICE, Inspector.PROPERTY)),
            inspection="现场查看合格，已清理干净。",
            actor=self.case.office,
        )
