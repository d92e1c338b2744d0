"""Reading the State Council's list of a year (procedure 3.4.5), as it is pasted or as a table.

Two ways of writing are understood. The notice's own language: ``二、春节：2月15日（农历腊月二十八、周日）至23日放假调休，
共9天。2月14日（周六）、2月28日（周六）上班。`` And one day a line: ``2026-02-15 放假 春节``. Nothing is guessed: a line with
a date that is not understood is refused and quoted; a weekday or a number of days that does not agree with the
dates too.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from ticketing.kernel.clock import WEEKDAYS
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import one_line
from ticketing.masters.workcalendar.models import SpecialDay
from ticketing.masters.workcalendar.package import NamedDay
from ticketing.procedure.workdays import FIXED_HOLIDAYS, ONE_DAY

LONGEST_TEXT = 20_000
LONGEST_BREAK = 15
MOST_DAYS = 80
SECOND_OF_MAY_SINCE = 2025
FEASTS = ("元旦", "春节", "清明", "劳动节", "端午", "中秋", "国庆节")

_TITLE = re.compile(r"关于(\d{4})年[^。\n]{0,20}安排")
_NUMBER = re.compile(r"(国[^\s。,;:]{0,8}?)[〔\[(【](\d{4})[〕\])】](?:第)?(\d{1,3})号")
_ITEM = re.compile(r"(?:[一二三四五六七八九十]{1,3}[、.])?([\u4e00-\u9fff、]{2,20}):(.*)")
_NEXT_ITEM = re.compile(r"(?<=[。;号])(?=[一二三四五六七八九十]{1,3}[、.][\u4e00-\u9fff、]{2,20}:)")
_CLAUSES = re.compile(r"[。;,](?![^()]*\))")
_DAY = re.compile(r"(?:(\d{4})年)?(?:(\d{1,2})月)?(\d{1,2})日(?:\(([^()]*)\))?")
_TO = re.compile(r"至|到|-|–|—+|~")
_AND = re.compile(r"[、,和及与]")
_HAS_DAY = re.compile(r"\d日")
_WEEKDAY = re.compile(r"(?:周|星期)([一二三四五六日天])")
_COUNT = re.compile(r"共(\d{1,3})天")
_OFF, _ON = re.compile(r"^(?:调休)?放假|^补休|^休息"), re.compile(r"^(?:调休)?(?:正常)?上班|^补班")
_CELL_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_ROW = re.compile(r"(\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?)[\s,]+(\S{2,6})[\s,]+(\S.*)")
_KINDS = {
    "放假": SpecialDay.HOLIDAY,
    "节假日": SpecialDay.HOLIDAY,
    "休息": SpecialDay.HOLIDAY,
    "调休上班": SpecialDay.MAKEUP,
    "上班": SpecialDay.MAKEUP,
    "补班": SpecialDay.MAKEUP,
}
HEADS = ("日期", "类别", "名称")


class Notice(NamedTuple):
    """What was understood of a list: its year, its number, its days, and sentences left aside on purpose."""

    year: int
    number: str
    days: tuple[NamedDay, ...]
    aside: tuple[str, ...] = ()


def understand(text: str, *, year: int | None = None, number: str = "") -> Notice:
    """The list in `text`; `year` and `number` stand in where the text itself does not say them.

    Raises Invalid with the offending line.
    """
    if len(text) > LONGEST_TEXT:
        raise Invalid(f"内容过长，最多 {LONGEST_TEXT} 个字。", field="text")
    lines = _lines(text)
    if not lines:
        raise Invalid("请粘贴放假安排，或上传表格。", field="text")
    told_year, told_number = _told("\n".join(lines))
    if number and told_number and _canonical(number) != told_number:
        raise Invalid(f"文号与通知里的“{told_number}”不一致。", field="number")
    if year and told_year and year != told_year:
        raise Invalid(f"年份与通知标题里的 {told_year} 年不一致。", field="year")
    rows = [row for line in lines if (row := _ROW.fullmatch(line))]
    year = year or told_year or (_cell_day(rows[0][1], rows[0][0]).year if rows else None)
    if year is None:
        raise Invalid("通知里没有写明年份，请填写年份。", field="year")
    aside: list[str] = []
    read = _table(lines) if rows else _prose(lines, year, aside)
    days = tuple(_of_the_year(read, year, aside))
    if not days:
        raise Invalid("没有读出任何放假或调休日期，请粘贴通知全文。", field="text")
    number = told_number or _canonical(number)
    return Notice(year, number, tuple(sorted(days, key=lambda one: one.day)), tuple(aside))


def check(year: int, days: Sequence[NamedDay]) -> None:
    """Refuse a list that contradicts itself or the law. Raises Invalid with a sentence."""
    seen: dict[date, NamedDay] = {}
    for one in days:
        shown, earlier = _shown(one.day), seen.get(one.day)
        if one.day.year != year:
            raise Invalid(f"{shown}不在 {year} 年。", field="text")
        if earlier is not None and earlier.kind is not one.kind:
            raise Invalid(f"{shown}既写了放假，又写了上班。", field="text")
        if earlier is not None:
            raise Invalid(f"{shown}写了两次。", field="text")
        if one.kind is SpecialDay.MAKEUP and one.day.weekday() < 5:
            raise Invalid(f"{shown}本来就上班，不能是调休上班日。", field="text")
        if not one.name.strip():
            raise Invalid(f"{shown}没有写节日名称。", field="text")
        seen[one.day] = one
    if len(days) > MOST_DAYS:
        raise Invalid(f"一年的放假和调休日期不应超过 {MOST_DAYS} 天。", field="text")
    off = [one for one in days if one.kind is SpecialDay.HOLIDAY]
    names = "、".join(one.name for one in off)
    missing = [feast for feast in FEASTS if feast not in names]
    if missing:
        raise Invalid(f"缺少法定节日：{'、'.join(missing)}。", field="text")
    dates = {one.day for one in off}
    for (month, day), name in FIXED_HOLIDAYS.items():
        if (month, day) == (5, 2) and year < SECOND_OF_MAY_SINCE:
            continue
        if date(year, month, day) not in dates:
            raise Invalid(f"{name}的法定假日 {month}月{day}日 没有列为放假。", field="text")
    if sum("春节" in one.name for one in off) < 3:
        raise Invalid("春节放假少于 3 天。", field="text")


def as_lines(days: Iterable[NamedDay]) -> str:
    """A list written one day a line, as `understand` reads it again."""
    return "\n".join(
        f"{one.day.isoformat()} {'放假' if one.kind is SpecialDay.HOLIDAY else '调休上班'} {one.name}"
        for one in days
    )


def from_rows(rows: Iterable[tuple[int, Sequence[str | date]]]) -> str:
    """A table with the columns 日期, 类别, 名称 (numbered rows, in any order of columns) as lines.

    Raises Invalid with the row.
    """
    places: list[int] | None = None
    days: list[NamedDay] = []
    for number, cells in rows:
        words = [str(cell).strip() for cell in cells]
        if not any(words):
            continue
        if places is None:
            if not set(HEADS) <= set(words):
                raise Invalid(f"第 {number} 行应是栏目名：{'、'.join(HEADS)}。", field="file")
            places = [words.index(head) for head in HEADS]
            continue
        if len(days) >= MOST_DAYS:
            raise Invalid(f"表格超过 {MOST_DAYS} 行，不像一年的放假安排。", field="file")
        day, kind, name = (words[place] if place < len(words) else "" for place in places)
        try:
            days.append(NamedDay(_cell_day(day, f"第 {number} 行"), _kind(kind, number), name))
        except Invalid as error:
            raise Invalid(error.message, field="file") from None
        if not name:
            raise Invalid(f"第 {number} 行没有写节日名称。", field="file")
    if not days:
        raise Invalid("表格里没有日期。", field="file")
    return as_lines(days)


def from_csv(content: bytes) -> str:
    """The same of a CSV file in UTF-8 or GB 18030. Raises Invalid."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Invalid("文件的文字编码无法识别，请另存为 UTF-8 格式的 CSV。", field="file")
    try:
        return from_rows(enumerate(csv.reader(io.StringIO(text, newline="")), 1))
    except csv.Error:
        raise Invalid("这不是 CSV 表格，请检查文件。", field="file") from None


