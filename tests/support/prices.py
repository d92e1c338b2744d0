"""Tells price lists: a version of a contract's prices drawn up, proposed or in force in one call, and its workbook."""

from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from typing import Any

from sqlalchemy import select

from tests.support.make import Maker
from ticketing.kernel import clock, excel
from ticketing.kernel.db import db, transaction
from ticketing.masters.contractors.models import Contract
from ticketing.masters.prices import commands as masters
from ticketing.masters.prices.models import PriceList
from ticketing.masters.prices.rows import COLUMNS, SHEET, Price
from ticketing.oversight.prices import commands
from ticketing.procedure.settlement import PriceBasis

PIPES = "YX-SD-01"
"""The contract of the test world under which plumbing was built."""

PRICES = (
    Price("防水涂料", "㎡", 100_000, "S-01", 40_000, 60_000),
    Price("人工", "工日", 45_335, "S-02", 45_335),
    Price("给水管维修", "处", 420_000, "S-03", note="含开挖恢复"),
)


class Prices:
    """Makes price lists of the test world."""

    def __init__(self, make: Maker) -> None:
        self.make = make

    def contract(self, number: str = PIPES) -> Contract:
        """A contract of the world."""
        return db.session.scalars(select(Contract).where(Contract.number == number)).one()

    def drawn(
        self,
        prices: Sequence[Price] = PRICES,
        *,
        number: str = PIPES,
        in_days: int = 0,
        basis: PriceBasis = PriceBasis.EXCLUSIVE,
        by: str = "manager",
        reason: str = "补充协议附件二",
    ) -> PriceList:
        """A version that is drawn up."""
        with transaction():
            return masters.draw_up(
                self.contract(number),
                basis=basis,
                valid_from=clock.today() + timedelta(days=in_days),
                reason=reason,
                prices=prices,
                actor=self.make.user(by),
            )

    def proposed(self, prices: Sequence[Price] = PRICES, **facts: Any) -> PriceList:
        """One that waits for the second person."""
        drawn = self.drawn(prices, **facts)
        with transaction():
            return commands.propose(drawn, version=drawn.version, actor=drawn.entered_by)

    def agree(self, price_list: PriceList, by: str = "gm") -> PriceList:
        """The second person agrees."""
        with transaction():
            return commands.agree(price_list, version=price_list.version, actor=self.make.user(by))

    def in_force(self, prices: Sequence[Price] = PRICES, **facts: Any) -> PriceList:
        """One that is agreed to."""
        return self.agree(self.proposed(prices, **facts))


def book(
    rows: Sequence[Sequence[Any]], heads: Sequence[str] | None = None, sheet: str = SHEET
) -> BytesIO:
    """A workbook as a person fills it in."""
    made = excel.workbook()
    page = made.create_sheet(sheet)
    for number, values in enumerate([heads or [one.head for one in COLUMNS.values()], *rows], 1):
        for column, value in enumerate(values, 1):
            if value not in ("", None):
                excel.put(page.cell(number, column), value)
    return BytesIO(excel.as_bytes(made))
