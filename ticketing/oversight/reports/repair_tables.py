"""The tables a report has of repairs: W3 by trade and phenomenon, W4 by who repairs, W7 by class of order (procedure 5.1)."""

from ticketing.oversight.reports.behind import DefectEvent
from ticketing.oversight.reports.figures import add_up, rate
from ticketing.oversight.reports.links import Lists
from ticketing.oversight.reports.repair_rows import DefectRow, OrderRow, PartyRow, RepairFigures
from ticketing.oversight.reports.table import TOTAL, Cell, Table, columns
from ticketing.steps.work_orders.behind import HOLDS, LEAK_HOLDS, OrderEvent


def tables(told: RepairFigures, lists: Lists) -> dict[str, tuple[Table]]:
    """The three tables by the part of the report they stand in."""
    return {
        "W3": (_defects(told, lists),),
        "W4": (_parties(told, lists),),
        "W7": (_orders(told, lists),),
    }


def _defects(told: RepairFigures, lists: Lists) -> Table:
    def cells(row: DefectRow) -> list[Cell]:
        of = lists.place(None)
        if row.trade and row.phenomenon:
            of = {**of, "trade": row.trade.value, "phenomenon": row.phenomenon.value}
        reported = DefectEvent.REPORTED
        return [
            Cell(row.trade.label if row.trade else TOTAL),
            Cell(row.phenomenon.label if row.phenomenon else ""),
            Cell(row.new, lists.defects(row.new, reported, of)),
            Cell(row.homes, lists.defects(row.homes, reported, {**of, "homes": "1"})),
            Cell(row.rework, lists.defects(row.rework, DefectEvent.REWORK, of)),
            Cell(row.open, lists.open_defects(row.open, of)),
        ]

    return Table(
        "W3",
        "工种与现象",
        columns("工种 现象 新增 户数 返修 未结", 工种="text", 现象="text"),
        [cells(row) for row in (*told.defects, told.defect_total)],
        (
            "按报修项目计。户数：新增项目所在的户，每户计一次，合计不是各行之和；公共部位不计户数。",
            "返修：本期派出的返修派工单上的项目。未结：期末登记表尚未关闭的项目。",
        ),
    )


def _parties(told: RepairFigures, lists: Lists) -> Table:
    longest = max((row.longest for row in told.parties), default=0)
    total = add_up(
        told.parties, PartyRow, team_id=None, contractor_id=None, name=TOTAL, longest=longest
    )

    def cells(row: PartyRow) -> list[Cell]:
        of = lists.party(row.team_id, row.contractor_id, everything=row is total)

        def happened(count: int, event: OrderEvent) -> Cell:
            return Cell(count, lists.orders(count, event, of))

        return [
            Cell(row.name),
            happened(row.issued, OrderEvent.ISSUED),
            happened(row.due, OrderEvent.DUE),
            Cell(row.on_time),
            Cell(rate(row.on_time, row.due)),
            Cell(rate(row.original_on_time, row.original_due)),
            Cell(row.overdue, lists.overdue_orders(row.overdue, of)),
            Cell(row.longest),
            happened(row.completed, OrderEvent.COMPLETED),
            happened(row.held, OrderEvent.HELD),
            happened(row.undone, OrderEvent.UNDONE),
            Cell(rate(row.undone, row.held)),
            Cell(row.absences, lists.absences(row.absences, of)),
        ]

    return Table(
        "W4-维修",
        "维修责任方",
        columns(
            "责任方 派单 到期 及时 及时率 原时限及时率 超期 最长超期天数 完工 保持期内完工 已返修 返修率 勘察未到场",
            责任方="text",
            及时率="percent",
            原时限及时率="percent",
            返修率="percent",
        ),
        [cells(row) for row in (*told.parties, total)],
        (
            "责任方以汇总时为准：转施工单位的派工单计在施工单位，其余计在维修队。",
            "到期＝维修时限落在本期的派工单，延期的按现时限；及时＝按时自检完工，验收不合格的以最后一次自检为准。",
            "超期＝期末未自检完工且已过维修时限。勘察未到场＝经通知没有到场参加勘察的次数。",
            f"完工＝本期验收。返修率＝截至期末 {HOLDS.days} 天（渗漏 {LEAK_HOLDS.days} 天）内完工的派工单中，已派出返修派工单的比例。",
        ),
    )


def _orders(told: RepairFigures, lists: Lists) -> Table:
    total = add_up(told.orders, OrderRow, order_class=None, name=TOTAL)

    def cells(row: OrderRow) -> list[Cell]:
        of = {**lists.place(None), **({"class": row.order_class.value} if row.order_class else {})}

        def happened(count: int, event: OrderEvent) -> Cell:
            return Cell(count, lists.orders(count, event, of))

        return [
            Cell(row.name),
            Cell(row.opening, lists.in_repair(row.opening, of, opening=True)),
            happened(row.issued, OrderEvent.ISSUED),
            happened(row.completed, OrderEvent.COMPLETED),
            happened(row.cancelled, OrderEvent.CANCELLED),
            Cell(row.in_repair, lists.in_repair(row.in_repair, of)),
            Cell(row.estimate_fen, lists.orders(row.issued, OrderEvent.ISSUED, of)),
        ]

    return Table(
        "W7",
        "派工单（A、B类）",
        columns(
            "类别 期初在修 派出 完工 作废 期末在修 估价合计（元）",
            类别="text",
            **{"估价合计（元）": "money"},
        ),
        [cells(row) for row in (*told.orders, total)],
        (
            "期初在修＋派出－完工－作废＝期末在修。在修＝已签发、尚未验收；作废只计签发之后作废的。估价合计为本期派出的派工单经批准的估价。",
        ),
    )
