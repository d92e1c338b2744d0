"""Long work within a request lets other people's short requests go first.

A process answers many people, and Python does one thing at a time in it: a workbook of a hundred
thousand rows, written as fast as it can be, made every other page take three times as long.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Row = TypeVar("Row")

ROWS_A_BREATH = 40
BREATH = 0.001
"""Seconds. With it a workbook takes about half of the process while others are waiting."""

_answering: set[int] = set()


def came() -> None:
    """A request has come in on this thread."""
    _answering.add(threading.get_ident())


def went() -> None:
    """The request on this thread has been answered."""
    _answering.discard(threading.get_ident())


def giving_way(rows: Iterable[Row]) -> Iterator[Row]:
    """The same rows, with a breath after every few of them while other requests are being answered."""
    for number, row in enumerate(rows):
        if number % ROWS_A_BREATH == 0 and len(_answering) > 1:
            time.sleep(BREATH)
        yield row
