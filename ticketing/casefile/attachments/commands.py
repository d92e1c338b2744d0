"""Filing pictures and papers, and sweeping what no row came to name."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from ticketing.casefile.attachments import queries
from ticketing.casefile.attachments.models import Attachment, PaperKind
from ticketing.casefile.attachments.queries import REPLACEABLE, Place, small
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.commands import hold
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotFound
from ticketing.kernel.pictures import ENDINGS, Filed, plausible
from ticketing.kernel.storage import Store, new_key
from ticketing.kernel.text import file_name
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Slot

MOST = 60
"""How many pictures and papers stand on one paper."""

GRACE = timedelta(hours=24)
"""How long a file may wait for the row that names it."""


def file_picture(
    scope: Scope,
    paper: PaperKind,
    paper_id: int,
    *,
    slot: Slot,
    filed: Filed,
    name: str,
    once: str,
    store: Store,
    actor: User,
    taken_at: datetime | None = None,
    defect_id: int | None = None,
    replaces: str = "",
) -> Attachment:
    """Pin a picture (made by `kernel.pictures.made`) to a ticket, a survey or an order (procedure 3.4.5, 3.5.3).

    `once` is the sender's own mark: a picture he has filed under it before is given back and nothing is filed twice.
    `taken_at` is what the sender says; what the camera noted in the picture goes before it. `replaces` is the key of the
    picture this one stands for from now on; the old one stays on file.

    The bytes are in the store before the row is written.

    Raises NotFound, NotPermitted, Conflict (the paper is finished), Invalid (a blank signature, too many).
    """
    place = queries.place_for(scope, actor, paper, paper_id)
    hold([place.ticket_id])
    earlier = queries.filed_before(actor.id, once)
    if earlier is not None:
        if (earlier.ticket_id, earlier.slot) != (place.ticket_id, slot):
            raise Conflict("这个编号的照片已经上传到别处，请重新拍照。")
        return earlier
    place.demand(slot)
    if slot is Slot.SIGNATURE and filed.blank:
        raise Invalid("签名是空白的，请重新签名。", field="file")
    if defect_id is not None:
        _defect_of(place, defect_id)
    old = _replaced(place, slot, replaces) if replaces else None
    if old is None and len(queries.of_paper(paper, paper_id)) >= MOST:
        raise Invalid(f"一张{paper}最多 {MOST} 份照片和文件。", field="file")
    at, key = clock.now(), new_key()
    store.put(key, filed.data)
    if filed.small:
        store.put(small(key), filed.small)
    row = Attachment(
        key=key,
        ticket_id=place.ticket_id,
        survey_id=place.id if paper is PaperKind.SURVEY else None,
        order_id=place.id if paper is PaperKind.ORDER else None,
        defect_id=defect_id,
        slot=slot,
        name=file_name(name, ENDINGS[filed.kind]),
        kind=filed.kind,
        size=len(filed.data),
        width=filed.width,
        height=filed.height,
        sha256=filed.sha256,
        taken_at=filed.taken_at or (plausible(taken_at) if filed.width else None),
        at=at,
        by_id=actor.id,
        once=once,
    )
    db.session.add(row)
    if old is not None:
        old.replaced_at = at
    db.session.flush()
    record(
        paper.value,
        place.id,
        Act.ATTACH.value,
        actor=actor,
        at=at,
        origin=place.stage.value,
        target=place.stage.value,
        version=place.version,
        facts={
            "number": place.number,
            "slot": slot.label,
            "file": row.name,
            "sha256": row.sha256,
            **({"replaces": old.sha256} if old is not None else {}),
        },
    )
    return row


def _defect_of(place: Place, defect_id: int) -> None:
    """Raises NotFound when the item is not one of this ticket."""
    found = select(func.count(Defect.id)).where(
        Defect.id == defect_id, Defect.ticket_id == place.ticket_id
    )
    if not db.session.scalar(found):
        raise NotFound


def _replaced(place: Place, slot: Slot, key: str) -> Attachment:
    """The picture on this paper that a new one is to stand for. Raises NotFound, Invalid, Conflict."""
    found = [
        one for one in queries.of_ticket(place.ticket_id) if (one.key, one.slot) == (key, slot)
    ]
    old = found[0] if found else None
    if old is None or not _stands_on(old, place):
        raise NotFound
    if slot not in REPLACEABLE:
        raise Invalid(f"“{slot}”不能替换，只能补充。", field="file")
    if old.replaced_at is not None:
        raise Conflict("这张照片已经替换过了。")
    return old


def _stands_on(one: Attachment, place: Place) -> bool:
    papers = {PaperKind.SURVEY: one.survey_id, PaperKind.ORDER: one.order_id}
    if place.kind is PaperKind.TICKET:
        return one.survey_id is None and one.order_id is None
    return papers[place.kind] == place.id


def sweep(store: Store, at: datetime) -> int:
    """Delete files that no row names a day after they were written; how many. Rows are never touched.

    They are left by a transaction that failed after its file was written, or by a process that was killed.
    """
    before, swept = at - GRACE, store.drop_unfinished(at - GRACE)
    for names in store.written_before(before):
        for start in range(0, len(names), 500):
            batch = names[start : start + 500]
            known = queries.named({_key_of(name) for name in batch})
            loose = [name for name in batch if _key_of(name) not in known]
            for name in loose:
                store.delete(name)
            swept += len(loose)
    return swept


def _key_of(name: str) -> str:
    return name.removesuffix(small(""))
