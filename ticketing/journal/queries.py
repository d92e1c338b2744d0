"""Reading the journal: the story of one thing, and the proof that nothing was altered."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Select, select

from ticketing.journal.chain import GENESIS, HEAD, chained
from ticketing.journal.models import JournalEntry, JournalHead
from ticketing.kernel.db import db


class StoryLine(NamedTuple):
    """One entry as a page shows it, with its facts parsed."""

    entry: JournalEntry
    facts: dict[str, Any]


def story(subject: str, subject_id: int, *, after_version: int | None = None) -> list[StoryLine]:
    """Every entry about one thing, oldest first; with `after_version` only what came after it."""
    query = (
        select(JournalEntry)
        .where(JournalEntry.subject == subject, JournalEntry.subject_id == subject_id)
        .order_by(JournalEntry.id)
    )
    if after_version is not None:
        query = query.where(JournalEntry.subject_version > after_version)
    return parsed(db.session.scalars(query))


def stories(subject: str, subject_ids: Iterable[int], act: str) -> list[StoryLine]:
    """Every entry of one act on some things of one kind, oldest first."""
    query = (
        select(JournalEntry)
        .where(JournalEntry.subject == subject, JournalEntry.subject_id.in_(list(subject_ids)))
        .where(JournalEntry.act == act)
        .order_by(JournalEntry.id)
    )
    return parsed(db.session.scalars(query))


def entries(*, subject: str = "", before_id: int | None = None) -> Select[JournalEntry]:
    """The entries newest first, for the audit page; `before_id` continues a page."""
    query = select(JournalEntry).order_by(JournalEntry.id.desc())
    if subject:
        query = query.where(JournalEntry.subject == subject)
    if before_id is not None:
        query = query.where(JournalEntry.id < before_id)
    return query


def parsed(rows: Iterable[JournalEntry]) -> list[StoryLine]:
    """The entries with their facts as dictionaries."""
    return [StoryLine(entry, json.loads(entry.facts)) for entry in rows]


def told(subject: str, acts: Iterable[str]) -> Iterator[StoryLine]:
    """Every entry of some acts on all things of one kind, thing by thing, read in portions: for proofs."""
    query = (
        select(JournalEntry)
        .where(JournalEntry.subject == subject, JournalEntry.act.in_(sorted(acts)))
        .order_by(JournalEntry.subject_id, JournalEntry.id)
        .execution_options(yield_per=5000)
    )
    for entry in db.session.scalars(query):
        yield StoryLine(entry, json.loads(entry.facts))


class Verdict(NamedTuple):
    """The result of walking the chain: how many entries agree, and the first fault if any."""

    entries: int
    head: str
    fault: str | None


def verify() -> Verdict:
    """Walk the whole chain and compare each hash, the numbering, and the head row."""
    previous, count = GENESIS, 0
    entries = (
        select(*JournalEntry.__table__.columns)
        .order_by(JournalEntry.id)
        .execution_options(yield_per=5000)
    )
    with db.session.execute(entries) as rows:
        for row in rows:
            count += 1
            fields = dict(row._mapping)
            if fields["id"] != count:
                return Verdict(count, previous, f"第 {count} 条缺失（下一条编号为 {fields['id']}）")
            if chained(previous, fields) != fields["hash"]:
                return Verdict(count, previous, f"第 {count} 条内容与校验值不符")
            previous = fields["hash"]
    head = db.session.get(JournalHead, HEAD)
    if head is None:
        return Verdict(count, previous, None if count == 0 else "链头缺失")
    if (head.count, head.hash) != (count, previous):
        return Verdict(
            count, previous, f"链头记 {head.count} 条，实有 {count} 条：末尾被截断或改写"
        )
    return Verdict(count, previous, None)
