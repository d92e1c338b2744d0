"""Who signs for the money of one repair before it begins, by its amount (procedure 3.6.1)."""

from typing import NamedTuple

from ticketing.kernel.enums import Labelled
from ticketing.procedure.grading import yuan
from ticketing.procedure.parameters import Limits
from ticketing.procedure.vocabulary import Role


class Task(Labelled):
    """What a signature in the chain means."""

    REVIEW = "review", "审核"
    APPROVE = "approve", "批准"


class Signatory(NamedTuple):
    """One place in the chain: which role, and whether it reviews or approves."""

    role: Role
    task: Task


def signatories(amount_fen: int, limits: Limits) -> tuple[Signatory, ...]:
    """Who signs for one repair, in order (procedure 3.6.1). An amount exactly at a limit belongs to the lower tier."""
    return chains(amount_fen, limits)[0]


def chains(amount_fen: int, limits: Limits) -> tuple[tuple[Signatory, ...], ...]:
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


def tier_sentence(amount_fen: int, limits: Limits) -> str:
    """Why an amount lies in its tier, in words: ``超过 5,000 元、50,000 元以内``."""
    low, high = yuan(limits.manager_fen), yuan(limits.deputy_gm_fen)
    if amount_fen <= limits.manager_fen:
        return f"{low}以内，由客户服务部经理批准"
    if amount_fen <= limits.deputy_gm_fen:
        return f"超过 {low}、{high}以内，由副总工程师审核、副总经理批准"
    return f"超过 {high}，由副总工程师、副总经理审核，总经理批准"
