"""When two spellings are the same code, item or unit."""

from ticketing.kernel.text import fold

_UNITS = {
    "平方米": "m2",
    "平米": "m2",
    "立方米": "m3",
    "立方": "m3",
    "米": "m",
    "公斤": "kg",
    "千克": "kg",
    "吨": "t",
    "升": "l",
}


def _bare(text: str) -> str:
    return "".join(fold(text).split())


def code_key(code: str) -> str:
    """A code as it is compared: narrowed, lower case, without blanks."""
    return _bare(code)


def unit_key(unit: str) -> str:
    """A unit as it is compared: ``㎡``, ``m²`` and ``平方米`` are one."""
    bare = _bare(unit)
    return _UNITS.get(bare, bare)


def item_key(item: str, unit: str) -> str:
    """An item with its unit as they are compared."""
    return f"{_bare(item)}|{unit_key(unit)}"
