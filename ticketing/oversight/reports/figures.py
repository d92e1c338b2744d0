"""The figures of a report: frozen numbers (`balance` is what they must keep, `frozen` their stored form).

Counts only; every rate is derived from two counts where it is shown, and an empty denominator gives
None, which prints as a dash. The page and the workbook are two faces of one `Figures`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from ticketing.oversight.reports.cost_rows import CostFigures
from ticketing.oversight.reports.imprest_rows import ImprestRow
from ticketing.oversight.reports.repair_rows import RepairFigures
from ticketing.procedure.periods import Period
from ticketing.procedure.vocabulary import Grade, ReportKind

Row = TypeVar("Row")

AGE_BANDS = ((0, 3), (4, 7), (8, 15), (16, 30), (31, 90), (91, None))
"""Calendar days since receipt; the last band is open."""

COMPARABLE = 20
"""Below this base a change is not shown as a percentage: it would only be noise."""


def rate(part: int, whole: int) -> float | None:
    """A share; None where there is nothing to share."""
    return part / whole if whole else None


def change(now: int, base: int) -> float | None:
    """The change against an earlier period; None when the base is too small to compare."""
    return (now - base) / base if base >= COMPARABLE else None


def age_band(days: int) -> int:
    """Which of `AGE_BANDS` an age in calendar days falls into."""
    return next(n for n, (_, last) in enumerate(AGE_BANDS) if last is None or days <= last)


class Carried(NamedTuple):
    """What the submitted report of the period before stated: its closing stock, its communities."""

    closing: int
    communities: dict[int, str]


@dataclass(frozen=True)
class SummaryRow:
    """W1: what one community carried over, received, finished and still owes."""

    community_id: int | None
    name: str
    office: str
    opening: int = 0
    new: int = 0
    major: int = 0
    reopened: int = 0
    closed: int = 0
    invalid: int = 0
    withdrawn: int = 0
    merged: int = 0
    closing: int = 0
    overdue: int = 0
    callbacks_due: int = 0
    callbacks_made: int = 0
    answers: int = 0
    content: int = 0
    place: int | None = None
    repairs_due: int = 0
    repairs_on_time: int = 0

    @property
    def to_handle(self) -> int:
        """本期应处理: carried over and new."""
        return self.opening + self.new

    @property
    def completion(self) -> float | None:
        """完成率: closed per case to handle."""
        return rate(self.closed, self.to_handle)

    @property
    def balance(self) -> int:
        """What must still be open: opening + new + reopened - closed - invalid - withdrawn - merged."""
        out = self.closed + self.invalid + self.withdrawn + self.merged
        return self.opening + self.new + self.reopened - out


@dataclass(frozen=True)
class CategoryRow:
    """W2: one category; `code` is empty for what nobody has classified yet.

    `last` counts the new ones of the period before; `base` those of the four weeks before the
    reporting week, or of the same quarter of last year.
    """

    code: str
    name: str
    new: int = 0
    last: int = 0
    base: int = 0
    closed: int = 0
    open: int = 0


@dataclass(frozen=True)
class DepartmentRow:
    """W4: one responsible department; `longest` is in calendar days past the completion date.

    Completions twice where some were extended: by the date agreed, and by the original one.
    """

    department_id: int | None
    name: str
    dispatched: int = 0
    feedback_due: int = 0
    feedback_on_time: int = 0
    due: int = 0
    on_time: int = 0
    original_due: int = 0
    original_on_time: int = 0
    overdue: int = 0
    longest: int = 0


@dataclass(frozen=True)
class AgeRow:
    """W5: the open cases of one grade by age in calendar days since receipt."""

    grade: Grade | None
    name: str
    bands: tuple[int, ...]
    mean: float | None
    median: float | None

    @property
    def count(self) -> int:
        """All open cases of the grade."""
        return sum(self.bands)


@dataclass(frozen=True)
class CaseRow:
    """W6: one open case the reader has to know of (procedure 3.4.4)."""

    ticket_id: int
    number: str
    room: str
    summary: str
    grade: Grade
    received_on: date
    due_on: date
    days_over: int
    handler: str
    action_taken: str
    next_step: str
    next_on: date | None
    untracked: bool
    lacking: str = ""


@dataclass(frozen=True)
class CaseList:
    """W6 with its totals; `rows` holds the gravest when there are too many to print."""

    overdue: int = 0
    major: int = 0
    untracked: int = 0
    listed: int = 0
    rows: tuple[CaseRow, ...] = ()


@dataclass(frozen=True)
class CallbackRow:
    """W8: the callbacks of one community.

    `due` to `on_time` follow the callbacks that fell due in the period; the answers and `unreached`
    are those given, or not to be had, in the period.
    """

    community_id: int | None
    name: str
    due: int = 0
    made: int = 0
    on_time: int = 0
    very_satisfied: int = 0
    satisfied: int = 0
    neutral: int = 0
    dissatisfied: int = 0
    unreached: int = 0

    @property
    def answers(self) -> int:
        """Everybody who answered."""
        return self.very_satisfied + self.satisfied + self.neutral + self.dissatisfied

    @property
    def content(self) -> int:
        """Answers of satisfied or better."""
        return self.very_satisfied + self.satisfied


@dataclass(frozen=True)
class UnhappyRow:
    """不满意明细: what one customer said at the callback."""

    ticket_id: int
    number: str
    room: str
    summary: str
    answered_on: date
    opinion: str
    department: str
    handler: str


@dataclass(frozen=True)
class ComparisonRow:
    """One quantity beside the period before and the same period of last year."""

    name: str
    now: int
    last: int
    year_before: int


@dataclass(frozen=True)
class DensityRow:
    """百户投诉量: valid new cases per hundred delivered homes of one community."""

    community_id: int | None
    name: str
    valid: int = 0
    delivered: int = 0
    months: int | None = None

    @property
    def per_hundred(self) -> float | None:
        """Cases per hundred homes; None where nothing has been delivered."""
        return self.valid * 100 / self.delivered if self.delivered else None


@dataclass(frozen=True)
class KpiRow:
    """One rate with its target: what was done in time of what fell due in the period.

    `at_most`: the target is a ceiling, as for rework.
    """

    name: str
    done: int
    due: int
    target: float
    at_most: bool = False


@dataclass(frozen=True)
class RawRow:
    """One new case of the period as it stood when the report was compiled; the phone is masked."""

    number: str
    received_at: datetime
    channel: str
    community: str
    room: str
    caller: str
    phone: str
    summary: str
    category: str
    grade: str
    department: str
    handler: str
    stage: str


@dataclass(frozen=True)
class Figures:
    """Everything a report says. `office_id` None is the whole company.

    `as_of_on` is the last day counted; `cutoff_at` the instant up to which moves count; `carried`
    what the submitted report of the period before stated as its closing stock; `joined` and `left`
    name the communities this one has and that one had not, and the other way round.
    `recounted` is the opening and closing stock counted a second way, from the register itself. `repairs` and `costs` are
    None in reports compiled before there were work orders and accounts, `imprest` before there were working funds and in weeks.
    """

    kind: ReportKind
    office_id: int | None
    office: str
    first_on: date
    last_on: date
    as_of_on: date
    cutoff_at: datetime
    complete: bool
    carried: int | None
    recounted: tuple[int, ...]
    summary: tuple[SummaryRow, ...]
    total: SummaryRow
    categories: tuple[CategoryRow, ...]
    departments: tuple[DepartmentRow, ...]
    ages: tuple[AgeRow, ...]
    age_total: AgeRow
    cases: CaseList
    callbacks: tuple[CallbackRow, ...]
    unhappy: tuple[UnhappyRow, ...]
    comparisons: tuple[ComparisonRow, ...]
    density: tuple[DensityRow, ...]
    kpis: tuple[KpiRow, ...]
    raw: tuple[RawRow, ...]
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    repairs: RepairFigures | None = None
    costs: CostFigures | None = None
    imprest: tuple[ImprestRow, ...] | None = None

    @property
    def period(self) -> Period:
        """The period covered."""
        return Period(self.kind, self.first_on, self.last_on)


def add_up(rows: Iterable[Row], kind: type[Row], **fixed: Any) -> Row:
    """The total row: `fixed` as given, every other field the sum over `rows`."""
    rows = list(rows)
    names = [field.name for field in fields(kind) if field.name not in fixed]  # type: ignore[arg-type]
    return kind(**fixed, **{name: sum(getattr(row, name) for row in rows) for name in names})
