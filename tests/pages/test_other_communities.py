"""Nobody reads, lists, counts, searches, exports, guesses or changes what is not his (promise 21)."""

import io
import zipfile
from datetime import date
from types import SimpleNamespace

import pytest

from tests.pages.helpers import PATHS, form_for, state_of_the_file, token
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.contractors import commands as contractors
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate.models import Unit
from ticketing.masters.people.models import User
from ticketing.masters.prices import commands as prices
from ticketing.masters.prices.rows import Price
from ticketing.procedure.repairs import Part, Trade
from ticketing.procedure.settlement import PriceBasis
from ticketing.procedure.vocabulary import Relation, TicketStage

MARK = "隐秘梧桐"
PHONE = "13655550302"


def builders_and_crew(world):
    """A contractor, a contract with its price list, a team with a worker and a promise of LH, all marked: their ids."""
    lh = world.communities["LH"]
    builder = contractors.save_contractor(
        None, name=f"{MARK}建工", contact=MARK, phone=PHONE, active=True, actor=None
    )
    contract = contractors.save_contract(
        None,
        number=f"{MARK}-01",
        contractor_id=builder.id,
        community_id=lh,
        trades=list(Trade),
        completed_on=date(2024, 1, 2),
        liability_months=24,
        retention_fen=1,
        agreement=MARK,
        deemed_confirmation=False,
        actor=None,
    )
    team = contractors.save_team(
        None,
        name=f"{MARK}维修队",
        captain_id=world.users["captain"],
        community_ids=[lh],
        active=True,
        actor=None,
    )
    worker = contractors.save_worker(
        None, team, name=f"{MARK}工", phone="", trade=Trade.CIVIL, active=True, actor=None
    )
    promise = contractors.promise(
        community_id=lh,
        part=Part.WET,
        owner_months=96,
        contractor_months=None,
        since=date(2020, 1, 1),
        source=MARK,
        actor=None,
    )
    return {
        "contractor_id": builder.id,
        "contract_id": contract.id,
        "team_id": team.id,
        "worker_id": worker.id,
        "promise_id": promise.id,
        "list_id": prices_of(world, contract).id,
    }


def prices_of(world, contract):
    """A price list of a contract that is in force, every word of it marked."""
    manager, gm = (db.session.get_one(User, world.users[name]) for name in ("manager", "gm"))
    drawn = prices.draw_up(
        contract,
        basis=PriceBasis.EXCLUSIVE,
        valid_from=clock.today(),
        reason=MARK,
        prices=[Price(f"{MARK}补植", "株", 1_000, MARK, note=MARK)],
        actor=manager,
    )
    prices.propose(drawn, version=drawn.version, actor=manager)
    return prices.agree(drawn, version=drawn.version, actor=gm)


@pytest.fixture
def foreign(make):
    """Tickets, a home and people of LH, all of them marked; nothing of it belongs to YX or PM."""
    world = make.world
    with transaction():
        home = estate.add_unit(
            db.session.get_one(Unit, world.units["LH 2-1-0302"]).community,
            building="9栋",
            stair="1单元",
            room=MARK,
            actor=None,
        )
        person = estate.add_customer(
            name=f"{MARK}先生", phones=[PHONE], unit=home, note=MARK, actor=None
        )
        neighbour = estate.add_customer(
            name="两处有房", phones=["13655550303"], unit=home, actor=None
        )
        here = db.session.get_one(Unit, world.units["YX 3-1-1202"])
        estate.settle_in(neighbour, here, relation=Relation.TENANT, actor=None)
        crew = builders_and_crew(world)
    world.units["LH marked"] = home.id
    tickets = [
        make.ticket(
            stage,
            "LH marked",
            actor="far_clerk",
            department="LAW",
            customer_id=person.id,
            caller_name=f"{MARK}先生",
            caller_phone=PHONE,
            content=f"{MARK}的窗户漏风。",
            summary=MARK,
        )
        for stage in (TicketStage.REGISTERED, TicketStage.HANDLING, TicketStage.CLOSED)
    ]
    own = make.registered("YX 3-1-1203", caller_phone=PHONE, content="同一电话的另一件事。")
    return SimpleNamespace(
        home=home.id,
        building=home.building_id,
        community=home.community_id,
        office=world.offices["XM"],
        customer=person.id,
        shared=neighbour.id,
        tickets=[ticket.id for ticket in tickets],
        versions=[ticket.version for ticket in tickets],
        number=tickets[1].number,
        own=own.id,
        crew=crew,
        own_number=own.number,
    )


def text_of(answer):
    """What a person can read in an answer, inside a workbook too."""
    if answer.data[:2] != b"PK":
        return answer.get_data(as_text=True)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        return "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())


PEOPLE = ("clerk", "office", "handler", "captain", "finance", "reader", "admin")


