"""The rows a quarter has of the working funds (procedure 3.6, 3.10.4)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImprestRow:
    """One fund over a period, by the dates of its vouchers; amounts in fen, what was reversed left out.

    `filled_fen` is what came back for slips: by replenishment and out of settlements. `other_fen` are differences of counts and
    cash handed back. `slips_fen` are spent and not given back at the end, what is under way included.
    """

    fund_id: int | None
    name: str
    opening_fen: int = 0
    advanced_fen: int = 0
    spent_fen: int = 0
    filled_fen: int = 0
    other_fen: int = 0
    closing_fen: int = 0
    slips_fen: int = 0

    @property
    def balance_fen(self) -> int:
        """What should be left in cash."""
        moved = self.advanced_fen - self.spent_fen + self.filled_fen + self.other_fen
        return self.opening_fen + moved
