"""The price lists of the demo's contracts: agreed to on the first day, one raised since, one declined, one waiting, one drawn up.

One contract has none: its accounts are compared with nothing (procedure 3.5.5).
"""

from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy import select

from ticketing.edges.demo.cast import Cast
from ticketing.edges.demo.story import Story, working_day
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.contractors.models import Contract
from ticketing.masters.prices import commands as masters
from ticketing.masters.prices.models import PriceList
from ticketing.masters.prices.rows import Price
from ticketing.oversight.prices import commands
from ticketing.procedure.settlement import PriceBasis

RAISED, DECLINED, WAITING, DRAWN_UP = "TL-TJ-01", "QY-ZS-01", "QY-SD-01", "MF-TJ-01"
WITHOUT = "MF-LH-01"
"""Contracts whose list was raised, whose raise was declined, waits, is still being drawn up; the one that has no list."""

LABOUR = Price("维修工", "工日", 280_000, "RG-01", 280_000, note="含小型机具，不足半日按半日计。")
WHOLE = Price("专项整体返修", "项", 16_500_000, "ZX-01", 7_200_000, 8_600_000, 700_000)
LISTS: dict[str, tuple[Price, ...]] = {
    "TJ": (
        LABOUR,
        Price("聚氨酯防水涂料", "千克", 26_500, "TJ-01", None, 26_500),
        Price("堵漏王", "千克", 18_800, "TJ-02", None, 18_800),
        Price("墙面裂缝修补（开槽、挂网、抹灰）", "米", 46_000, "TJ-05", 31_000, 15_000),
        Price("外墙渗漏注浆", "米", 135_000, "TJ-06", 60_000, 68_000, 7_000),
        Price("屋面 SBS 卷材修补", "㎡", 88_500, "TJ-07", 38_500, 50_000),
        Price("地面空鼓铲除重做", "㎡", 112_000, "TJ-08", 62_000, 50_000),
        WHOLE,
    ),
    "ZS": (
        LABOUR,
        Price("内墙腻子", "千克", 26_500, "ZS-01", None, 26_500),
        Price("乳胶漆", "升", 38_800, "ZS-02", None, 38_800),
        Price("墙面砖更换", "㎡", 165_000, "ZS-05", 75_000, 90_000),
        Price("木地板起拱修整", "㎡", 96_000, "ZS-06", 66_000, 30_000),
        Price("入户门调校", "樘", 80_000, "ZS-07", 80_000),
        WHOLE,
    ),
    "SD": (
        LABOUR,
        Price("PVC 管件", "个", 14_250, "SD-01", None, 14_250),
        Price("BV2.5 导线", "米", 6_335, "SD-02", None, 6_335),
        Price("给水管漏点维修（含开挖恢复）", "处", 420_000, "SD-05", 260_000, 160_000),
        Price("开关插座更换", "个", 45_000, "SD-06", 20_000, 25_000),
        Price("可视对讲分机更换", "台", 380_000, "SD-07", 60_000, 320_000),
        WHOLE,
    ),
    "LH": (LABOUR, Price("乔木补植（胸径 12 厘米以内）", "株", 860_000, "LH-01", 260_000, 600_000)),
}
"""What work costs without tax, by the mark of the contract."""


def price_lists(cast: Cast, first: date, today: date) -> Iterator[Story]:
    """The lists of every contract but one, and what has happened to some of them since."""
    numbers = db.session.scalars(select(Contract.number).order_by(Contract.number)).all()
    listed = [number for number in numbers if number != WITHOUT]
    yield _first(cast, first, listed)
    yield _raised(cast, working_day(today, -45))
    yield _declined(cast, working_day(today, -20))
    yield _asked(cast, WAITING, today, proposes=True)
    yield _asked(cast, DRAWN_UP, today, proposes=False)


def _drawn(
    cast: Cast, number: str, valid_from: date, reason: str, prices: Sequence[Price] = ()
) -> PriceList:
    contract = db.session.scalars(select(Contract).where(Contract.number == number)).one()
    return masters.draw_up(
        contract,
        basis=PriceBasis.EXCLUSIVE,
        valid_from=valid_from,
        reason=reason,
        prices=prices or LISTS[number.split("-")[1]],
        actor=cast["manager"],
    )


def _raise(number: str, percent: int) -> list[Price]:
    """The list of a contract with dearer labour, and one item more."""
    raised = [
        one
        if one.labour_milli is None
        else one._replace(
            price_milli=one.price_milli + one.labour_milli * percent // 100,
            labour_milli=one.labour_milli + one.labour_milli * percent // 100,
        )
        for one in LISTS[number.split("-")[1]]
    ]
    return [*raised, Price("成品保护及清理", "户", 120_000, "QT-01", 120_000)]


def _first(cast: Cast, first: date, numbers: Sequence[str]) -> Story:
    yield clock.at(first, 8, 12)
    drawn = [_drawn(cast, one, first, f"{one} 售后维修补充协议附件二") for one in numbers]
    for one in drawn:
        commands.propose(one, version=one.version, actor=cast["manager"])
    yield clock.at(first, 8, 25)
    for one in drawn:
        commands.agree(one, version=one.version, actor=cast["gm"])


def _raised(cast: Cast, day: date) -> Story:
    """Labour six per cent dearer a week after it was agreed to: what was ordered before keeps its prices."""
    yield clock.at(day, 10, 5)
    drawn = _drawn(
        cast, RAISED, working_day(day, 5), "补充协议第 2 号：人工费上调 6%", _raise(RAISED, 6)
    )
    commands.propose(drawn, version=drawn.version, actor=cast["manager"])
    yield clock.at(day, 15, 20)
    commands.agree(drawn, version=drawn.version, actor=cast["gm"])


def _declined(cast: Cast, day: date) -> Story:
    yield clock.at(day, 9, 50)
    drawn = _drawn(
        cast, DECLINED, working_day(day, 3), "施工单位来函要求调价", _raise(DECLINED, 25)
    )
    commands.propose(drawn, version=drawn.version, actor=cast["manager"])
    yield clock.at(day, 16, 45)
    commands.decline(
        drawn,
        version=drawn.version,
        answer="涨幅超过同期人工信息价，请与施工单位重新商定。",
        actor=cast["gm"],
    )


def _asked(cast: Cast, number: str, today: date, *, proposes: bool) -> Story:
    """Drawn up yesterday; proposed, or still with the manager."""
    yield clock.at(working_day(today, -1), 16, 25)
    drawn = _drawn(
        cast, number, working_day(today, 6), "补充协议第 2 号：人工费上调 5%", _raise(number, 5)
    )
    if proposes:
        commands.propose(drawn, version=drawn.version, actor=cast["manager"])