@pytest.mark.parametrize("username", PEOPLE)
def test_no_page_shows_anything_of_another_community(app, foreign, make, sign_in, username):
    client, marked = sign_in(username), 0
    ids = {
        "ticket_id": foreign.tickets[1],
        "unit_id": foreign.home,
        "customer_id": foreign.customer,
        "building_id": foreign.building,
        "community_id": foreign.community,
        "office_id": foreign.office,
        **foreign.crew,
    }
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint in ("static", "bootstrap.static"):
            continue
        known = rule.arguments & ids.keys()
        values = {name: ids.get(name, 1) for name in rule.arguments}
        if rule.arguments and not known and username == "admin":
            continue
        if rule.endpoint == "audit.index":
            continue  # whoever reads the trail reads it whole: it names the contract somebody entered
        if username == "finance" and rule.rule.startswith(("/finance/", "/imprest/")):
            continue  # the books are the company's: finance keeps those of every community (matrix 30-33)
        with app.test_request_context():
            address = app.url_map.bind("localhost").build(rule.endpoint, values)
        answer = client.get(address)
        assert MARK not in text_of(answer), address
        assert foreign.number not in text_of(answer), address
        assert answer.status_code < 500 or address == "/readyz", address
        if known and username != "admin":
            marked += 1
            assert answer.status_code in (403, 404), (address, answer.status_code)
    assert marked or username == "admin"


@pytest.mark.parametrize("username", ["clerk", "office", "handler", "reader"])
def test_no_search_list_or_workbook_reaches_another_community(app, foreign, sign_in, username):
    client = sign_in(username)
    secret = (MARK, foreign.number)
    for query in (
        f"q={MARK}",
        f"q={PHONE}",
        f"q={PHONE[-4:]}",
        f"q={foreign.number}",
        f"q={foreign.number.split('-')[2]}",
        f"community={foreign.community}&all=1",
        f"unit={foreign.home}&all=1",
        f"customer={foreign.customer}&all=1",
        "all=1",
        "overdue=1",
        "stage=handling",
        "order=newest&all=1",
    ):
        for path in ("/tickets/", "/tickets/register.xlsx"):
            answer = client.get(f"{path}?{query}")
            typed = query.split("=")[1]
            if path == "/tickets/register.xlsx" and username == "reader":
                assert answer.status_code == 403
                continue
            assert answer.status_code == 200, query
            body = text_of(answer)
            for echo in (f'value="{typed}"', f"“{typed}”", f"q={typed}"):
                body = body.replace(echo, "")
            assert not [word for word in secret if word in body], query
    for path in (
        f"/intake/callers?q={MARK}",
        f"/intake/callers?q={PHONE}",
        "/intake/callers?q=ymwt",
        f"/intake/beside?unit={foreign.home}",
        f"/intake/beside?customer={foreign.customer}",
        f"/intake/beside?phone={PHONE}",
        f"/intake?unit={foreign.home}&customer={foreign.customer}",
        f"/intake?same_call={foreign.tickets[0]}",
        f"/intake/warranty?unit={foreign.home}&item=WET_WP.civil",
        f"/intake/warranty?community={foreign.community}&item=WET_WP.civil",
    ):
        body = text_of(client.get(path))
        assert not [word for word in secret if word in body], path


def test_the_same_phone_shows_a_clerk_only_the_tickets_of_his_communities(foreign, sign_in):
    page = sign_in("clerk").get(f"/intake/beside?phone={PHONE}").get_data(as_text=True)
    assert foreign.own_number in page
    assert foreign.number not in page


def test_a_customer_with_two_homes_is_shown_only_with_the_one_within_scope(foreign, sign_in):
    for address in (
        f"/estate/customers/{foreign.shared}",
        f"/intake/beside?unit={foreign.home}",
        "/intake/callers?q=13655550303",
    ):
        assert MARK not in sign_in("clerk").get(address).get_data(as_text=True), address


@pytest.mark.parametrize("username", PEOPLE)
def test_no_form_changes_anything_of_another_community(app, foreign, make, sign_in, username):
    client, before = sign_in(username), state_of_the_file()
    for ticket_id, version in zip(foreign.tickets, foreign.versions, strict=True):
        for act, path in [*PATHS.items(), (None, "again")]:
            typed = {"content": "又来电"} if act is None else form_for(act, make, into=MARK)
            data = typed | {"version": version, "once": token()}
            answer = client.post(f"/tickets/{ticket_id}/{path}", data=data)
            assert answer.status_code in (403, 404), (path, answer.status_code)
            assert MARK not in answer.get_data(as_text=True).replace(f"<dd>{MARK}</dd>", "")
    for places in (
        {"unit_id": foreign.home},
        {"customer_id": foreign.customer, "unit_id": make.world.units["YX 3-1-1202"]},
        {"community_id": foreign.community},
    ):
        data = {
            "once": token(),
            "caller_name": "王",
            "channel": "phone",
            "relation": "owner",
            "received_at": "2026-11-20T09:05",
            "content": "漏水",
            **places,
        }
        assert client.post("/intake", data=data).status_code in (403, 404, 422)
    db.session.rollback()
    assert state_of_the_file() == before


def test_a_ticket_is_not_merged_into_one_of_another_community(foreign, make, sign_in):
    ticket = make.registered()
    ticket_id, version = ticket.id, ticket.version
    for username in ("office", "manager"):
        answer = sign_in(username).post(
            f"/tickets/{ticket_id}/merge",
            data={"into": foreign.number, "reason": "试", "version": version, "once": token()},
        )
        assert answer.status_code == 422
        assert MARK not in answer.get_data(as_text=True)


def test_a_department_sees_a_ticket_from_the_day_it_is_asked_and_no_other(foreign, make, sign_in):
    lawyer = sign_in("lawyer")
    assert lawyer.get(f"/tickets/{foreign.tickets[1]}").status_code == 200
    assert lawyer.get(f"/tickets/{foreign.own}").status_code == 404
    assert lawyer.get(f"/tickets/{foreign.tickets[0]}").status_code == 404
