"""The rows a report has of money: accounts by class, and what is recovered from contractors (procedure 3.5.5 to 3.5.9)."""

from dataclasses import dataclass

from ticketing.procedure.repairs import OrderClass


@dataclass(frozen=True)
class CostRow:
    """The accounts of one class of order in a period; amounts in fen, with tax.

    `submitted` were handed in, `reviewed` approved (`before_fen` as handed in, `approved_fen` as approved), `certified` and
    `paid` in the period.
    """

    order_class: OrderClass | None
    name: str
    submitted: int = 0
    submitted_fen: int = 0
    reviewed: int = 0
    before_fen: int = 0
    approved_fen: int = 0
    certified: int = 0
    certified_fen: int = 0
    paid: int = 0
    paid_fen: int = 0

    @property
    def cut_fen(self) -> int:
        """审减: what the reviews of the period took off."""
        return self.before_fen - self.approved_fen


@dataclass(frozen=True)
class RecoveryRow:
    """What one contractor owes for class A repairs paid in the period, and how much of it his retention covered.

    `notified` were sent to him in the period, `disputed` he objected to; `owed_fen` is what was charged for those paid,
    `deducted_fen` what his retention gave. The rest is a receivable.
    """

    contractor_id: int | None
    name: str
    notified: int = 0
    disputed: int = 0
    paid: int = 0
    owed_fen: int = 0
    deducted_fen: int = 0

    @property
    def receivable_fen(self) -> int:
        """What his retention did not cover."""
        return self.owed_fen - self.deducted_fen


@dataclass(frozen=True)
class CostFigures:
    """Everything a report says of money; reports compiled before there were accounts have none."""

    costs: tuple[CostRow, ...]
    recoveries: tuple[RecoveryRow, ...]
