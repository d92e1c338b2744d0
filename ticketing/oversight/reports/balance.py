"""The balance that figures must keep: what contradicts itself is never stored (procedure 3.10.3)."""

from ticketing.kernel.errors import DomainError
from ticketing.oversight.reports.figures import Figures


class Unbalanced(DomainError):
    """The figures contradict each other; such a report is never stored (procedure 3.10.3)."""

    status = 409


def check_balance(figures: Figures) -> None:
    """Refuse figures that do not add up. Raises Unbalanced, naming the table and the line."""
    for row in (*figures.summary, figures.total):
        _equal(row.balance, row.closing, f"汇总表“{row.name}”的期末未结")
    total = figures.total
    _equal(total.opening, figures.recounted[0], "期初结转与登记表")
    _equal(total.closing, figures.recounted[1], "期末未结与登记表")
    for name in ("opening", "new", "closed", "closing", "overdue"):
        _equal(
            sum(getattr(row, name) for row in figures.summary),
            getattr(total, name),
            f"汇总表合计 {name}",
        )
    _equal(sum(row.new for row in figures.categories), total.new, "分类表新增")
    _equal(sum(row.closed for row in figures.categories), total.closed, "分类表关闭")
    _equal(sum(row.open for row in figures.categories), total.closing, "分类表未结")
    _equal(sum(row.count for row in figures.ages), total.closing, "时长表")
    _equal(figures.age_total.count, total.closing, "时长表合计")
    _equal(sum(row.overdue for row in figures.departments), total.overdue, "责任部门表超期")
    _equal(sum(row.due for row in figures.callbacks), total.callbacks_due, "回访表应访")
    _equal(sum(row.answers for row in figures.callbacks), total.answers, "回访表答复")
    if figures.repairs is not None:
        _repairs(figures)
    if figures.costs is not None:
        for one in figures.costs.recoveries:
            if not 0 <= one.deducted_fen <= one.owed_fen:
                raise Unbalanced(_SAYS.format(f"扣回表“{one.name}”（{one.deducted_fen}）"))
    for fund in figures.imprest or ():
        _equal(fund.balance_fen, fund.closing_fen, f"周转金表“{fund.name}”的期末现金")


def _repairs(figures: Figures) -> None:
    """The tables of repairs agree with themselves and with each other."""
    told, total = figures.repairs, figures.total
    assert told is not None  # asked by the caller
    for name in ("new", "rework", "open"):
        _equal(
            sum(getattr(row, name) for row in told.defects),
            getattr(told.defect_total, name),
            f"工种现象表 {name}",
        )
    homes = [row.homes for row in told.defects]
    if not max(homes, default=0) <= told.defect_total.homes <= sum(homes):
        raise Unbalanced(_SAYS.format(f"工种现象表户数（{homes} 与 {told.defect_total.homes}）"))
    for row in told.orders:
        _equal(row.balance, row.in_repair, f"派工单表“{row.name}”的在修")
    for name in ("issued", "completed"):
        _equal(
            sum(getattr(row, name) for row in told.parties),
            sum(getattr(row, name) for row in told.orders),
            f"责任方表 {name}",
        )
    for ours, theirs in (("due", "repairs_due"), ("on_time", "repairs_on_time")):
        counted = sum(getattr(row, ours) for row in told.parties)
        _equal(counted, getattr(total, theirs), f"责任方表 {ours}")
        _equal(sum(getattr(row, theirs) for row in figures.summary), counted, f"汇总表 {theirs}")


_SAYS = "报表不平，没有保存：{}。请联系管理员核对数据。"


def _equal(one: int, other: int, where: str) -> None:
    if one != other:
        raise Unbalanced(_SAYS.format(f"{where}（{one} ≠ {other}）"))
