"""Reading attachments: what a person may see, where he may file what, what the store owes its rows.

A picture belongs to a ticket and mostly to a paper of it that is kept in a room above. Those rooms say in `DESKS` which
pictures their papers show to whom, and what may be filed on them now; nobody else decides it.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import joinedload

from ticketing.casefile.attachments.models import Attachment, PaperKind
from ticketing.casefile.tickets import guards
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import db
from ticketing.kernel.enums import Labelled
from ticketing.kernel.errors import Conflict, NotFound, NotPermitted
from ticketing.kernel.storage import Store, is_key
from ticketing.masters.people.models import User
from ticketing.masters.people.queries import SIGNER
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.repairs import Slot
from ticketing.procedure.vocabulary import Role

REPLACEABLE = frozenset({Slot.REPORTED, Slot.SITE, Slot.BEFORE, Slot.AFTER})
"""Photos, until their paper is finished. Signatures and evidence stand as they were filed."""

PAPERS = frozenset({Slot.SIGNED_PAPER, Slot.EVIDENCE})
"""Where a PDF is accepted too."""


class Place(NamedTuple):
    """A paper as one person finds it: where its page is, and what he may file on it as it stands (`slots`)."""

    kind: PaperKind
    id: int
    number: str
    ticket_id: int
    stage: Labelled
    version: int
    path: str
    slots: frozenset[Slot]

    def demand(self, slot: Slot) -> None:
        """Raises NotPermitted (he files nothing here), Conflict (not in this state)."""
        if not self.slots:
            raise NotPermitted(f"您不能在这张{self.kind}上传照片。")
        if slot not in self.slots:
            raise Conflict(f"{self.kind}现为“{self.stage}”，不能上传“{slot}”。")


class Desk(NamedTuple):
    """How one kind of paper keeps its pictures.

    `visible` is the condition on `Attachment` under which a person reaches a picture by way of this kind of paper; `place`
    finds one paper within his scope (raises NotFound) with what he may file on it.
    """

    visible: Callable[[Scope], ColumnElement[bool]]
    place: Callable[[Scope, User, int], Place]


def _with_his_tickets(scope: Scope) -> ColumnElement[bool]:
    its_ticket = select(Ticket.id).where(Ticket.id == Attachment.ticket_id)
    return its_ticket.where(tickets.visible(scope)).exists()


def _on_ticket(scope: Scope, actor: User, ticket_id: int) -> Place:
    """On the ticket itself: what the customer sent while it is open, evidence at any time."""
    ticket = tickets.ticket_for(scope, ticket_id)
    slots: set[Slot] = set()
    if may(guards.roles_on(ticket, actor) - {Role.CAPTAIN}, Act.ATTACH):
        slots = {Slot.EVIDENCE} | ({Slot.REPORTED} if ticket.is_open else set())
    return Place(
        PaperKind.TICKET,
        ticket.id,
        ticket.number,
        ticket.id,
        ticket.stage,
        ticket.version,
        f"/tickets/{ticket.id}",
        frozenset(slots),
    )


DESKS: dict[PaperKind, Desk] = {PaperKind.TICKET: Desk(_with_his_tickets, _on_ticket)}
"""Rooms above put theirs here."""

_COLUMNS = {PaperKind.SURVEY: Attachment.survey_id, PaperKind.ORDER: Attachment.order_id}


def visible(scope: Scope) -> ColumnElement[bool]:
    """The condition that a person may see an attachment: by its ticket, its survey or its order."""
    return or_(*(desk.visible(scope) for desk in DESKS.values()))


def attachment_for(scope: Scope, key: str) -> Attachment:
    """One attachment by its key. Raises NotFound, also when out of scope."""
    if not is_key(key):
        raise NotFound
    found = db.session.scalars(
        select(Attachment).where(Attachment.key == key, visible(scope))
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def place_for(scope: Scope, actor: User, kind: PaperKind, paper_id: int) -> Place:
    """One paper to file on. Raises NotFound."""
    return DESKS[kind].place(scope, actor, paper_id)


def of_paper(kind: PaperKind, paper_id: int, *slots: Slot) -> Sequence[Attachment]:
    """What is on file of one paper (of these slots), oldest first, replaced ones left out. The paper was seen before."""
    query = select(Attachment).where(Attachment.replaced_at.is_(None))
    if kind is PaperKind.TICKET:
        query = query.where(
            Attachment.ticket_id == paper_id,
            Attachment.survey_id.is_(None),
            Attachment.order_id.is_(None),
        )
    else:
        query = query.where(_COLUMNS[kind] == paper_id)
    return _with_authors(query.where(Attachment.slot.in_(slots)) if slots else query)


def of_ticket(ticket_id: int) -> Sequence[Attachment]:
    """Everything on file of a ticket and its papers, oldest first, replaced ones too. The ticket was seen before."""
    return _with_authors(select(Attachment).where(Attachment.ticket_id == ticket_id))


def _with_authors(query: Select[Attachment]) -> Sequence[Attachment]:
    return db.session.scalars(
        query.options(joinedload(Attachment.by, innerjoin=True).options(SIGNER)).order_by(
            Attachment.id
        )
    ).all()


def filed_before(user_id: int, once: str) -> Attachment | None:
    """What this person filed under his own mark `once`."""
    return db.session.scalars(
        select(Attachment).where(Attachment.by_id == user_id, Attachment.once == once)
    ).one_or_none()


def named(keys: set[str]) -> set[str]:
    """Which of these keys some row names."""
    return set(db.session.scalars(select(Attachment.key).where(Attachment.key.in_(keys))))


class Soundness(NamedTuple):
    """How many attachments were looked at, and what is wrong with them in sentences."""

    checked: int
    faults: list[str]


def verify(store: Store) -> Soundness:
    """Compare every row with the store: the file is there and has the hash of its row, a picture has its thumbnail."""
    checked = 0
    faults: list[str] = []
    rows = db.session.execute(
        select(Attachment.key, Attachment.sha256, Attachment.width, Attachment.name)
        .order_by(Attachment.id)
        .execution_options(yield_per=1000)
    )
    for key, sha256, width, name in rows:
        checked += 1
        if not store.exists(key):
            faults.append(f"{key}（{name}）：文件丢失")
        elif _hash_of(store, key) != sha256:
            faults.append(f"{key}（{name}）：内容与登记的校验值不符")
        elif width is not None and not store.exists(small(key)):
            faults.append(f"{key}（{name}）：缩略图丢失")
    return Soundness(checked, faults)


def small(key: str) -> str:
    """The name of a picture's thumbnail in the store."""
    return f"{key}-small"


def _hash_of(store: Store, name: str) -> str:
    with store.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
