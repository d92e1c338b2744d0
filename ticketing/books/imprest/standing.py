"""Where a fund stands: cash, slips and what is in transit against its ceiling, what differs and why, what is flagged (procedure 3.6)."""

from datetime import date
from typing import NamedTuple

from ticketing.books.imprest.models import ImprestFund, ImprestRequest
from ticketing.kernel.text import show_fen
from ticketing.procedure.imprest import Flag, count_flag, must_clear, reaches, used_bp
from ticketing.procedure.parameters import Limits, percent


class Moved(NamedTuple):
    """What counts and cash handed back did to a fund since its newest request was asked, in fen."""

    counted_fen: int = 0
    returned_fen: int = 0


class Reason(NamedTuple):
    """A part of a difference: why, and how much is missing (positive) or too much."""

    why: str
    fen: int


class Raised(NamedTuple):
    """A flag with its sentence."""

    flag: Flag
    text: str


class Standing(NamedTuple):
    """A fund as it stands, in fen. `asked` is the request under way, `last` the newest that was not withdrawn.

    `stale` slips are older than 30 days, the oldest of `oldest_on`; `emptied_on` is when all its cash was last handed back,
    `since` when it first had money.
    """

    fund: ImprestFund
    today: date
    limits: Limits
    ceiling_fen: int
    cash_fen: int
    book_slips_fen: int
    asked: ImprestRequest | None
    last: ImprestRequest | None
    moved: Moved
    stale: int
    oldest_on: date | None
    counted_on: date | None
    emptied_on: date | None
    since: date | None

    @property
    def handed_in_fen(self) -> int:
        """The slips handed in with the request under way."""
        return self.asked.slips_fen if self.asked is not None else 0

    @property
    def slips_fen(self) -> int:
        """The slips that are with the fund still."""
        return self.book_slips_fen - self.handed_in_fen

    @property
    def transit_fen(self) -> int:
        """What was asked for and has not arrived."""
        return self.asked.amount_fen if self.asked is not None else 0

    @property
    def float_fen(self) -> int:
        """Cash, slips and transit: what should be the ceiling."""
        return self.cash_fen + self.slips_fen + self.transit_fen

    @property
    def missing_fen(self) -> int:
        """What is missing to the ceiling; negative where there is too much."""
        return self.ceiling_fen - self.float_fen

    @property
    def used_bp(self) -> int | None:
        """The share of the ceiling that is no longer there as cash, in basis points."""
        return used_bp(self.ceiling_fen, self.cash_fen)

    @property
    def stopped(self) -> bool:
        """Whether only urgent repairs may be paid."""
        return reaches(self.ceiling_fen, self.cash_fen, self.limits.stop_bp)

    def request_fen(self, handed_in_fen: int) -> int:
        """What brings the fund to its ceiling when slips of `handed_in_fen` are handed in (nothing being under way)."""
        return self.ceiling_fen - self.cash_fen - self.transit_fen - self.slips_fen + handed_in_fen

    @property
    def reasons(self) -> list[Reason]:
        """Why the fund is not at its ceiling: the parts add up to what is missing."""
        if not self.missing_fen:
            return []
        if self.last is None:
            return [Reason("尚未申请拨付", self.missing_fen)]
        raised = self.ceiling_fen - self.last.ceiling_fen
        known = [
            Reason(
                f"限额由 {show_fen(self.last.ceiling_fen)} 改为 {show_fen(self.ceiling_fen)}",
                raised,
            ),
            Reason(
                "盘点短款" if self.moved.counted_fen < 0 else "盘点长款", -self.moved.counted_fen
            ),
            Reason("交回现金", -self.moved.returned_fen),
        ]
        rest = self.missing_fen - sum(one.fen for one in known)
        return [one for one in (*known, Reason("拨付冲销或撤回", rest)) if one.fen]

    @property
    def flags(self) -> list[Raised]:
        """What is not as it should be, the most pressing first (procedure 3.6)."""
        found = []
        if self.since is not None:
            found += self._used()
        if self.stale:
            text = f"{self.stale} 张单据超过 30 天未报，最早 {self.oldest_on}"
            found.append(Raised(Flag.STALE, text))
        if self.since is not None and self.cash_fen:
            found += self._routine(self.since)
        if self.missing_fen:
            how = "少" if self.missing_fen > 0 else "多"
            why = "、".join(one.why for one in self.reasons)
            text = f"比限额{how} {show_fen(abs(self.missing_fen))} 元：{why}"
            found.append(Raised(Flag.DIFFERS, text))
        return found

    def _used(self) -> list[Raised]:
        if self.stopped:
            text = f"已用达 {percent(self.limits.stop_bp)}，除抢修外停止支出"
            return [Raised(Flag.STOPPED, text)]
        if self.asked is None and reaches(
            self.ceiling_fen, self.cash_fen, self.limits.replenish_bp
        ):
            text = f"已用达 {percent(self.limits.replenish_bp)}，应补足"
            return [Raised(Flag.REPLENISH, text)]
        return []

    def _routine(self, since: date) -> list[Raised]:
        found = []
        flag = count_flag(self.counted_on, since, self.today)
        if flag is not None:
            last = f"最近一次 {self.counted_on}" if self.counted_on else "尚未盘点过"
            found.append(Raised(flag, f"{flag.label}（{last}）"))
        year = must_clear(self.emptied_on, since, self.today)
        if year is not None:
            found.append(
                Raised(Flag.YEAR_END, f"{year} 年终清理：现金应在 12 月 31 日前交回，次年重新拨付")
            )
        return found
