"""The tables a report has of money: accounts by class, recovery by contractor (procedure 3.5.5 to 3.5.9, 5.1)."""

from ticketing.oversight.reports.cost_rows import CostFigures, CostRow, RecoveryRow
from ticketing.oversight.reports.figures import add_up, rate
from ticketing.oversight.reports.table import TOTAL, Cell, Table, columns, plain

_MONEY = {
    "报审金额（元）": "money",
    "审前（元）": "money",
    "审定（元）": "money",
    "审减（元）": "money",
    "审减率": "percent",
    "认定金额（元）": "money",
    "拨付金额（元）": "money",
    "单均审定（元）": "money",
}


def tables(told: CostFigures) -> list[Table]:
    """Costs by class; recovery only where a contractor bears something."""
    listed = [_costs(told)]
    if told.recoveries:
        listed.append(_recoveries(told))
    return listed


def _costs(told: CostFigures) -> Table:
    total = add_up(told.costs, CostRow, order_class=None, name=TOTAL)

    def cells(row: CostRow) -> list[Cell]:
        mean = round(row.approved_fen / row.reviewed) if row.reviewed else None
        return plain(
            (
                row.name,
                row.submitted,
                row.submitted_fen,
                row.reviewed,
                row.before_fen,
                row.approved_fen,
                row.cut_fen,
                rate(row.cut_fen, row.before_fen),
                mean,
                row.certified,
                row.certified_fen,
                row.paid,
                row.paid_fen,
            )
        )

    return Table(
        "费用",
        "维修费用",
        columns(
            "类别 报审 报审金额（元） 审定单数 审前（元） 审定（元） 审减（元） 审减率 单均审定（元）"
            " 认定 认定金额（元） 拨付 拨付金额（元）",
            类别="text",
            **_MONEY,
        ),
        [cells(row) for row in (*told.costs, total)],
        (
            "含税金额。报审、审定、认定、拨付各按其日期落在本期的结算计；退回重审的以最后一次为准。",
            "审减率＝（审前－审定）÷审前，只计本期审定的。",
        ),
    )


def _recoveries(told: CostFigures) -> Table:
    total = add_up(told.recoveries, RecoveryRow, contractor_id=None, name=TOTAL)

    def cells(row: RecoveryRow) -> list[Cell]:
        return plain(
            (
                row.name,
                row.notified,
                row.disputed,
                row.paid,
                row.owed_fen,
                row.deducted_fen,
                row.receivable_fen,
                rate(row.deducted_fen, row.owed_fen),
            )
        )

    return Table(
        "扣回",
        "A类费用扣回",
        columns(
            "施工单位 通知确认 提出异议 已付单数 应扣（元） 质保金扣回（元） 转应收（元） 扣回率",
            施工单位="text",
            扣回率="percent",
            **{"应扣（元）": "money", "质保金扣回（元）": "money", "转应收（元）": "money"},
        ),
        [cells(row) for row in (*told.recoveries, total)],
        ("应扣＝本期拨付的A类结算应由施工单位承担的金额；质保金不足的部分转应收。",),
    )
