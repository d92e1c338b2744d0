"""A row of a price list's workbook: its columns, and what each cell must be. Every fault has row and column."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from ticketing.kernel.sheet_rows import Cell, Column, SheetReader
from ticketing.kernel.text import milli_in, show_milli
from ticketing.masters.prices.keys import code_key, item_key
from ticketing.procedure.settlement import MOST_MILLI

SHEET = "合同价目"
MOST_LINES = 1_000

COLUMNS = {
    "code": Column("价目编号", 40, False, "补充协议里的编号，例如 S-01；没有的留空，不能重复。"),
    "item": Column("项目名称", 120, True, "规格写在名称里；同一名称、同一单位只能有一行。"),
    "unit": Column("单位", 10, True, "例如 ㎡、米、个、工日。"),
    "price": Column("单价（元）", 20, True, "大于零，最多三位小数；含不含税在提交时选择。"),
    "labour": Column("人工（元）", 20, False, "单价里的人工费；没有的留空。"),
    "material": Column("材料（元）", 20, False, "单价里的材料费；没有的留空。"),
    "machine": Column("机械（元）", 20, False, "单价里的机械费；没有的留空。"),
    "note": Column("备注", 200, False, "例如工作内容、计量规则。"),
}
PARTS = ("labour", "material", "machine")


class Price(NamedTuple):
    """One line of a price list as it is handed in; prices in thousandths of a yuan."""

    item: str
    unit: str
    price_milli: int
    code: str = ""
    labour_milli: int | None = None
    material_milli: int | None = None
    machine_milli: int | None = None
    note: str = ""


class Reader(SheetReader):
    """Reads the lines of a price list; `problems` collects every fault."""

    def __init__(self) -> None:
        super().__init__(COLUMNS)
        self.codes: dict[str, int] = {}
        self.items: dict[str, int] = {}

    def prices(self, raw: Iterable[tuple[int, list[Cell]]]) -> list[Price]:
        """The good rows; they count only where there is no problem at all."""
        found = []
        for number, cells in self.filled(raw):
            price = self._row(number, cells)
            if price is not None:
                found.append(price)
        if not found and not self.problems:
            self.fault(2, "item", "没有可导入的行。")
        if len(found) > MOST_LINES:
            self.fault(MOST_LINES + 2, "item", f"一份价目表最多 {MOST_LINES} 行。")
        return found

    def _row(self, number: int, cells: list[Cell]) -> Price | None:
        before = len(self.problems)
        self.note_strays(number, cells)
        text = {key: self.text(number, key, cells) for key in ("code", "item", "unit", "note")}
        price = self._money(number, "price", cells)
        parts = {key: self._money(number, key, cells) for key in PARTS}
        if len(self.problems) == before:
            self._judge(number, text, price or 0, parts)
        if len(self.problems) > before:
            return None
        return Price(
            text["item"],
            text["unit"],
            price or 0,
            text["code"],
            parts["labour"],
            parts["material"],
            parts["machine"],
            text["note"],
        )

    def _money(self, number: int, key: str, cells: list[Cell]) -> int | None:
        cell = self.cell(key, cells)
        if isinstance(cell, date):
            self.fault(number, key, "被 Excel 当成了日期，请把这一格设为数字后重填。")
            return None
        try:
            milli = milli_in(cell)
        except ValueError:
            self.fault(number, key, f"“{cell.strip()[:20]}”不是金额，请填数字，最多三位小数。")
            return None
        if milli is None:
            if COLUMNS[key].must:
                self.fault(number, key, "不能为空。")
        elif milli > MOST_MILLI or (key == "price" and not milli):
            self.fault(
                number, key, "须大于零、不超过一百万元。" if not milli else "不能超过一百万元。"
            )
        return milli

    def _judge(
        self, number: int, text: dict[str, str], price: int, parts: dict[str, int | None]
    ) -> None:
        """What a row says twice over: its own sums, and what another row has said before it."""
        told = [one for one in parts.values() if one is not None]
        if sum(told) > price or (len(told) == len(parts) and sum(told) != price):
            self.fault(
                number,
                "price",
                f"与人工、材料、机械之和 {show_milli(sum(told))} 不符。",
            )
        for key, known, one in (
            ("code", self.codes, code_key(text["code"])),
            ("item", self.items, item_key(text["item"], text["unit"])),
        ):
            earlier = known.setdefault(one, number) if one else number
            if earlier != number:
                what = "编号" if key == "code" else "名称和单位"
                self.fault(number, key, f"与第 {earlier} 行{what}相同。")