def _lines(text: str) -> list[str]:
    """Lines with full-width forms narrowed; blanks go from prose and stay between the cells of a row."""
    lines = []
    for raw in unicodedata.normalize("NFKC", text).replace("\t", " ").splitlines():
        line = raw.strip()
        if not line:
            continue
        if _ROW.fullmatch(line):
            lines.append(line)
        else:
            lines += [part for part in _NEXT_ITEM.split(re.sub(r"\s+", "", line)) if part]
    return lines


def _told(text: str) -> tuple[int | None, str]:
    title, number = _TITLE.search(text.replace("\n", "")), _NUMBER.search(text)
    return (int(title[1]) if title else None, _join(number) if number else "")


def _canonical(number: str) -> str:
    """A notice number with its year in 〔〕; anything else as it was typed."""
    narrow = re.sub(r"\s+", "", unicodedata.normalize("NFKC", number))
    found = _NUMBER.fullmatch(narrow)
    return _join(found) if found else number.strip()


def _join(found: re.Match[str]) -> str:
    return f"{found[1]}〔{found[2]}〕{found[3]}号"


def _table(lines: list[str]) -> Iterator[NamedDay]:
    for number, line in enumerate(lines, 1):
        row = _ROW.fullmatch(line)
        if row is not None:
            yield NamedDay(_cell_day(row[1], line), _kind(row[2], number, line), row[3].strip())
        elif _HAS_DAY.search(line) or re.search(r"\d{4}[-/.]\d", line):
            raise _unknown(line)


