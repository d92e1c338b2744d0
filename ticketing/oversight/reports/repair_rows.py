"""The rows a report has of repairs: defects by trade, the parties that repair, orders by class (W3, W4, W7)."""

from dataclasses import dataclass

from ticketing.procedure.repairs import OrderClass, Phenomenon, Trade


@dataclass(frozen=True)
class DefectRow:
    """W3: the defects of one trade and phenomenon; without either, all of them.

    `homes` counts the homes of the new ones, each once; `rework` those put on a rework order that was issued in the period;
    `open` those whose ticket was open at its end.
    """

    trade: Trade | None
    phenomenon: Phenomenon | None
    new: int = 0
    homes: int = 0
    rework: int = 0
    open: int = 0


@dataclass(frozen=True)
class PartyRow:
    """W4: one repair team, or one contractor, with the orders it had to carry out.

    What was transferred is the contractor's. `due` to `original_on_time` follow the repairs that fell due in the period, by the
    date agreed and by the first one. `completed` were accepted in the period; `held` are those that had to hold at its end, accepted
    in the last 90 days or, leaks, 365, and `undone` those of them that had been done again. `longest` is in calendar days, `absences` are surveys a contractor was called
    to and stayed away from (procedure 3.4.5).
    """

    team_id: int | None
    contractor_id: int | None
    name: str
    issued: int = 0
    due: int = 0
    on_time: int = 0
    original_due: int = 0
    original_on_time: int = 0
    overdue: int = 0
    longest: int = 0
    completed: int = 0
    held: int = 0
    undone: int = 0
    absences: int = 0


@dataclass(frozen=True)
class OrderRow:
    """W7: the work orders of one class. `estimate_fen` is what was approved for those issued in the period."""

    order_class: OrderClass | None
    name: str
    opening: int = 0
    issued: int = 0
    completed: int = 0
    cancelled: int = 0
    in_repair: int = 0
    estimate_fen: int = 0

    @property
    def balance(self) -> int:
        """What must still be in repair: opening + issued - completed - cancelled."""
        return self.opening + self.issued - self.completed - self.cancelled


@dataclass(frozen=True)
class RepairFigures:
    """Everything a report says of repairs; reports compiled before there were any have none."""

    defects: tuple[DefectRow, ...]
    defect_total: DefectRow
    parties: tuple[PartyRow, ...]
    orders: tuple[OrderRow, ...]
