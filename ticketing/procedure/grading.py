"""When a complaint is important or major: the rules as one table, and what they find (procedure 3.4.7).

A rule measures one fact and holds from its threshold on. The system only ever raises a grade by these
rules; lowering is a person's. The procedure names the grade without its rules: they are the house's own.
"""

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ticketing.procedure.vocabulary import Grade, Mark

HOME_WINDOW = 90
COMMUNITY_WINDOW = 30
"""Days within which tickets of one cause are counted together: of one home, of one community."""

LONGEST_MONTHS = 3
"""Months after which a complaint that is not finished is major."""


@dataclass(frozen=True)
class Facts:
    """What the rules look at. Days are calendar days (Shanghai dates), the claim is in fen.

    `same_home` counts this home's valid tickets of the same cause within 90 days, `homes` the different
    homes of the community with it within 30 days, this one included in both. `talks` are those with the
    customer that were recorded as ending without agreement.
    """

    grade: Grade
    today: date
    received_on: date
    due_on: date
    reworks: int = 0
    talks: int = 0
    claim_fen: int = 0
    same_home: int = 0
    homes: int = 0
    marks: frozenset[Mark] = frozenset()

    @property
    def open_days(self) -> int:
        """Days since it was received."""
        return (self.today - self.received_on).days

    @property
    def overdue_days(self) -> int:
        """Days since the completion was due."""
        return max((self.today - self.due_on).days, 0)


class Rule(NamedTuple):
    """One rule: what it measures, from which figure on it holds, which grade it asks for, and why.

    `by_time` marks what the mere passing of days brings: such rules are looked at nightly.
    """

    id: str
    grade: Grade
    measure: Callable[[Facts], int]
    threshold: int
    sentence: str
    source: str
    by_time: bool = False

    @property
    def shown_threshold(self) -> str:
        """The threshold as people read it."""
        return yuan(self.threshold) if self.measure is _claim else str(self.threshold)


class Finding(NamedTuple):
    """A rule that holds, with the figure it measured."""

    rule: Rule
    figure: int

    def __str__(self) -> str:
        shown = yuan(self.figure) if self.rule.measure is _claim else str(self.figure)
        return self.rule.sentence.format(n=shown)

    @property
    def weight(self) -> int:
        """What an overruling remembers: only a larger figure counts as a new fact; days alone never do."""
        return 1 if self.rule.by_time else self.figure


def yuan(fen: int) -> str:
    """An amount of fen in yuan: ``20,000 元``, ``0.50 元``."""
    return f"{fen // 100:,}{f'.{fen % 100:02d}' if fen % 100 else ''} 元"


def months_after(day: date, months: int) -> date:
    """The corresponding date so many months later, or the end of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _claim(facts: Facts) -> int:
    return facts.claim_fen


def _important_for(facts: Facts) -> int:
    return facts.open_days if facts.grade.weight >= Grade.IMPORTANT.weight else 0


def _unfinished(facts: Facts) -> int:
    late = facts.today > months_after(facts.received_on, LONGEST_MONTHS)
    return facts.open_days if late else 0


def _marked(mark: Mark) -> Callable[[Facts], int]:
    return lambda facts: int(mark in facts.marks)


_I, _M = Grade.IMPORTANT, Grade.MAJOR
HOUSE = "自定"

RULES: tuple[Rule, ...] = (
    Rule("home_again", _I, lambda f: f.same_home, 2, "同一住户 90 天内同类问题 {n} 次", HOUSE),
    Rule("talks_3", _I, lambda f: f.talks, 3, "与客户协商 {n} 次未达成一致", HOUSE),
    Rule("homes_3", _I, lambda f: f.homes, 3, "同一小区 30 天内 {n} 户同类问题", HOUSE),
    Rule("claim_5000", _I, _claim, 5_000_00, "索赔 {n}", HOUSE),
    Rule("overdue_7", _I, lambda f: f.overdue_days, 7, "办结已超期 {n} 天", HOUSE, by_time=True),
    Rule("safety", _M, _marked(Mark.SAFETY), 1, "涉及人身安全", HOUSE),
    Rule("homes_5", _M, lambda f: f.homes, 5, "同一小区 30 天内 {n} 户同类问题", HOUSE),
    Rule("claim_20000", _M, _claim, 20_000_00, "索赔 {n}", HOUSE),
    Rule("legal", _M, _marked(Mark.LEGAL), 1, "涉及诉讼或律师函", HOUSE),
    Rule("media", _M, _marked(Mark.MEDIA), 1, "媒体或政府部门介入", HOUSE),
    Rule("structure", _M, _marked(Mark.STRUCTURE), 1, "涉及结构安全", HOUSE),
    Rule("reworked_3", _M, lambda f: f.reworks, 3, "返工 {n} 次仍未解决", HOUSE),
    Rule("important_30", _M, _important_for, 31, "重要投诉受理后 {n} 天未结", HOUSE, by_time=True),
    Rule("unfinished_3_months", _M, _unfinished, 1, "受理后 {n} 天（超过 3 个月）未结", HOUSE, by_time=True),
)  # fmt: skip
"""Every rule, once. `homes` rules of both grades say the same sentence: the grave one is the one that counts."""

RULE_OF_MARK = {mark: mark.value for mark in Mark}
"""The id of the rule each mark brings about."""


def judge(
    facts: Facts, *, overruled: Mapping[str, int] | None = None, by_time: bool = True
) -> list[Finding]:
    """The rules that hold, without those a manager overruled on the same facts.

    A complaint that these rules make important is judged as an important one. Without `by_time` the rules
    that only the passing of days can bring about are left to the night.
    """
    found = _hold(facts, overruled or {}, by_time)
    if facts.grade is Grade.GENERAL and any(one.rule.grade is _I for one in found):
        found = _hold(Facts(**{**vars(facts), "grade": Grade.IMPORTANT}), overruled or {}, by_time)
    return found


def _hold(facts: Facts, overruled: Mapping[str, int], by_time: bool) -> list[Finding]:
    found = [Finding(rule, rule.measure(facts)) for rule in RULES if by_time or not rule.by_time]
    return [
        one
        for one in found
        if one.figure >= one.rule.threshold and one.weight > overruled.get(one.rule.id, 0)
    ]


def gravest(findings: Iterable[Finding], least: Grade) -> Grade:
    """The grade the findings ask for, never below `least`."""
    return max([least, *(one.rule.grade for one in findings)], key=lambda grade: grade.weight)


def reason(findings: Iterable[Finding], grade: Grade) -> str:
    """Why the system raises to `grade`, in a sentence: 系统判定为重大：同一小区 30 天内 5 户同类问题。"""
    said = dict.fromkeys(str(one) for one in findings if one.rule.grade is grade)
    return f"系统判定为{grade}：{'；'.join(said)}。"
