"""Every route has a door; reading writes nothing; every select of tickets is narrowed."""

import ast
from pathlib import Path

import pytest

from tests.pages.helpers import recorded
from ticketing.app import POLICY
from ticketing.kernel.db import db
from ticketing.masters.people.guard import DOOR
from ticketing.procedure.vocabulary import TicketStage
from ticketing.settings import ROOT

FILES = ("static", "bootstrap.static")
PUBLIC = {"people.sign_in", "people.set_up", "jobs.healthz", "jobs.readyz"}
WRITING_GETS = {
    "tickets.export",
    "estate.export",
    "board.export",
    "work_orders.export",
    "settlements.export",
    "settlements.account",
    "desk.statement_book",
    "desk.voucher_book",
    "imprest.export",
    "prices.export",
}
"""The workbooks are journalled: who took which list out of the house."""


def test_every_route_has_a_door(app):
    open_doors = set()
    for rule in app.url_map.iter_rules():
        if rule.endpoint in FILES:
            continue
        door = getattr(app.view_functions[rule.endpoint], DOOR, None)
        assert door, f"{rule.endpoint} has no door"
        if door == "public":
            open_doors.add(rule.endpoint)
    assert open_doors <= PUBLIC


def test_nobody_gets_past_a_door_without_signing_in(app):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint in FILES or rule.endpoint in PUBLIC:
            continue
        address = app.url_map.bind("localhost").build(
            rule.endpoint, dict.fromkeys(rule.arguments, 1), method=None
        )
        if "GET" in rule.methods:
            answer = client.get(address)
            assert (answer.status_code, answer.location) == (302, "/sign-in"), address
            assert client.get(address, headers={"X-Fragment": "1"}).status_code == 401, address
        if "POST" in rule.methods:
            assert client.post(address).status_code == 401, address


def test_no_page_writes_while_it_is_read(app, make, sign_in):
    ticket_id = make.ticket(TicketStage.CALLBACK).id
    ids = {
        "ticket_id": ticket_id,
        "unit_id": make.world.units["YX 3-1-1202"],
        "customer_id": make.world.customers["王国强"],
        "user_id": make.world.users["clerk"],
        "department_id": make.world.departments["PM"],
        "community_id": make.world.communities["YX"],
        "office_id": make.world.offices["FZ"],
    }
    for username in ("manager", "admin", "auditor"):
        client = sign_in(username)
        for rule in app.url_map.iter_rules():
            if "GET" not in rule.methods or rule.endpoint in {*FILES, *WRITING_GETS}:
                continue
            values = {name: ids.get(name, 1) for name in rule.arguments}
            address = app.url_map.bind("localhost").build(rule.endpoint, values)
            db.session.rollback()
            with recorded(db.engine) as recorder:
                status = client.get(address).status_code
            refusal = [one for one in recorder.writes if "journal" not in one]
            assert (refusal if status == 403 else recorder.writes) == [], address


def test_what_changes_something_is_never_a_get(app):
    for rule in app.url_map.iter_rules():
        assert rule.methods <= {"GET", "HEAD", "OPTIONS", "POST"}, rule.endpoint
        word = rule.endpoint.rpartition(".")[2]
        if word in ("sign_out", "revoke", "confirm_role", "reset_password", "submit", "compile"):
            assert "GET" not in rule.methods, rule.endpoint


def test_the_policy_of_the_pages_allows_nothing_inline():
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "http" not in POLICY


NARROWED_ELSEWHERE = {
    "guards.py": "reads rows of a ticket that was fetched within scope",
    "commands.py": "reads rows of a ticket that was fetched within scope",
    "models.py": "no query",
    "grading.py": "counts for the rules, in every scope: people see the sentence, not the rows",
    "dues.py": "copies dates onto tickets its caller holds",
    "attendance.py": "counts the homes of one cause for the rule, in every scope",
    "hands.py": "asks who had a part in accounts that lie within scope",
    "crew_money.py": "reads the orders a fund of its own team is spent on",
    "paying.py": "finance pays every account; it has every community in scope",
    "rounds.py": "sums the orders of one building for the rule, in every scope: they are part of what is signed for",
    "repairs.py": "asks when parts of a home the reader has before him were repaired; he sees the day, not the ticket",
    "behind.py": "parts of a WHERE that `conditions` puts behind the scope",
}


def selects_of_tickets(path: Path):
    """Each function of a module that selects from Ticket, with its source."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            text = ast.unparse(node)
            if ("select(" in text and "Ticket." in text) or "select(Ticket" in text:
                yield node.name, text


@pytest.mark.parametrize("storey", ["casefile", "steps", "oversight"])
def test_every_select_of_tickets_goes_through_the_scope(storey):
    loose = []
    for path in sorted((ROOT / "ticketing" / storey).rglob("*.py")):
        if path.name in NARROWED_ELSEWHERE or "reports" in path.parts:
            continue
        loose += [
            f"{path.relative_to(ROOT)}::{name}"
            for name, text in selects_of_tickets(path)
            if not any(word in text for word in ("visible(", "conditions(", "in_scope(", "scope"))
        ]
    assert loose == []
