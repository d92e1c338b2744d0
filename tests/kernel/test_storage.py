"""The store on the local disk: all of a file or nothing of it, and only names of ours."""

import os
from datetime import timedelta

import pytest

from ticketing.kernel import clock
from ticketing.kernel.storage import LocalStore, new_key


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "files")


def aged(store, name, hours):
    path = next(store.root.rglob(f"{name}*"))
    instant = clock.now().timestamp() - 3600 * hours
    os.utime(path, (instant, instant))


def test_what_was_put_is_got_opened_and_deleted(store):
    name = new_key()
    assert not store.exists(name)
    store.put(name, b"one")
    store.put(f"{name}-small", b"two")
    assert (store.get(name), store.exists(name)) == (b"one", True)
    with store.open(f"{name}-small") as stream:
        assert stream.read() == b"two"
    store.delete(name)
    store.delete(name)
    assert not store.exists(name)
    assert store.get(f"{name}-small") == b"two"
    with pytest.raises(FileNotFoundError):
        store.open(name)


@pytest.mark.parametrize(
    "name", ["", "x", "../../etc/passwd", "/etc/passwd", "A" * 32, "a" * 31, "a" * 33, f"{'a' * 32}-big",
             f"{'a' * 32}\n", f"..{'a' * 30}"],
)  # fmt: skip
def test_a_name_that_is_none_of_ours_reaches_no_file(store, name):
    for act in (store.get, store.open, store.delete, store.exists, lambda one: store.put(one, b"")):
        with pytest.raises(ValueError):
            act(name)
    assert not store.root.exists()


def test_nothing_is_left_of_a_file_that_could_not_be_written_wholly(store, monkeypatch):
    def full(_handle):
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        store.put(new_key(), b"x" * 1000)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_files_are_for_the_owner_of_the_process_only(store):
    if os.name != "posix":
        pytest.skip("rights of this kind are POSIX")
    name = new_key()
    store.put(name, b"x")
    path = next(store.root.rglob(name))
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_old_files_and_unfinished_ones_are_found_by_their_age(store):
    old, young = new_key(), new_key()
    for name in (old, young):
        store.put(name, b"x")
    aged(store, old, 30)
    before = clock.now() - timedelta(hours=24)
    assert [name for names in store.written_before(before) for name in names] == [old]
    draft = store.root / old[:2] / f"{old}.abcd.part"
    draft.write_bytes(b"half")
    assert store.drop_unfinished(before) == 0
    aged(store, f"{old}.abcd", 30)
    assert store.drop_unfinished(before) == 1
    assert not draft.exists()


def test_an_empty_store_has_nothing(store):
    assert list(store.written_before(clock.now())) == []
    assert store.drop_unfinished(clock.now()) == 0
