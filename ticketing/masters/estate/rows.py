"""A row of the import workbook: its columns, and what each cell must be. Every fault has row and column."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ticketing.kernel.sheet_rows import Cell, Column, SheetReader
from ticketing.kernel.text import clean_line, fold, looks_like_phone, phone_digits
from ticketing.masters.estate.words import room_label
from ticketing.procedure.vocabulary import Relation

SHEET = "房产客户"


COLUMNS = {
    "code": Column("小区代号", 8, True, "系统里的小区代号，例如 YX；小区由管理员先建好。"),
    "community": Column("小区名称", 40, False, "可以不填；填了就与代号核对，防止串行。"),
    "building": Column("楼栋", 20, True, "例如 3栋。"),
    "stair": Column("单元", 20, False, "例如 1单元；没有单元的留空。"),
    "room": Column("房号", 20, True, "例如 1202。"),
    "delivered_on": Column("交付日期", 20, False, "例如 2024-03-08。"),
    "moved_in_on": Column("入住日期", 20, False, "例如 2024-05-01；尚未入住的留空。"),
    "name": Column("姓名", 40, False, "一行一位客户；同一套房有几位就写几行，房号重复写。"),
    "phones": Column("电话", 200, False, "几个号码用顿号、逗号、分号、斜杠或空格隔开。"),
    "relation": Column("关系", 10, False, "业主、家属、租户或代理人；不填算业主。"),
    "note": Column("备注", 500, False, "记在客户名下。"),
    "deemed": Column(
        "视为交付", 4, False, "是或否；业主经通知未收房、按合同约定日期视为交付的填是。"
    ),
}
MOST_PHONES = 10

_DAY = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:\s+0?0:00(?::00)?)?"
)
_DAY_RUN = re.compile(r"(\d{4})(\d{2})(\d{2})")
_BETWEEN_PHONES = re.compile(r"[、,，;；/|\n]+")
_DEEMED = {"": None, "是": True, "否": False}
_RELATIONS = {relation.label: relation for relation in Relation}


class Dates(NamedTuple):
    """When a home was delivered, whether that is deemed only, and when it was moved into."""

    delivered_on: date | None
    deemed_delivered: bool
    moved_in_on: date | None


@dataclass(frozen=True, slots=True)
class Row:
    """One home and, if a name is given, one customer there. Blank facts are None or empty."""

    number: int
    community_id: int
    building: str
    stair: str
    room: str
    delivered_on: date | None
    deemed: bool | None
    moved_in_on: date | None
    name: str
    phones: tuple[str, ...]
    relation: Relation | None
    note: str
    label: str
    """The short label of the home, by which spellings of the same room are one."""

    @property
    def dates(self) -> dict[str, date | bool]:
        """What the row says of the home's dates, by the columns of a unit; blanks say nothing."""
        told = (
            ("delivered_on", self.delivered_on),
            ("deemed_delivered", self.deemed),
            ("moved_in_on", self.moved_in_on),
        )
        return {name: value for name, value in told if value is not None}


class Reader(SheetReader):
    """Reads the rows of one sheet; `problems` collects every fault."""

    def __init__(self, communities: dict[str, tuple[int, str]], today: date) -> None:
        """`communities` are those within the person's scope: id and name by code."""
        super().__init__(COLUMNS, lines=("note", "phones"))
        self.communities = communities
        self.today = today

    def rows(self, raw: Iterable[tuple[int, list[Cell]]]) -> Iterator[Row]:
        """The good rows; the first row must hold the heads of the template, in any order."""
        for number, cells in self.filled(raw):
            row = self._row(number, cells)
            if row is not None:
                yield row

    def _row(self, number: int, cells: list[Cell]) -> Row | None:
        before = len(self.problems)
        self.note_strays(number, cells)
        text = {key: self.text(number, key, cells) for key in COLUMNS if key[-3:] != "_on"}
        days = {key: self._day(number, key, cells) for key in ("delivered_on", "moved_in_on")}
        community_id = self._community(number, text["code"], text["community"])
        self._check_dates(number, days["delivered_on"], days["moved_in_on"])
        phones = self._phones(number, text["phones"])
        if text["deemed"] not in _DEEMED:
            self.fault(number, "deemed", "只能是“是”或“否”。")
        relation = _RELATIONS.get(text["relation"])
        if text["relation"] and relation is None:
            self.fault(number, "relation", f"只能是{'、'.join(_RELATIONS)}。")
        if not text["name"]:
            for key in ("phones", "relation", "note"):
                if text[key]:
                    self.fault(number, key, "没有姓名，无处可记。")
        if len(self.problems) > before:
            return None
        return Row(
            number,
            community_id,
            text["building"],
            text["stair"],
            text["room"],
            days["delivered_on"],
            _DEEMED[text["deemed"]],
            days["moved_in_on"],
            text["name"],
            phones,
            relation,
            text["note"],
            room_label(text["building"], text["stair"], text["room"]),
        )

    def _day(self, number: int, key: str, cells: list[Cell]) -> date | None:
        cell = self.cell(key, cells)
        if isinstance(cell, str):
            typed = fold(clean_line(cell))
            if not typed:
                return None
            match = _DAY.fullmatch(typed) or _DAY_RUN.fullmatch(typed)
            try:
                cell = date(*(int(part) for part in match.groups()))  # type: ignore[union-attr]
            except (AttributeError, ValueError):
                self.fault(number, key, f"“{typed[:20]}”不是日期，请写成 2024-03-08。")
                return None
        if not 1980 <= cell.year <= 2099:
            self.fault(number, key, f"{cell.isoformat()} 不合理，应在 1980 年至 2099 年之间。")
            return None
        return cell

    def _check_dates(self, number: int, delivered: date | None, moved_in: date | None) -> None:
        if moved_in is not None and moved_in > self.today:
            self.fault(number, "moved_in_on", "入住日期不能晚于今天。")
        elif moved_in is not None and delivered is not None and moved_in < delivered:
            self.fault(number, "moved_in_on", "入住日期早于交付日期。")

    def _community(self, number: int, code: str, name: str) -> int:
        if not code:
            return 0
        known = self.communities.get(code.upper())
        if known is None:
            self.fault(number, "code", f"没有代号为“{code}”的小区，或不在您的权限范围内。")
            return 0
        if name and fold(name) != fold(known[1]):
            self.fault(number, "community", f"与代号不符：{code.upper()} 是{known[1]}。")
        return known[0]

    def _phones(self, number: int, typed: str) -> tuple[str, ...]:
        phones = list(dict.fromkeys(phones_in(typed)))
        for phone in phones:
            if not looks_like_phone(phone):
                self.fault(number, "phones", f"“{phone[:20]}”不像电话号码。")
        if len(phones) > MOST_PHONES:
            self.fault(number, "phones", f"一位客户最多 {MOST_PHONES} 个电话。")
        return tuple(phones)


def phones_in(typed: str) -> Iterator[str]:
    """The numbers of one cell: blanks part numbers only where each part could be dialled alone."""
    for piece in _BETWEEN_PHONES.split(fold(typed)):
        parts = piece.split()
        if len(parts) > 1 and all(looks_like_phone(part) and len(part) >= 7 for part in parts):
            yield from (phone_digits(part) for part in parts)
        elif parts:
            yield phone_digits(piece)