def _cell_day(cell: str, where: str) -> date:
    found = _CELL_DAY.fullmatch(unicodedata.normalize("NFKC", cell).strip())
    try:
        if found is None:
            raise ValueError
        return date(*map(int, found.groups()))
    except ValueError:
        raise Invalid(
            f"日期看不懂：“{one_line(cell, 30)}”（{one_line(where, 60)}）。", field="text"
        ) from None


def _kind(cell: str, number: int, line: str = "") -> SpecialDay:
    if cell not in _KINDS:
        where = one_line(line, 60) if line else f"第 {number} 行"
        raise Invalid(
            f"类别只能是“放假”或“调休上班”，不能是“{one_line(cell, 12)}”（{where}）。", field="text"
        )
    return _KINDS[cell]


def _prose(lines: list[str], year: int, aside: list[str]) -> Iterator[NamedDay]:
    """The days of a notice in its own language, item by item."""
    name = ""
    for line in lines:
        item = _ITEM.fullmatch(line)
        if item is not None:
            name, line = item[1], item[2]
        for sentence in line.split("。"):
            if not _HAS_DAY.search(sentence) or _dated_or_titled(sentence):
                continue
            if not name:
                raise _unknown(sentence)
            if sentence.startswith("鼓励"):
                aside.append(f"{sentence}。")
                continue
            yield from _sentence(sentence, name, year)


def _dated_or_titled(sentence: str) -> bool:
    """Whether a sentence only says when the notice was written."""
    return re.fullmatch(r"(?:国务院办公厅)?\(?\d{4}年\d{1,2}月\d{1,2}日\)?", sentence) is not None


def _sentence(sentence: str, name: str, year: int) -> Iterator[NamedDay]:
    holidays: list[NamedDay] = []
    told: int | None = None
    for clause in _CLAUSES.split(sentence):
        counted = _COUNT.search(clause)
        told = int(counted[1]) if counted else told
        if not _HAS_DAY.search(clause):
            continue
        days, rest = _days(clause, year, sentence)
        if _OFF.match(rest):
            kind = SpecialDay.HOLIDAY
        elif _ON.match(rest):
            kind = SpecialDay.MAKEUP
        else:
            raise _unknown(sentence)
        if _HAS_DAY.search(rest):
            raise _unknown(sentence)
        named = [NamedDay(day, kind, name) for day in days]
        holidays += named if kind is SpecialDay.HOLIDAY else []
        yield from named
    if told is not None and told != len(holidays):
        raise Invalid(
            f"写的是共 {told} 天，日期却有 {len(holidays)} 天：“{one_line(sentence, 80)}”。",
            field="text",
        )


def _days(clause: str, year: int, line: str) -> tuple[list[date], str]:
    """The dates a clause begins with, ranges written out, and what stands behind them."""
    days: list[date] = []
    at, last = 0, None
    while found := _DAY.match(clause, at):
        first = last = _date(found, last, year, line)
        at = found.end()
        to = _TO.match(clause, at)
        if to is not None:
            found = _DAY.match(clause, to.end())
            if found is None:
                raise _unknown(line)
            last, at = _date(found, first, year, line), found.end()
            if not 0 < (last - first).days < LONGEST_BREAK:
                raise Invalid(f"起止日期不对：“{one_line(line, 80)}”。", field="text")
        days += [first + n * ONE_DAY for n in range((last - first).days + 1)]
        more = _AND.match(clause, at)
        if more is None:
            break
        at = more.end()
    return days, clause[at:]


def _date(found: re.Match[str], before: date | None, year: int, line: str) -> date:
    """One date; year and month that are not written are those of the date before it."""
    told_year, told_month, told_day, words = found.groups()
    month = int(told_month) if told_month else before.month if before else 0
    try:
        day = date(int(told_year or (before.year if before else year)), month, int(told_day))
    except ValueError:
        raise Invalid(f"没有这一天：“{one_line(line, 80)}”。", field="text") from None
    weekday = _WEEKDAY.search(words or "")
    if weekday is not None and weekday[1].replace("天", "日") != WEEKDAYS[day.weekday()]:
        raise Invalid(
            f"{_shown(day)}与写的“{weekday[0]}”不符，请核对年份：“{one_line(line, 80)}”。",
            field="text",
        )
    return day


def _of_the_year(days: Iterable[NamedDay], year: int, aside: list[str]) -> Iterator[NamedDay]:
    """Without the rest days of a neighbouring year that are a weekend there anyway."""
    for one in days:
        outside = one.day.year != year and one.kind is SpecialDay.HOLIDAY
        if outside and one.day.weekday() >= 5:
            aside.append(f"{_shown(one.day)}不在 {year} 年，本来就是周末，不另列。")
        else:
            yield one


def _unknown(line: str) -> Invalid:
    return Invalid(f"看不懂这一行：“{one_line(line, 80)}”。", field="text")


def _shown(day: date) -> str:
    return f"{day.isoformat()}（周{WEEKDAYS[day.weekday()]}）"
