"""Who signs for the money of one repair before it begins, by its amount (procedure 3.6.1)."""

from typing import NamedTuple

from ticketing.kernel.enums import Labelled
from ticketing.procedure.vocabulary import Role


class SpendingLimits(NamedTuple):
    """Up to which amount (fen, inclusive) who may approve a single repair; the procedure leaves the figures blank."""

    manager_fen: int
    deputy_gm_fen: int


class AttendanceLimit(NamedTuple):
    """Up to which estimate (fen, inclusive) the contractor may stay away from the survey (procedure 3.4.5)."""

    contractor_optional_fen: int


STANDARD = SpendingLimits(manager_fen=500_000, deputy_gm_fen=5_000_000)
STANDARD_ATTENDANCE = AttendanceLimit(contractor_optional_fen=100_000)


class Task(Labelled):
    """What a signature in the chain means."""

    REVIEW = "review", "审核"
    APPROVE = "approve", "批准"


class Signatory(NamedTuple):
    """One place in the chain: which role, and whether it reviews or approves."""

    role: Role
    task: Task


def signatories(amount_fen: int, limits: SpendingLimits = STANDARD) -> tuple[Signatory, ...]:
    """Who signs for one repair, in order (procedure 3.6.1). An amount exactly at a limit belongs to the lower tier."""
    return chains(amount_fen, limits)[0]


def chains(amount_fen: int, limits: SpendingLimits = STANDARD) -> tuple[tuple[Signatory, ...], ...]:
    """The chain of the amount's own tier and those above it: where nobody of a tier may sign, the next one does."""
    lowest = (amount_fen > limits.manager_fen) + (amount_fen > limits.deputy_gm_fen)
    return TIERS[lowest:]


TIERS: tuple[tuple[Signatory, ...], ...] = (
    (Signatory(Role.CS_MANAGER, Task.APPROVE),),
    (
        Signatory(Role.DEPUTY_CHIEF_ENGINEER, Task.REVIEW),
        Signatory(Role.DEPUTY_GM, Task.APPROVE),
    ),
    (
        Signatory(Role.DEPUTY_CHIEF_ENGINEER, Task.REVIEW),
        Signatory(Role.DEPUTY_GM, Task.REVIEW),
        Signatory(Role.GENERAL_MANAGER, Task.APPROVE),
    ),
)
"""Who signs for one repair, from the smallest amounts up (procedure 3.6.1)."""


def tier_sentence(amount_fen: int, limits: SpendingLimits = STANDARD) -> str:
    """Why an amount lies in its tier, in words: ``超过 5,000 元、50,000 元以内``."""
    low, high = (f"{fen // 100:,} 元" for fen in limits)
    if amount_fen <= limits.manager_fen:
        return f"{low}以内，由客户服务部经理批准"
    if amount_fen <= limits.deputy_gm_fen:
        return f"超过 {low}、{high}以内，由副总工程师审核、副总经理批准"
    return f"超过 {high}，由副总工程师、副总经理审核，总经理批准"
