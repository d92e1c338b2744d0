"""What the tests of orders share: the road by hand, what people type, what an act could change."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select

from tests.pages.helpers import state_of_the_file
from tests.support.make import Maker
from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.notices.models import Notice
from ticketing.casefile.timers.models import Clock, ClockEvent, Extension
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.workcalendar.queries import calendar
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage, Slot, UseKind
from ticketing.procedure.workdays import add_working_days
from ticketing.steps.work_orders.models import (
    ApprovalRound,
    ApprovalStep,
    OrderItem,
    OrderWorker,
    SummedOrder,
    Use,
    WorkOrder,
)

STAGES = {
    "D": OrderStage.DRAFT,
    "A": OrderStage.APPROVING,
    "R": OrderStage.APPROVED,
    "I": OrderStage.ISSUED,
    "W": OrderStage.ACKNOWLEDGED,
    "C": OrderStage.SELF_CHECKED,
    "E": OrderStage.ACCEPTED,
    "T": OrderStage.TRANSFERRED,
    "X": OrderStage.CANCELLED,
}
PATHS = {
    Act.AMEND_ORDER: "amend",
    Act.SUBMIT_ORDER: "submit",
    Act.APPROVE_ORDER: "approve",
    Act.RETURN_ORDER: "return",
    Act.ISSUE_ORDER: "issue",
    Act.ISSUE_FIRST: "issue-first",
    Act.PLAN_ORDER: "plan",
    Act.STRIKE_USE: "strike-use",
    Act.INSPECT_ORDER: "inspect",
    Act.SIGN_OFF: "sign-off",
    Act.REJECT_WORK: "reject",
    Act.EXTEND_ORDER: "extend",
    Act.ADD_TRADE: "add-trade",
    Act.TRANSFER_ORDER: "transfer",
    Act.CANCEL_ORDER: "cancel",
}
"""The pages of the desk."""

TABLES = (
    ApprovalRound,
    SummedOrder,
    ApprovalStep,
    OrderItem,
    OrderWorker,
    Use,
    ClockEvent,
    Extension,
    Notice,
    Defect,
)


def later(days: int = 6) -> date:
    """A working day so many working days ahead."""
    return add_working_days(clock.today(), days, calendar).on


def typed(act: Act, order: WorkOrder, make: Maker) -> dict[str, Any]:
    """What a person types to do `act`, acceptable in every respect."""
    reason = {"reason": "写明理由。"}
    if act is Act.STRIKE_USE:
        return {"use_id": a_use(order.id), **reason}
    team = make.world.teams["云栖苑维修队"]
    forms: dict[Act, dict[str, Any]] = {
        Act.AMEND_ORDER: {
            "defect_ids": [item.defect_id for item in order.items],
            "team_id": team,
            "scope": "卫生间渗漏维修",
            "estimate_fen": "900",
        },
        Act.SUBMIT_ORDER: {},
        Act.ISSUE_ORDER: {"visit_on": later(2).isoformat()},
        Act.PLAN_ORDER: {"team_id": team, "visit_on": later(2).isoformat(), "visit_note": "带梯子"},
        Act.INSPECT_ORDER: {"inspected_for": "service", "inspection": "闭水合格"},
        Act.SIGN_OFF: {
            "customer_name": "王国强",
            "satisfaction": "satisfied",
            "signature": signature_of(order),
        },
        Act.EXTEND_ORDER: {
            "due_on": later().isoformat(),
            "consent_by": "王国强",
            "consent_at": f"{clock.local(clock.now()):%Y-%m-%dT%H:%M}",
            "consent_way": "recording",
            "evidence": "录音 20261125-08",
            **reason,
        },
        Act.ADD_TRADE: {"trade": "civil", "part": "PLASTER", "phenomenon": "crack", **reason},
        Act.TRANSFER_ORDER: {"contractor_id": make.world.contractors["海安机电"], **reason},
    }
    return dict(forms.get(act, reason))


def noted(order: WorkOrder) -> None:
    """A line of labour on an order."""
    db.session.add(
        Use(
            order_id=order.id,
            kind=UseKind.LABOUR,
            what="水电工",
            quantity_milli=500,
            unit="工日",
            at=clock.now(),
            by_id=order.drafted_by_id,
        )
    )
    db.session.flush()
    db.session.expire(order, ["uses"])


def a_use(order_id: int) -> int:
    """The first line of labour or material of an order; 0 where there is none."""
    found = select(Use.id).where(Use.order_id == order_id).order_by(Use.id).limit(1)
    return db.session.scalar(found) or 0


def signature_of(order: WorkOrder) -> str:
    """The key of the last signature filed for an order; nothing for none."""
    found = select(Attachment.key).where(
        Attachment.order_id == order.id, Attachment.slot == Slot.SIGNATURE
    )
    return db.session.scalars(found.order_by(Attachment.id.desc()).limit(1)).one_or_none() or ""


def state_of_the_orders() -> dict[str, Any]:
    """Everything an act on an order could change, refused accesses and sign-ins left out."""
    rows = db.session.execute(select(*WorkOrder.__table__.columns).order_by(WorkOrder.id)).all()
    clocks = db.session.execute(select(*Clock.__table__.columns).order_by(Clock.id)).all()
    counts = {kind: db.session.scalar(select(func.count()).select_from(kind)) for kind in TABLES}
    return {"orders": rows, "clocks": clocks, "counts": counts, **state_of_the_file()}


def yesterday() -> date:
    """The day before today."""
    return clock.today() - timedelta(days=1)
