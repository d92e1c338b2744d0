"""The figures the procedure leaves open or the house may set: declared once, with clause, unit, default and bounds.

Amounts are integer fen, rates basis points (10 % = 1000), times days, yes and no 1 and 0. An edition of all of them is a `Limits`; which
edition counts when is `masters.parameters`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ticketing.kernel.enums import Labelled
from ticketing.procedure.grading import yuan


class Measure(Labelled):
    """In what a parameter is counted."""

    FEN = "fen", "元"
    BASIS_POINTS = "bp", "%"
    DAYS = "day", "天"
    YES_NO = "yes_no", "是/否"


class Parameter(NamedTuple):
    """One declared figure.

    `key` is stored and never changes, `name` is its attribute of `Limits`, `rule` says in a line what it decides.
    `blank` marks a figure the procedure prints as an empty line.
    """

    key: str
    name: str
    label: str
    measure: Measure
    default: int
    low: int
    high: int
    clause: str
    rule: str
    blank: bool = False


_FEN, _BP, _DAYS = Measure.FEN, Measure.BASIS_POINTS, Measure.DAYS
_MILLION = 100_000_000
"""A million yuan in fen: no limit of a single repair or float is higher."""

RESTART = "warranty.restart_after_repair"
"""The key of the one that lets the warranty of what was repaired begin anew."""

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "survey.contractor_optional_max",
        "contractor_optional_fen",
        "施工单位可不到场限额",
        _FEN,
        100_000,
        0,
        5_000_000,
        "3.4.5",
        "勘察估价在此以内且无例外情形，施工单位可不到场",
        blank=True,
    ),
    Parameter(
        "approval.manager_max",
        "manager_fen",
        "客户服务部经理审批限额",
        _FEN,
        500_000,
        100,
        _MILLION,
        "3.6.1",
        "单项维修款在此以内，由客户服务部经理批准",
        blank=True,
    ),
    Parameter(
        "approval.deputy_gm_max",
        "deputy_gm_fen",
        "副总经理审批限额",
        _FEN,
        5_000_000,
        200,
        _MILLION,
        "3.6.1",
        "超过上项、在此以内，由副总工程师审核、副总经理批准；超过由总经理批准",
        blank=True,
    ),
    Parameter(
        "approval.split_days",
        "split_days",
        "拆单合并天数",
        _DAYS,
        30,
        1,
        365,
        "3.6.1",
        "同一房号或同一楼栋、同一原因的派工单，在此天数内拟的合并计算审批级别",
    ),
    Parameter(
        "settlement.audit_min",
        "audit_min_fen",
        "审计审核起点",
        _FEN,
        2_000_000,
        100,
        _MILLION,
        "3.5.6",
        "决算含税合计达到此数（含）由审计核算部审核，以下由客户服务部审核",
        blank=True,
    ),
    Parameter(
        "settlement.overrun_pct",
        "overrun_bp",
        "决算超估价比例",
        _BP,
        1_000,
        0,
        5_000,
        "3.6.1",
        "决算超过批准的估价多于此比例，或进入更高一级，须重新审批",
    ),
    Parameter(
        "contractor.confirm_days",
        "confirm_days",
        "施工单位确认天数",
        _DAYS,
        7,
        1,
        60,
        "3.5.7",
        "结算通知后此天数内确认，催告后再给同样天数",
    ),
    Parameter(
        "imprest.cs_ceiling",
        "imprest_cs_fen",
        "客户服务部周转金",
        _FEN,
        2_000_000,
        0,
        _MILLION,
        "3.6",
        "客户服务部定额周转金，补足到此数",
        blank=True,
    ),
    Parameter(
        "imprest.crew_ceiling",
        "imprest_crew_fen",
        "维修队周转金",
        _FEN,
        10_000_000,
        0,
        _MILLION,
        "3.6",
        "维修队定额周转金，补足到此数",
        blank=True,
    ),
    Parameter(
        "imprest.cash_item_max",
        "cash_item_fen",
        "单笔现金限额",
        _FEN,
        100_000,
        0,
        _MILLION,
        "3.6",
        "周转金单笔现金支出在此以内，超过应转账",
    ),
    Parameter(
        "imprest.replenish_at",
        "replenish_bp",
        "周转金应补足比例",
        _BP,
        7_000,
        1_000,
        10_000,
        "3.6",
        "周转金用去此比例时提醒补足",
    ),
    Parameter(
        "imprest.stop_at",
        "stop_bp",
        "周转金停付比例",
        _BP,
        9_500,
        1_000,
        10_000,
        "3.6",
        "周转金用去此比例后，除抢修外停止支出",
    ),
    Parameter(
        "vat.rate",
        "vat_bp",
        "增值税税率",
        _BP,
        900,
        0,
        2_000,
        "5.4",
        "结算的增值税，依收款方纳税身份逐单可另选",
    ),
    Parameter(
        "settlement.admin_rate",
        "admin_bp",
        "代办费率",
        _BP,
        0,
        0,
        10_000,
        "3.5.9",
        "A类扣回时加收，仅在补充协议约定时使用",
    ),
    Parameter(
        "retention.rate",
        "retention_bp",
        "质量保证金比例",
        _BP,
        300,
        0,
        300,
        "2.6",
        "按合同结算价预留的质量保证金",
    ),
    Parameter(
        RESTART,
        "restart_after_repair",
        "修复后保修期重新起算",
        Measure.YES_NO,
        0,
        0,
        1,
        "3.4.6",
        "验收合格的修复，同一部位的保修期自验收之日重新起算；属合同惯例，法规没有规定，合同约定了才用",
    ),
)
"""Every parameter, in the order of the page. The first clause is the one printed beside it."""


class Limits(NamedTuple):
    """All parameters of one edition, typed: fen, basis points, days, yes (1) or no (0)."""

    contractor_optional_fen: int
    manager_fen: int
    deputy_gm_fen: int
    split_days: int
    audit_min_fen: int
    overrun_bp: int
    confirm_days: int
    imprest_cs_fen: int
    imprest_crew_fen: int
    cash_item_fen: int
    replenish_bp: int
    stop_bp: int
    vat_bp: int
    admin_bp: int
    retention_bp: int
    restart_after_repair: int

    @property
    def by_key(self) -> dict[str, int]:
        """The values by the keys under which they are stored."""
        return {one.key: int(getattr(self, one.name)) for one in PARAMETERS}


def limits(values: Mapping[str, int]) -> Limits:
    """The edition with these stored values; a parameter declared later has its default."""
    return Limits(**{one.name: values.get(one.key, one.default) for one in PARAMETERS})


STANDARD = limits({})
"""What counts until an edition is confirmed (制度留空，现用默认值)."""


class Preset(Labelled):
    """Ready sets of the three figures that follow a company's size."""

    CONSERVATIVE = "conservative", "稳健（较小企业）"
    STANDARD = "standard", "标准"
    LARGE = "large", "大型企业"


