"""The store and its rows: what no row names is swept after a day, what a row names must be there."""

import os

import pytest

from tests.support import pictures as some
from ticketing.casefile.attachments import queries
from ticketing.casefile.attachments.commands import file_picture, sweep
from ticketing.casefile.attachments.models import PaperKind
from ticketing.edges.jobs import running
from ticketing.edges.jobs.schedule import BY_NAME
from ticketing.kernel import clock, pictures
from ticketing.kernel.db import db, transaction
from ticketing.kernel.storage import new_key
from ticketing.masters.people.scope import scope_of
from ticketing.procedure.repairs import Slot
from ticketing.procedure.vocabulary import TicketStage

PHOTO = pictures.made(some.jpeg())


@pytest.fixture
def store(app):
    return app.extensions["ticketing"].store


@pytest.fixture
def filing(make, store):
    """A photo on a ticket; its key."""
    ticket = make.ticket(TicketStage.REGISTERED)
    actor = make.user("clerk")

    def file(once="m1", **more):
        with transaction():
            return file_picture(
                scope_of(actor),
                PaperKind.TICKET,
                ticket.id,
                slot=Slot.REPORTED,
                filed=PHOTO,
                name="x.jpg",
                once=once,
                store=store,
                actor=actor,
                **more,
            ).key

    return file


def path_of(store, name):
    return store.root / name[:2] / name


def age(store, *names, hours=25):
    for name in names:
        instant = clock.now().timestamp() - 3600 * hours
        os.utime(path_of(store, name), (instant, instant))


def test_what_no_row_names_is_swept_after_a_day_and_nothing_else(store, filing):
    kept, lost, fresh = filing(), new_key(), new_key()
    for name in (lost, queries.small(lost), fresh):
        store.put(name, b"x")
    age(store, kept, queries.small(kept), lost, queries.small(lost))
    half = path_of(store, lost).with_name(f"{lost}.ab.part")
    half.write_bytes(b"x")
    os.utime(half, (0, 0))
    assert sweep(store, clock.now()) == 3
    assert not store.exists(lost)
    assert not store.exists(queries.small(lost))
    assert not half.exists()
    for name in (kept, queries.small(kept), fresh):
        assert store.exists(name)
    assert sweep(store, clock.now()) == 0


def test_a_replaced_photo_is_not_swept(store, filing):
    old = filing()
    filing(once="m2", replaces=old)
    age(store, old, queries.small(old))
    assert sweep(store, clock.now()) == 0
    assert store.exists(old)


def test_a_filing_that_fails_after_its_file_was_written_is_swept_later(make, store):
    ticket_id, actor = make.ticket(TicketStage.REGISTERED).id, make.user("clerk")
    before = {path.name for path in store.root.rglob("*") if path.is_file()}

    def fail():
        with transaction():
            file_picture(
                scope_of(actor),
                PaperKind.TICKET,
                ticket_id,
                slot=Slot.REPORTED,
                filed=PHOTO,
                name="x.jpg",
                once="m1",
                store=store,
                actor=actor,
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    loose = {path.name for path in store.root.rglob("*") if path.is_file()} - before
    assert len(loose) == 2
    assert queries.of_ticket(ticket_id) == []
    assert sweep(store, clock.now()) == 0
    age(store, *loose)
    assert sweep(store, clock.now()) == 2


def test_the_nightly_job_sweeps_and_says_how_many(store, filing):
    lost = new_key()
    store.put(lost, b"x")
    age(store, lost)
    assert running.run(BY_NAME["sweep"], clock.now()).words == "清除 1 个无主文件"
    assert running.run(BY_NAME["sweep"], clock.now()).words == "没有无主文件"


DAMAGES = {
    "文件丢失": lambda store, key: store.delete(key),
    "内容与登记的校验值不符": lambda store, key: store.put(key, store.get(key)[:-1] + b"x"),
    "缩略图丢失": lambda store, key: store.delete(queries.small(key)),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_verify_reports_what_the_store_owes_its_rows(app, store, filing, what):
    good, bad = filing("m1"), filing("m2")
    runner = app.test_cli_runner()
    db.session.rollback()
    told = runner.invoke(args=["verify"])
    assert told.exit_code == 0
    assert "照片与签字件 2 份，文件齐全" in told.output
    DAMAGES[what](store, bad)
    told = runner.invoke(args=["verify"])
    assert told.exit_code != 0
    assert f"{bad}（x.jpg）：{what}" in told.output
    assert good not in told.output


def test_a_file_that_is_lost_is_not_found_and_the_page_still_stands(store, filing, sign_in):
    key = filing()
    store.delete(key)
    client = sign_in("clerk")
    assert client.get(f"/files/{key}").status_code == 404
    assert client.get(f"/files/{key}/small").status_code == 200
