"""The rows of the reference data in our words: the product's side of the replay reads them here.

How a row is read is told in the docstring of `replay`.
"""

import csv
import gzip
import io
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.recount import CATEGORY_OF, MESSAGES, TRADE_OF
from ticketing.casefile.defects.commands import Broken
from ticketing.kernel import clock
from ticketing.procedure.repairs import Part, Phenomenon, Trade
from ticketing.procedure.vocabulary import Category, Channel

ROOT = Path(__file__).resolve().parents[1]
CHANNELS = {"PHONE": Channel.PHONE, "ONLINE": Channel.WEB}


class Row(NamedTuple):
    """One real request, in our words. `category` None: nobody could say; `ended` None: still open; `broken`: a repair."""

    place: str
    building: str
    channel: Channel
    text: str
    summary: str
    category: Category | None
    began: datetime
    ended: datetime | None
    answer: str
    broken: Broken | None = None


def reference() -> Path | None:
    """The folder with the real data, or None where it is not at hand."""
    folder = Path(os.environ.get("TICKETING_REFERENCE", ROOT.parent / "shared")) / "data"
    return folder if (folder / "mapping.csv").exists() else None


def _read(path: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(10_000_000)
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    yield from csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clock.SHANGHAI)


def elevator_rows(data: Path) -> Iterator[Row]:
    """The lift requests of New York in order of time."""
    rows = list(_read(data / "nyc" / "elevator_311.csv.gz"))
    rows.sort(key=lambda row: row["received_at"])
    for row in rows:
        began = _instant(row["received_at"])
        closed = row["status"] == "Closed" and row["closed_at"]
        yield Row(
            place=row["borough"],
            building=row["building_id"],
            channel=CHANNELS.get(row["channel"], Channel.HOTLINE),
            text=f"{row['descriptor']}\n{row['building_address']}",
            summary=row["descriptor"][:40],
            category=Category.ENGINEERING,
            began=began,
            ended=max(_instant(row["closed_at"]), began) if closed else None,
            answer=row["resolution"] or "—",
        )


def council_rows(data: Path) -> Iterator[Row]:
    """The cases of the councils of New York in order of time, each number once; the housing types as repairs."""
    said = {
        (row["source_field"], row["source_value"].lower()): row
        for row in _read(data / "mapping.csv")
        if row["source"] == "nyc_council"
    }
    seen: dict[str, dict[str, str]] = {}
    for row in _read(data / "nyc" / "council_cases.csv.gz"):
        seen.setdefault(row["case_id"], row)
    for row in sorted(seen.values(), key=lambda row: row["opened_on"]):
        descriptor = row["descriptor"].strip()
        found = said.get(("descriptor", descriptor.lower())) or said.get(
            ("complaint_type", row["complaint_type"].lower())
        )
        kind, trade = (found["kind"], found["trade"]) if found else ("", "")
        word = trade or (found["complaint_category"] if found else "") or "其他"
        began = _instant(f"{row['opened_on']} 09:00:00")
        closed = row["closed_on"] and max(_instant(f"{row['closed_on']} 17:00:00"), began)
        yield Row(
            place=row["borough"],
            building="",
            channel=Channel.HOTLINE,
            text=f"{row['complaint_type']}\n{descriptor or '—'}",
            summary=(descriptor or row["complaint_type"])[:40],
            category=Category(CATEGORY_OF[word]),
            began=began,
            ended=closed or None,
            answer="—",
            broken=_broken(trade, descriptor.lower()) if kind == "维修" else None,
        )


def _broken(trade: str, words: str) -> Broken:
    """A defect of the trade mapping.csv names (其他工种 where it names none); what one sees, by a word of the description."""
    phenomenon = Phenomenon.OTHER
    if "leak" in words or "flood" in words:
        phenomenon = Phenomenon.LEAK
    elif "backup" in words:
        phenomenon = Phenomenon.BLOCKED
    return Broken(Part.OTHER, phenomenon, Trade(TRADE_OF.get(trade, "other")))


def message_rows(data: Path) -> Iterator[Row]:
    """The Chinese messages in order of time, each number once."""
    rules = [
        (row["source_value"].split("|"), row["trade"] or row["complaint_category"])
        for row in _read(data / "mapping.csv")
        if row["source"] == "zh_keywords"
    ]
    seen: dict[str, dict[str, str]] = {}
    for name in MESSAGES:
        for row in _read(data / "zh" / f"messages_{name}.csv.gz"):
            seen.setdefault(row["msg_id"], row)
    for row in sorted(seen.values(), key=lambda row: row["received_at"]):
        began, replied = _instant(row["received_at"]), row.get("replied_at", "")
        word = _word(rules, row["title"]) or _word(rules, row["body"])
        yield Row(
            place=row["region"],
            building="",
            channel=Channel.WEB,
            text=row["body"],
            summary=row["title"],
            category=Category(CATEGORY_OF[word]) if word else Category.OTHER if replied else None,
            began=began,
            ended=max(_instant(replied), began) if replied else None,
            answer=row.get("reply", ""),
        )


def _word(rules: list[tuple[list[str], str]], text: str) -> str | None:
    return next((word for keys, word in rules if any(key in text for key in keys)), None)
