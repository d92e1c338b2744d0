"""The database the benchmarks are measured on obeys the schema of today."""

import re
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.dataset import PASSWORD, build
from ticketing.app import create_app
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel.db import db
from ticketing.procedure.repairs import OrderStage
from ticketing.procedure.settlement import SettlementStage
from ticketing.settings import Settings
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.work_orders.models import WorkOrder


def test_the_database_of_the_benchmarks_can_be_built_and_its_pages_answer(tmp_path: Path) -> None:
    app = create_app(
        Settings(
            database_url=f"sqlite:///{tmp_path / 'bench.db'}",
            secret_key="x" * 32,
            instance=tmp_path,
            testing=True,
        )
    )
    build(app, 80)
    with app.app_context():
        assert db.session.scalar(select(func.count(Ticket.id))) == 80
        running = select(Clock.ticket_id).where(Clock.state == ClockState.RUNNING)
        signing = select(WorkOrder.ticket_id).where(WorkOrder.stage == OrderStage.SELF_CHECKED)
        owed = select(Ticket.id).where(Ticket.is_open, Ticket.id.not_in(signing))
        assert set(db.session.scalars(owed)) <= set(db.session.scalars(running))
        accepted = select(WorkOrder).where(WorkOrder.stage == OrderStage.ACCEPTED).limit(1)
        order = db.session.scalars(accepted).one()
        paid = select(Settlement.id).where(Settlement.stage == SettlementStage.PAID).limit(1)
        settlement_id = db.session.scalars(paid).one()
        pages = [
            "/orders/",
            "/surveys/",
            "/plan/",
            f"/orders/{order.id}",
            f"/surveys/{order.survey_id}",
            f"/tickets/{order.ticket_id}",
            "/settlements/",
            f"/settlements/{settlement_id}",
        ]
        db.session.remove()
        client = app.test_client()
        form = client.get("/sign-in").get_data(as_text=True)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
        entry = {"username": "manager", "password": PASSWORD}
        client.post("/sign-in", data={**entry, "csrf_token": found[1] if found else ""})
        assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)
        db.session.remove()
        db.engine.dispose()
