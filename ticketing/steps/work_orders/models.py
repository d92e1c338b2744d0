"""Rows of the 工程派工单: the order, its items, workers, what was used, the approval of its estimate."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import Base, BigId, Id, only_where
from ticketing.masters.contractors.models import Contractor, RepairTeam, Worker
from ticketing.masters.people.models import User
from ticketing.procedure.approvals import Task
from ticketing.procedure.repairs import (
    ApprovalKind,
    ApprovalOutcome,
    OrderClass,
    OrderStage,
    UseKind,
    Verdict,
)
from ticketing.procedure.vocabulary import Role, Satisfaction
from ticketing.steps.site_survey.models import SiteSurvey

_OPEN = only_where("stage NOT IN ('accepted', 'cancelled')")
"""The options of an index that holds only open orders."""

_TO_ACCOUNT = only_where(
    "accepted_at IS NOT NULL AND transferred_at IS NULL AND accounted_at IS NULL"
)
"""The options of an index that holds only orders whose crew still owes its account."""


class WorkOrder(Base):
    """One 工程派工单: the defects of one class for one team (procedure 3.5.1).

    `round` is the turn of the ticket's repair it belongs to: the first, or the one after so many reworks.
    Its trades are those of its items; one gives 3 working days, more give 7. `estimate_fen` is what was approved
    (for an order issued before its approval, `emergency` says why, what is to be approved),
    by the limits of the edition of parameters the order began with (None: the shipped standard).
    `due_on` copies its clock. `visit_on` is the planned day, `arrived_at` the crew's arrival. A transferred order is the
    contractor's to do, under engineering's eyes. `rejected_at` is the last rejection: pictures of the finished work count from there. The customer signs or his refusal is recorded with reason and evidence.
    `accounted_at` is when its crew began its account. `signature_key` is that of the picture of his signature. `rework_of_id` points at the order whose repair did not hold.
    """

    __tablename__ = "work_order"
    __table_args__ = (
        CheckConstraint("order_class IN ('A', 'B')", name="order_class"),
        CheckConstraint("estimate_fen >= 0", name="estimate"),
        CheckConstraint("(stage = 'accepted') = (accepted_at IS NOT NULL)", name="accepted_at"),
        CheckConstraint("stage <> 'transferred' OR contractor_id IS NOT NULL", name="transferred"),
        CheckConstraint("stage <> 'cancelled' OR cancel_reason <> ''", name="cancel_reason"),
        CheckConstraint("(stage = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled_at"),
        CheckConstraint("(rejection_count > 0) = (rejected_at IS NOT NULL)", name="rejected_at"),
        CheckConstraint(
            "customer_refused IS NULL OR customer_refused = false"
            " OR (refusal_reason <> '' AND refusal_evidence <> '')",
            name="refusal",
        ),
        Index("ix_work_order_ticket", "ticket_id", "id"),
        Index("ix_work_order_team", "team_id", "stage", "visit_on"),
        Index("ix_work_order_community", "community_id", "issued_at"),
        Index("ix_work_order_issued", "issued_at", "community_id"),
        Index("ix_work_order_accepted", "accepted_at", "community_id"),
        Index("ix_work_order_cancelled", "cancelled_at", "community_id"),
        Index(None, "rework_of_id", **only_where("rework_of_id IS NOT NULL")),
        Index(None, "contractor_id", **only_where("contractor_id IS NOT NULL")),
        Index("ix_work_order_to_account", "team_id", "accepted_at", **_TO_ACCOUNT),
        Index("ix_work_order_open", "community_id", "stage", "due_on", "team_id", **_OPEN),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    survey_id: Mapped[int] = mapped_column(ForeignKey("site_survey.id"), index=True)
    rework_of_id: Mapped[int | None] = mapped_column(ForeignKey("work_order.id"))
    round: Mapped[int] = mapped_column(default=1)
    order_class: Mapped[OrderClass]
    stage: Mapped[OrderStage] = mapped_column(default=OrderStage.DRAFT)
    version: Mapped[int] = mapped_column()

    team_id: Mapped[int | None] = mapped_column(ForeignKey("repair_team.id"))
    contractor_id: Mapped[int | None] = mapped_column(ForeignKey("contractor.id"))
    scope: Mapped[str]
    estimate_fen: Mapped[int] = mapped_column(BigInteger)
    trade_count: Mapped[int] = mapped_column(default=1)

    drafted_at: Mapped[datetime]
    drafted_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    approval_round: Mapped[int] = mapped_column(default=0)
    emergency: Mapped[str] = mapped_column(default="")
    parameter_edition_id: Mapped[int | None] = mapped_column(ForeignKey("parameter_edition.id"))
    issued_at: Mapped[datetime | None]
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    due_on: Mapped[date | None]
    due_provisional: Mapped[bool] = mapped_column(default=False)
    visit_on: Mapped[date | None]
    visit_note: Mapped[str] = mapped_column(default="")

    acknowledged_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    transferred_at: Mapped[datetime | None]
    transfer_reason: Mapped[str] = mapped_column(default="")
    self_checked_at: Mapped[datetime | None]
    self_checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    self_check: Mapped[str] = mapped_column(default="")

    inspected_at: Mapped[datetime | None]
    inspected_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    inspected_for: Mapped[str] = mapped_column(default="")
    inspection: Mapped[str] = mapped_column(default="")
    signed_at: Mapped[datetime | None]
    customer_name: Mapped[str] = mapped_column(default="")
    customer_satisfaction: Mapped[Satisfaction | None]
    customer_opinion: Mapped[str] = mapped_column(default="")
    customer_refused: Mapped[bool | None]
    refusal_reason: Mapped[str] = mapped_column(default="")
    refusal_evidence: Mapped[str] = mapped_column(default="")
    signature_key: Mapped[str] = mapped_column(default="")
    accepted_at: Mapped[datetime | None]
    accounted_at: Mapped[datetime | None]
    rejection_count: Mapped[int] = mapped_column(default=0)
    rejected_at: Mapped[datetime | None]
    asked_until: Mapped[date | None]
    asked_reason: Mapped[str] = mapped_column(default="")
    cancel_reason: Mapped[str] = mapped_column(default="")
    cancelled_at: Mapped[datetime | None]

    ticket: Mapped[Ticket] = relationship()
    survey: Mapped[SiteSurvey] = relationship()
    team: Mapped[RepairTeam | None] = relationship()
    contractor: Mapped[Contractor | None] = relationship()
    drafted_by: Mapped[User] = relationship(foreign_keys=[drafted_by_id])
    issued_by: Mapped[User | None] = relationship(foreign_keys=[issued_by_id])
    self_checked_by: Mapped[User | None] = relationship(foreign_keys=[self_checked_by_id])
    inspected_by: Mapped[User | None] = relationship(foreign_keys=[inspected_by_id])
    rework_of: Mapped[WorkOrder | None] = relationship(remote_side="WorkOrder.id")
    items: Mapped[list[OrderItem]] = relationship(
        primaryjoin="and_(OrderItem.order_id == WorkOrder.id, OrderItem.dropped_at.is_(None))",
        order_by="OrderItem.id",
        viewonly=True,
    )
    crew: Mapped[list[OrderWorker]] = relationship(
        primaryjoin="and_(OrderWorker.order_id == WorkOrder.id, OrderWorker.relieved_at.is_(None))",
        order_by="OrderWorker.id",
        viewonly=True,
    )
    uses: Mapped[list[Use]] = relationship(back_populates="order", order_by="Use.id")
    approvals: Mapped[list[ApprovalStep]] = relationship(
        back_populates="order", order_by="(ApprovalStep.round, ApprovalStep.position)"
    )
    rounds: Mapped[list[ApprovalRound]] = relationship(
        back_populates="order",
        foreign_keys="ApprovalRound.order_id",
        order_by="ApprovalRound.round",
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def is_rework(self) -> bool:
        """Whether it repairs a repair (procedure 3.5.4)."""
        return self.rework_of_id is not None


class OrderItem(Base):
    """A defect an order repairs, until it is dropped from the draft."""

    __tablename__ = "work_order_item"
    __table_args__ = (UniqueConstraint("order_id", "defect_id"),)

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"))
    defect_id: Mapped[int] = mapped_column(ForeignKey("defect.id"), index=True)
    dropped_at: Mapped[datetime | None]

    defect: Mapped[Defect] = relationship()


class OrderWorker(Base):
    """A worker the captain sends, until he is relieved (procedure 3.5.2)."""

    __tablename__ = "work_order_worker"
    __table_args__ = (UniqueConstraint("order_id", "worker_id"),)

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"))
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), index=True)
    relieved_at: Mapped[datetime | None]

    worker: Mapped[Worker] = relationship()


class Use(Base):
    """Labour, material or machine a repair used; the account is made from these (procedure 3.5.5).

    `quantity_milli` is in thousandths of the unit: half a day is 500. What was noted wrongly is struck out with the reason
    (`struck_at`): it stays on the sheet and counts in no sum.
    """

    __tablename__ = "work_order_use"
    __table_args__ = (
        CheckConstraint("quantity_milli > 0", name="quantity"),
        CheckConstraint("(struck_at IS NULL) = (struck_by_id IS NULL)", name="struck_by"),
        CheckConstraint("(struck_at IS NULL) = (struck_reason = '')", name="struck_reason"),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), index=True)
    kind: Mapped[UseKind]
    what: Mapped[str]
    quantity_milli: Mapped[int]
    unit: Mapped[str]
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    struck_at: Mapped[datetime | None]
    struck_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    struck_reason: Mapped[str] = mapped_column(default="")

    order: Mapped[WorkOrder] = relationship(back_populates="uses")
    struck_by: Mapped[User | None] = relationship(foreign_keys=[struck_by_id])

    @property
    def told(self) -> str:
        """The line in words: ``材料 密封胶 2支``."""
        return f"{self.kind} {self.what} {self.quantity_milli / 1000:g}{self.unit}"


_OPEN_ROUND = only_where("outcome = 'open'")


class ApprovalRound(Base):
    """One turn of asking for approval: of the estimate, or of an account beyond it (procedure 3.6.1).

    `tier_fen` is what chose the tier: `amount_fen` with the estimates of the orders in `summed`, so that nothing is split.
    `basis` says in words what an account of `amount_fen` is. An order has at most one round open.
    """

    __tablename__ = "approval_round"
    __table_args__ = (
        CheckConstraint("amount_fen > 0 AND tier_fen >= amount_fen", name="amounts"),
        CheckConstraint("(outcome = 'open') = (closed_at IS NULL)", name="closed"),
        CheckConstraint("kind <> 'supplement' OR basis <> ''", name="basis"),
        Index("uq_approval_round_open", "order_id", unique=True, **_OPEN_ROUND),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ApprovalKind]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    tier_fen: Mapped[int] = mapped_column(BigInteger)
    basis: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime]
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    outcome: Mapped[ApprovalOutcome] = mapped_column(default=ApprovalOutcome.OPEN)
    closed_at: Mapped[datetime | None]

    order: Mapped[WorkOrder] = relationship(back_populates="rounds")
    opened_by: Mapped[User] = relationship()
    summed: Mapped[list[SummedOrder]] = relationship(order_by="SummedOrder.summed_id")


class SummedOrder(Base):
    """An order whose estimate was added to that of another when its tier was chosen, as it stood then (procedure 3.6.1)."""

    __tablename__ = "approval_sum"
    __table_args__ = (
        ForeignKeyConstraint(
            ["order_id", "round"], ["approval_round.order_id", "approval_round.round"]
        ),
        CheckConstraint("summed_id <> order_id", name="another"),
    )

    order_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    summed_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)

    summed: Mapped[WorkOrder] = relationship(foreign_keys=[summed_id])


class ApprovalStep(Base):
    """One place in the chain of a round: who was asked, what he answered (procedure 3.6.1).

    The chain is frozen when the round opens; `shown` is the hash of what each signatory saw, and a changed order
    needs a new round. A round returned to a signatory begins with the signatures before him, as they were given. `principal` is set where a deputy signed: in whose name (trust: S10).
    """

    __tablename__ = "approval_step"
    __table_args__ = (
        UniqueConstraint("order_id", "round", "position"),
        CheckConstraint("(verdict IS NULL) = (at IS NULL)", name="answered"),
        CheckConstraint("(verdict IS NULL) = (by_id IS NULL)", name="answered_by"),
        CheckConstraint("principal_id <> by_id", name="deputy"),
        Index(None, "role", "verdict"),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"))
    round: Mapped[int]
    position: Mapped[int]
    role: Mapped[Role]
    task: Mapped[Task]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    shown: Mapped[str]
    verdict: Mapped[Verdict | None]
    reason: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime | None]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    principal_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    order: Mapped[WorkOrder] = relationship(back_populates="approvals")
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
    principal: Mapped[User | None] = relationship(foreign_keys=[principal_id])
