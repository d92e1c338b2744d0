"""The table a quarter has of the working funds (procedure 3.6, 3.10.4)."""

from collections.abc import Sequence

from ticketing.oversight.reports.figures import add_up
from ticketing.oversight.reports.imprest_rows import ImprestRow
from ticketing.oversight.reports.table import TOTAL, Cell, Table, columns, plain

HEADS = "周转金 期初 拨付 支出 补足 盘点与交回 期末现金 未报单据"


def table(rows: Sequence[ImprestRow]) -> Table:
    """One line for each fund, and their sum."""
    total = add_up(rows, ImprestRow, fund_id=None, name=TOTAL)

    def cells(row: ImprestRow) -> list[Cell]:
        return plain(
            (
                row.name,
                row.opening_fen,
                row.advanced_fen,
                row.spent_fen,
                row.filled_fen,
                row.other_fen,
                row.closing_fen,
                row.slips_fen,
            )
        )

    return Table(
        "周转金",
        "周转金（元）",
        columns(HEADS, kind="money", 周转金="text"),
        [cells(row) for row in (*rows, total)],
        (
            "期初＋拨付－支出＋补足＋盘点与交回＝期末现金。补足含维修款清回；已冲销的不计。",
            "未报单据为期末尚未补足的单据，含已报在途。",
        ),
    )
