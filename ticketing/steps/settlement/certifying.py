"""Certification 认定 by the deputy chief engineer for quality, and what finance hands back (procedure 2.1.4, 3.5.8, 3.5.9)."""

import hashlib
import json

from ticketing.books.ledger.commands import open_book
from ticketing.kernel import clock
from ticketing.kernel.text import clean
from ticketing.masters.people.models import User
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.steps.settlement import booking, hands
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.settlement.reviewing import back_to_review
from ticketing.steps.settlement.road import (
    SETTLEMENTS,
    begin,
    follow,
    in_the_name,
    tell_holders,
    tell_principal,
)


def certify(settlement: Settlement, *, version: int, opinion: str, actor: User) -> Settlement:
    """Price and work are found right; the account goes to finance (procedure 3.5.8).

    The hash of what was certified is journalled with it; from now on the books say what is owed. The book is locked before
    the journal, as every payment does.

    Raises NotPermitted (not his turn, or he had a part in it), Conflict.
    """
    begin(settlement, Act.CERTIFY, version, actor)
    signed = hands.certifying(settlement, actor)
    open_book()
    at = SETTLEMENTS.advance(
        settlement,
        Act.CERTIFY,
        actor=actor,
        version=version,
        changes={
            "certified_at": clock.now(),
            "certified_by_id": actor.id,
            "certified_for_id": signed.principal.id if signed and signed.principal else None,
            "opinion": clean(opinion),
        },
        facts={
            "approved_fen": settlement.approved_fen,
            "shown": what_is_shown(settlement),
            **in_the_name(signed),
        },
    )
    tell_principal(settlement, signed, actor, at, "认定")
    booking.accrue(settlement, actor, at)
    follow(settlement, Act.CERTIFY, at, [ClockKind.PAYMENT])
    tell_holders(settlement, actor, at, "已认定，请拨付", "certified")
    return settlement


def send_back(settlement: Settlement, *, version: int, reason: str, actor: User) -> Settlement:
    """Not certified: back to the review with the reason (procedure 3.5.8)."""
    begin(settlement, Act.RETURN_SETTLEMENT, version, actor)
    back_to_review(
        settlement,
        Act.RETURN_SETTLEMENT,
        version=version,
        reason=reason,
        actor=actor,
        words="认定时被退回，请重新审定",
    )
    return settlement


def what_is_shown(settlement: Settlement) -> str:
    """The hash of what a certifier and a payer see: lines, totals, class, contract (trust: promise 18)."""
    shown = {
        "class": settlement.order_class.value,
        "contract": settlement.contract_id,
        "approved_fen": settlement.approved_fen,
        "chargeback_fen": settlement.chargeback_fen,
        "terms": [settlement.basis.value, settlement.vat_bp, settlement.management_bp],
        "lines": [
            [one.item, one.approved_quantity_milli, one.approved_price_milli, one.approved_fen]
            for one in settlement.lines
        ],
    }
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()