PRESETS: dict[Preset, Limits] = {
    Preset.CONSERVATIVE: STANDARD._replace(
        contractor_optional_fen=50_000, manager_fen=200_000, deputy_gm_fen=2_000_000
    ),
    Preset.STANDARD: STANDARD,
    Preset.LARGE: STANDARD._replace(
        contractor_optional_fen=200_000, manager_fen=1_000_000, deputy_gm_fen=10_000_000
    ),
}
"""Attendance, manager, deputy general manager: 500/2,000/20,000, 1,000/5,000/50,000, 2,000/10,000/100,000 yuan."""


class Fault(NamedTuple):
    """A value that cannot be put in force: the attribute of `Limits` and the sentence about it."""

    name: str
    sentence: str


def faults(proposed: Limits) -> list[Fault]:
    """What is wrong with an edition: values out of bounds, and limits in the wrong order."""
    found = [
        Fault(one.name, f"{one.label}应在 {show(one, one.low)} 至 {show(one, one.high)} 之间。")
        for one in PARAMETERS
        if not one.low <= getattr(proposed, one.name) <= one.high
    ]
    if proposed.manager_fen >= proposed.deputy_gm_fen:
        found.append(Fault("deputy_gm_fen", "副总经理审批限额应高于客户服务部经理审批限额。"))
    if proposed.replenish_bp >= proposed.stop_bp:
        found.append(Fault("stop_bp", "周转金停付比例应高于应补足比例。"))
    return found


def show(parameter: Parameter, value: int) -> str:
    """A value in its unit: ``5,000 元``, ``10%``, ``30 天``."""
    match parameter.measure:
        case Measure.FEN:
            return yuan(value)
        case Measure.BASIS_POINTS:
            return percent(value)
        case Measure.DAYS:
            return f"{value} 天"
        case Measure.YES_NO:
            return "是" if value else "否"


def percent(basis_points: int) -> str:
    """Basis points as a percentage without idle zeros: ``9.5%``."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}{f'.{rest:02d}'.rstrip('0') if rest else ''}%"


class Difference(NamedTuple):
    """A parameter two editions give differently, old and new in words."""

    parameter: Parameter
    old: str
    new: str


def differences(old: Limits, new: Limits) -> list[Difference]:
    """What an edition changes against the one before, in the order of the page."""
    return [
        Difference(one, show(one, getattr(old, one.name)), show(one, getattr(new, one.name)))
        for one in PARAMETERS
        if getattr(old, one.name) != getattr(new, one.name)
    ]
