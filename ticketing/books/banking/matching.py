"""Finding the payments of the books among the lines of the bank: arithmetic only, every line and payment used once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from ticketing.books.banking.models import Way
from ticketing.kernel.text import fold

NEAR_DAYS = 3
"""How many days a bank's date may lie from that of the books when there is no reference to go by."""


class Left(NamedTuple):
    """A line of the bank: id, day, reference, payee, fen out of the house."""

    id: int
    on: date
    reference: str
    payee: str
    amount_fen: int


class Paid(NamedTuple):
    """A payment of the books, in the same words."""

    id: int
    on: date
    reference: str
    payee: str
    amount_fen: int


class Pair(NamedTuple):
    """A line, its payment, and how they were found to belong together."""

    line_id: int
    payment_id: int
    way: Way


def pairs(lines: Sequence[Left], payments: Iterable[Paid]) -> list[Pair]:
    """Pair lines with payments: by reference and amount; by the sum of all lines of a reference; by payee, amount and day.

    Refunds (negative lines) belong to no payment. Two lines alike are two payments alike, or one of them is left over.
    """
    open_lines = {line.id: line for line in lines if line.amount_fen > 0}
    open_payments = {payment.id: payment for payment in payments}
    found: list[Pair] = []

    def settle(line_ids: Iterable[int], payment_id: int, way: Way) -> None:
        for line_id in line_ids:
            found.append(Pair(line_id, payment_id, way))
            del open_lines[line_id]
        del open_payments[payment_id]

    for line, payment in _by_reference(open_lines.values(), open_payments.values()):
        settle([line], payment, Way.REFERENCE)
    for group, payment in _by_sum(open_lines.values(), open_payments.values()):
        settle(group, payment, Way.SPLIT)
    for line, payment in _by_payee(open_lines.values(), open_payments.values()):
        settle([line], payment, Way.GUESS)
    return found


def _by_reference(lines: Iterable[Left], payments: Iterable[Paid]) -> list[tuple[int, int]]:
    waiting: dict[tuple[str, int], list[int]] = defaultdict(list)
    for payment in payments:
        if payment.reference:
            waiting[_same(payment.reference), payment.amount_fen].append(payment.id)
    found = []
    for line in lines:
        some = waiting.get((_same(line.reference), line.amount_fen))
        if some:
            found.append((line.id, some.pop(0)))
    return found


def _by_sum(lines: Iterable[Left], payments: Iterable[Paid]) -> list[tuple[list[int], int]]:
    groups: dict[str, list[Left]] = defaultdict(list)
    for line in lines:
        if line.reference:
            groups[_same(line.reference)].append(line)
    found = []
    for payment in payments:
        group = groups.get(_same(payment.reference), [])
        if group and sum(line.amount_fen for line in group) == payment.amount_fen:
            found.append(([line.id for line in groups.pop(_same(payment.reference))], payment.id))
    return found


def _by_payee(lines: Iterable[Left], payments: Iterable[Paid]) -> list[tuple[int, int]]:
    waiting: dict[tuple[str, int], list[Paid]] = defaultdict(list)
    for payment in payments:
        waiting[_same(payment.payee), payment.amount_fen].append(payment)
    found = []
    for line in lines:
        some = waiting.get((_same(line.payee), line.amount_fen), [])
        near = [one for one in some if abs((one.on - line.on).days) <= NEAR_DAYS]
        if near:
            best = min(near, key=lambda one: (abs((one.on - line.on).days), one.id))
            some.remove(best)
            found.append((line.id, best.id))
    return found


def _same(words: str) -> str:
    """Words for comparison: folded, without blanks."""
    return "".join(fold(words).split())
