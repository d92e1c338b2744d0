"""The deposits of the demo: entered and agreed to when the books begin, one paid back, some under way."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import select

from ticketing.books.payments import commands as payments
from ticketing.books.retention import commands as retention
from ticketing.books.retention import queries, releasing
from ticketing.books.retention.models import RetentionRelease
from ticketing.edges.demo.cast import Cast
from ticketing.edges.demo.story import Story, working_day
from ticketing.edges.demo.town import Town
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.contractors.models import Contract
from ticketing.procedure.accounts import Purpose

NOT_ENTERED, NOT_AGREED = "MF-LH-01", "MF-ZS-01"
PAID_BACK, OPINED, UNANSWERED = "QY-SD-01", "QY-LH-01", "QY-ZS-01"
"""Contracts whose deposit is not entered, waits for audit; was paid back, waits for its payment, is not verified in time."""


def deposits(town: Town, cast: Cast, first_day: date) -> Iterator[Story]:
    """Each contract's deposit from the day the books begin, and the applications of the oldest community."""
    numbers = db.session.scalars(select(Contract.number).order_by(Contract.number)).all()
    for number in numbers:
        if number != NOT_ENTERED:
            waits = number == NOT_AGREED
            day = working_day(town.today, -1) if waits else working_day(first_day, 1)
            yield _entered(cast, number, day, waits=waits)
    yield _applied(town, cast, PAID_BACK, 40, steps=4)
    yield _applied(town, cast, OPINED, 10, steps=2)
    yield _applied(town, cast, UNANSWERED, 15, steps=0)


def _contract(number: str) -> Contract:
    return db.session.scalars(select(Contract).where(Contract.number == number)).one()


def _entered(cast: Cast, number: str, day: date, *, waits: bool) -> Story:
    """Finance enters it in the morning, audit agrees in the afternoon, unless it still waits for that."""
    yield clock.at(day, 9, 30)
    deposit = retention.enter_deposit(
        _contract(number), voucher=f"价款结算 {number}", on=clock.today(), actor=cast["finance"]
    )
    if not waits:
        yield clock.at(day, 15)
        retention.settle_deposit(deposit, agreed=True, answer="", actor=cast["auditor"])


def _applied(town: Town, cast: Cast, number: str, days: int, *, steps: int) -> Story:
    """An application so many working days ago, and what was done about it since, two working days a step."""
    start = working_day(town.today, -days)
    yield clock.at(start, 10)
    contract = _contract(number)
    release = releasing.apply_release(
        contract,
        applied_on=start,
        applied_fen=contract.retention_fen,
        document=f"{number} 返还申请",
        actor=cast["engineer"],
    )
    for step, act in enumerate((_verify, _opine, _prepare, _release)[:steps], start=1):
        yield clock.at(working_day(start, 2 * step), 10 + step)
        act(cast, release)


def _verify(cast: Cast, release: RetentionRelease) -> None:
    releasing.verify_release(
        release,
        version=release.version,
        verified_on=clock.today(),
        verification="会同施工单位逐户核实，保修义务已履行，未发现新的质量缺陷。",
        actor=cast["engineer"],
    )


def _opine(cast: Cast, release: RetentionRelease) -> None:
    held = queries.standing(release.contract_id).held_fen
    releasing.opine(
        release,
        version=release.version,
        quality=88,
        cooperation=82,
        deduct_fen=0,
        release_fen=held,
        opinion="责任期内维修及时，业主评价较好，同意返还。防渗漏保修至法定期满。",
        actor=cast["manager"],
    )


def _prepare(cast: Cast, release: RetentionRelease) -> None:
    payments.prepare(purpose=Purpose.RETENTION, source=release.source, actor=cast["finance"])


def _release(cast: Cast, release: RetentionRelease) -> None:
    payment = payments.live(release.source)
    assert payment is not None, "it was prepared two days ago"
    payments.release(
        payment,
        version=payment.version,
        paid_on=clock.today(),
        bank_reference=f"ICBC{clock.today():%Y%m%d}0417",
        actor=cast["finance2"],
    )
