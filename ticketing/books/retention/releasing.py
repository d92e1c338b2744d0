"""Paying a deposit back: application, verification, the opinion of customer service, and the payment they lead to (3.6.2)."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from ticketing.books.ledger import accounts
from ticketing.books.ledger import queries as ledger
from ticketing.books.ledger.commands import Posting, credit, debit, open_book
from ticketing.books.ledger.telling import tell_role
from ticketing.books.payments.commands import live
from ticketing.books.payments.models import Payment
from ticketing.books.payments.purposes import HANDLERS, Claim
from ticketing.books.retention import queries
from ticketing.books.retention.commands import SUBJECT
from ticketing.books.retention.models import RetentionRelease
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.kernel.text import clean, clean_line, show_fen
from ticketing.masters.contractors.models import Contract
from ticketing.masters.people.models import User
from ticketing.masters.people.rights import permit
from ticketing.procedure.accounts import EntryKind, Purpose, ReleaseStage
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Role

SOURCE = "retention_release"


def apply_release(
    contract: Contract,
    *,
    applied_on: date,
    applied_fen: int,
    document: str,
    early_why: str = "",
    actor: User,
) -> RetentionRelease:
    """Note a contractor's application: from its date 14 days run to verify it together (procedure 3.6.2).

    One made before the defects liability period is over needs `early_why`, which everybody sees who acts on it.
    Raises NotPermitted, Invalid (a day to come, nothing or more than is held, no reason), Conflict (one is under way).
    """
    permit(actor, Act.APPLY_RELEASE)
    if applied_on > clock.today():
        raise Invalid("申请日期不能晚于今天。", field="applied_on")
    open_book()
    held = ledger.held(contract.id)
    if not 0 < applied_fen <= held:
        raise Invalid(
            f"申请金额应大于零、不超过现存质保金 {show_fen(held)} 元。", field="applied_fen"
        )
    if queries.standing(contract.id).release is not None:
        raise Conflict("这份合同已有一份申请在办理。")
    early = queries.why_early(contract, applied_on)
    early_why = clean(early_why) if early else ""
    if early and not early_why:
        raise Invalid(f"{early}，须写明为什么提前受理。", field="early_why")
    at = clock.now()
    release = RetentionRelease(
        contract_id=contract.id,
        stage=ReleaseStage.APPLIED,
        applied_on=applied_on,
        applied_fen=applied_fen,
        document=clean_line(document),
        early=early,
        early_why=early_why,
        entered_at=at,
        entered_by_id=actor.id,
    )
    db.session.add(release)
    db.session.flush()
    facts: dict[str, Any] = {"applied_on": applied_on.isoformat(), "applied_fen": applied_fen}
    if early:
        facts |= {"early": early, "early_why": early_why}
    _record(release, Act.APPLY_RELEASE, actor, at, facts)
    _tell(release, Role.ENGINEER, f"请在 {release.verify_due_on} 前核实质保金返还申请", at)
    return release


def note_reminder(
    release: RetentionRelease, *, version: int, reminded_on: date, actor: User
) -> RetentionRelease:
    """Note that the contractor called for an answer: 14 days later silence counts as consent.

    Raises NotPermitted, Invalid (before the first 14 days are over, or to come), Conflict.
    """
    permit(actor, Act.APPLY_RELEASE)
    _begin(release, version, (ReleaseStage.APPLIED,))
    if reminded_on > clock.today():
        raise Invalid("催告日期不能晚于今天。", field="reminded_on")
    if reminded_on <= release.verify_due_on:
        raise Invalid(
            f"申请后 14 天（至 {release.verify_due_on}）届满才能催告。", field="reminded_on"
        )
    release.reminded_on = reminded_on
    return _done(release, Act.APPLY_RELEASE, actor, {"reminded_on": reminded_on.isoformat()})


def verify_release(
    release: RetentionRelease, *, version: int, verified_on: date, verification: str, actor: User
) -> RetentionRelease:
    """Note what engineering found with the contractor about the defects of the contract (procedure 3.6.2).

    Raises NotPermitted, Invalid (no finding, a day to come or before the application), Conflict.
    """
    permit(actor, Act.VERIFY_RELEASE)
    _begin(release, version, (ReleaseStage.APPLIED,))
    verification = clean(verification)
    if not verification:
        raise Invalid("请写明核实情况。", field="verification")
    if not release.applied_on <= verified_on <= clock.today():
        raise Invalid("核实日期应在申请日期和今天之间。", field="verified_on")
    release.verified_on, release.verification = verified_on, verification
    release.verified_at, release.verified_by_id = clock.now(), actor.id
    release.stage = ReleaseStage.VERIFIED
    _tell(release, Role.CS_MANAGER, "请出具工程尾款支付意见", clock.now())
    return _done(release, Act.VERIFY_RELEASE, actor, {"verification": verification})


def opine(
    release: RetentionRelease,
    *,
    version: int,
    quality: int,
    cooperation: int,
    deduct_fen: int,
    release_fen: int,
    opinion: str,
    actor: User,
) -> RetentionRelease:
    """Write the opinion of customer service: scores, what stays for open items, what is released (procedure 3.6.2).

    What stands open is kept with it. It may be written anew until its payment is made.
    Raises NotPermitted (the manager alone; who verified it, under any account), Invalid (no words, more than is held), Conflict (not verified; a payment is made).
    """
    permit(actor, Act.OPINE_RELEASE)
    _begin(release, version, (ReleaseStage.VERIFIED, ReleaseStage.OPINED))
    if release.verified_by is not None and actor.is_same_person(release.verified_by):
        raise NotPermitted("核实和支付意见须由两人办理：您是核实人。")
    opinion = clean(opinion)
    if not opinion:
        raise Invalid("请写明支付意见。", field="opinion")
    for field, score in (("quality", quality), ("cooperation", cooperation)):
        if not 0 <= score <= 100:
            raise Invalid("请填写 0 至 100 分。", field=field)
    open_book()
    if live(release.source) is not None:
        raise Conflict("已按现有意见制付款单，不能再改；须先作废付款单。")
    held = ledger.held(release.contract_id)
    if deduct_fen < 0 or release_fen < 0 or deduct_fen + release_fen > held:
        raise Invalid(
            f"扣留与支付合计不能超过现存质保金 {show_fen(held)} 元。", field="release_fen"
        )
    items = queries.open_items([release.contract])[release.contract_id]
    release.quality, release.cooperation, release.opinion = quality, cooperation, opinion
    release.deduct_fen, release.release_fen = deduct_fen, release_fen
    release.open_items = "\n".join(item.text for item in items)
    release.opined_at, release.opined_by_id = clock.now(), actor.id
    release.stage = ReleaseStage.OPINED
    _tell(release, Role.FINANCE, f"已出支付意见，同意支付 {show_fen(release_fen)} 元", clock.now())
    facts = {
        "quality": quality,
        "cooperation": cooperation,
        "deduct_fen": deduct_fen,
        "release_fen": release_fen,
        "opinion": opinion,
        "open_items": len(items),
    }
    return _done(release, Act.OPINE_RELEASE, actor, facts)


def withdraw_release(
    release: RetentionRelease, *, version: int, reason: str, actor: User
) -> RetentionRelease:
    """Give an application up: the contractor took it back, or nothing is released. Raises NotPermitted, Invalid, Conflict."""
    permit(actor, Act.APPLY_RELEASE)
    stages = (ReleaseStage.APPLIED, ReleaseStage.VERIFIED, ReleaseStage.OPINED)
    _begin(release, version, stages)
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明撤回原因。", field="reason")
    open_book()
    if live(release.source) is not None:
        raise Conflict("已制付款单，须先作废付款单。")
    release.stage, release.withdrawn_why = ReleaseStage.WITHDRAWN, reason
    return _done(release, Act.APPLY_RELEASE, actor, {"withdrawn": reason})


def _tell(release: RetentionRelease, role: Role, what: str, at: datetime) -> None:
    contract = release.contract
    tell_role(
        role,
        event=f"{release.source}:{release.version}:{role.value}",
        title=f"{what}：{contract.contractor.name} {contract.number}{'（责任期未满）' if release.early else ''}",
        path=f"/finance/retention/{contract.id}",
        at=at,
    )


def _lock(release: RetentionRelease) -> None:
    rows = select(RetentionRelease.id).where(RetentionRelease.id == release.id)
    db.session.execute(rows.with_for_update())
    db.session.refresh(release)


def _begin(release: RetentionRelease, version: int, stages: Sequence[ReleaseStage]) -> None:
    _lock(release)
    if release.version != version:
        raise Conflict("您打开本页之后，这份申请已被他人办理。请核对后再提交。", seen=version)
    if release.stage not in stages:
        raise Conflict(f"这份申请{release.stage}，不能这样办理。")


def _done(
    release: RetentionRelease, act: Act, actor: User, facts: dict[str, Any]
) -> RetentionRelease:
    db.session.flush()
    _record(release, act, actor, clock.now(), facts)
    return release


def _record(
    release: RetentionRelease, act: Act, actor: User, at: datetime, facts: dict[str, Any]
) -> None:
    record(
        SUBJECT,
        release.contract_id,
        act.value,
        actor=actor,
        at=at,
        clause="3.6.2",
        target=release.stage.value,
        version=release.version,
        facts={"contract": release.contract.number, **facts},
    )


class Releases:
    """Deposits as something to be paid: what the opinion releases goes to the contractor (procedure 3.6.2)."""

    def hold(self, source: str) -> None:
        """Lock the application."""
        _lock(_named(source))

    def claims(self) -> Sequence[Claim]:
        """What opinions release."""
        return [_claim(release) for release in queries.payable_releases()]

    def claim(self, source: str) -> Claim:
        """What one opinion releases. Raises Conflict without one, or where less is held than it releases."""
        release = _named(source)
        if release.stage is not ReleaseStage.OPINED:
            raise Conflict(f"尾款支付申请{release.stage}，没有支付意见不能付款（3.6.2）。")
        if not release.release_fen:
            raise Conflict("支付意见不支付任何金额。")
        if release.release_fen > ledger.held(release.contract_id):
            raise Conflict("质保金余额已少于意见的支付金额，请客户服务部经理重新出具意见。")
        return _claim(release)

    def involved(self, source: str) -> Iterable[int]:
        """Who entered, verified or opined."""
        release = _named(source)
        ids = (release.entered_by_id, release.verified_by_id, release.opined_by_id)
        return [one for one in ids if one is not None]

    def postings(self, payment: Payment) -> Sequence[Posting]:
        """Out of the deposit, through the bank."""
        contract = _named(payment.source).contract
        lines = [
            debit(accounts.retention(contract), payment.amount_fen),
            credit(accounts.bank(), payment.amount_fen),
        ]
        return [Posting(EntryKind.RETENTION_RELEASE, lines, payment.text)]

    def released(self, payment: Payment, actor: User, at: datetime) -> None:
        """The application is paid."""
        self._turn(payment, ReleaseStage.PAID, Act.RELEASE_PAYMENT, actor, at)

    def undone(self, payment: Payment, actor: User, at: datetime) -> None:
        """The application has its opinion again."""
        if queries.standing(_named(payment.source).contract_id).release is not None:
            raise Conflict("这份合同已有新的申请在办理，不能冲销旧的付款。")
        self._turn(payment, ReleaseStage.OPINED, Act.AGREE_REVERSAL, actor, at)

    def _turn(
        self, payment: Payment, stage: ReleaseStage, act: Act, actor: User, at: datetime
    ) -> None:
        release = _named(payment.source)
        release.stage = stage
        db.session.flush()
        _record(release, act, actor, at, {"payment": payment.number})


def _named(source: str) -> RetentionRelease:
    name, _, row = source.partition(":")
    if name != SOURCE or not (row.isascii() and row.isdigit() and len(row) <= 18):
        raise NotFound
    return queries.release(int(row))


def _claim(release: RetentionRelease) -> Claim:
    contract = release.contract
    return Claim(
        source=release.source,
        payee=contract.contractor.name,
        amount_fen=release.release_fen or 0,
        text=f"支付质量保证金 {contract.number}{'（责任期未满申请）' if release.early else ''}",
        path=f"/finance/retention/{contract.id}",
        due_on=release.pay_due_on,
        community_id=contract.community_id,
        contractor_id=contract.contractor_id,
        contract_id=contract.id,
    )


HANDLERS[Purpose.RETENTION] = Releases()
