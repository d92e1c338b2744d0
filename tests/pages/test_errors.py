"""Every refusal of the machine itself is a Chinese page with the right status, and nothing is half done."""

import re

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tests.pages.helpers import state_of_the_file, token
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, DomainError, Invalid, NotFound, NotPermitted
from ticketing.procedure.vocabulary import TicketStage

HAN = re.compile(r"[\u4e00-\u9fff]")


def heading(answer) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", answer.get_data(as_text=True), re.DOTALL)
    assert found, answer.get_data(as_text=True)[:300]
    assert HAN.search(found.group(1)), found.group(1)
    return found.group(1)


def test_each_kind_of_refusal_has_its_status():
    kinds = {DomainError: 422, Invalid: 422, NotPermitted: 403, NotFound: 404, Conflict: 409}
    assert {kind: kind.status for kind in kinds} == kinds
    assert set(kinds) - {DomainError} <= set(DomainError.__subclasses__())
    assert all(kind.status in kinds.values() for kind in DomainError.__subclasses__())
    assert NotFound().message
    assert Conflict("变了", seen=3).seen == 3


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("get", "/nowhere", 404),
        ("get", "/tickets/999999", 404),
        ("get", "/tickets/99999999999999999999999", 404),
        ("delete", "/tickets/", 405),
        ("post", "/tickets/", 405),
        ("get", "/sign-out", 405),
        ("get", "/people/1/password", 405),
    ],
)
def test_a_wrong_address_gets_a_chinese_page(sign_in, method, address, status):
    answer = getattr(sign_in("manager"), method)(address)
    assert answer.status_code == status
    heading(answer)
    if status == 405:
        assert answer.headers["Allow"]


def test_too_large_a_request_gets_a_chinese_page(app, sign_in):
    client = sign_in("clerk")
    assert client.post("/intake", data={"content": "长" * 5_000_000}).status_code == 413
    answer = client.post(
        "/intake", data={"content": "x" * 2_000_000}, content_type="multipart/form-data"
    )
    assert answer.status_code == 413
    heading(answer)


@pytest.fixture
def guarded(app):
    """The app as in production: form tokens are asked for."""
    app.config["WTF_CSRF_ENABLED"] = True
    yield app
    app.config["WTF_CSRF_ENABLED"] = False


def test_a_form_without_its_token_is_refused_and_its_text_is_kept(guarded, make, sign_in):
    ticket_id = make.ticket(TicketStage.HANDLING).id
    guarded.config["WTF_CSRF_ENABLED"] = False
    client = sign_in("manager")
    guarded.config["WTF_CSRF_ENABLED"] = True
    before = state_of_the_file()
    for address in ("/intake", f"/tickets/{ticket_id}/resolve", f"/tickets/{ticket_id}/withdraw"):
        for forged in ({}, {"csrf_token": "forged"}):
            answer = client.post(
                address,
                data={"content": "已经<b>写了</b>很久", "password": "geheim", **forged},
            )
            assert answer.status_code == 400
            heading(answer)
            page = answer.get_data(as_text=True)
            assert "已经&lt;b&gt;写了&lt;/b&gt;很久" in page
            assert "geheim" not in page
    db.session.rollback()
    assert state_of_the_file() == before


def test_a_form_with_its_token_is_accepted(guarded):
    client = guarded.test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    token_ = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page).group(1)
    data = {"username": "clerk", "password": "correct-horse-9"}
    assert client.post("/sign-in", data=data).status_code == 400
    assert client.post("/sign-in", data={**data, "csrf_token": token_}).status_code == 302


@pytest.fixture
def broken(app):
    """A way to let the database fail at statements that contain a word."""
    placed = []

    def mend() -> None:
        for engine, fail in placed:
            event.remove(engine, "before_cursor_execute", fail)
        placed.clear()

    def let_fail(word: str, error: Exception) -> None:
        def fail(_c, _k, statement, *_rest):
            if word in statement:
                raise error

        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", fail)
            placed.append((db.engine, fail))

    let_fail.mend = mend
    yield let_fail
    mend()


FAILURES = [
    OperationalError("SELECT", {}, Exception("database is locked")),
    OperationalError("SELECT", {}, Exception("database or disk is full")),
    PoolTimeout("QueuePool limit of size 5 overflow 10 reached"),
]


@pytest.mark.parametrize("error", FAILURES, ids=["locked", "full", "pool"])
@pytest.mark.parametrize("word", ["journal_entry", "sign_in", "ticket"])
def test_a_failing_database_gives_503_and_leaves_nothing_half_done(
    app, make, sign_in, broken, word, error
):
    ticket = make.ticket(TicketStage.HANDLING)
    ticket_id, version = ticket.id, ticket.version
    before = state_of_the_file()
    db.session.rollback()
    client = sign_in("manager")
    broken(word, error)
    answer = client.post(
        f"/tickets/{ticket_id}/resolve",
        data={"resolution": "修好", "version": version, "once": token()},
    )
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    heading(answer)
    assert "SELECT" not in answer.get_data(as_text=True)
    broken.mend()
    db.session.rollback()
    assert state_of_the_file() == before


def test_an_unforeseen_error_gives_500_without_its_details(app, sign_in, broken):
    client = sign_in("manager")
    app.config["TESTING"] = False
    try:
        broken("FROM ticket", RuntimeError("geheim"))
        answer = client.get("/tickets/")
    finally:
        app.config["TESTING"] = True
    assert answer.status_code == 500
    heading(answer)
    assert "geheim" not in answer.get_data(as_text=True)
