"""Numbers of papers: ``{community}-{year}-{nnnnn}``, gapless per community and year (procedure 3.4.3)."""

import re

_SHAPE = re.compile(r"^([A-Z0-9]{2,8})-(\d{4})-(\d{5,})$")


def ticket_number(community_code: str, year: int, serial: int) -> str:
    """The printed number of the `serial`-th ticket of a community in a year."""
    return f"{community_code}-{year:04d}-{serial:05d}"


def is_ticket_number(text: str) -> bool:
    """Whether `text` has the shape of a whole ticket number."""
    return _SHAPE.match(text.strip().upper()) is not None
