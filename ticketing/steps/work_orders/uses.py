"""Labour, material and machines of a repair: noted by the crew, struck out when noted wrongly (procedure 3.5.5)."""

from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean_line
from ticketing.masters.people.models import User
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import UseKind
from ticketing.steps.work_orders.follow import filled
from ticketing.steps.work_orders.models import Use, WorkOrder
from ticketing.steps.work_orders.road import ORDERS


def note(
    order: WorkOrder, *, kind: UseKind, what: str, quantity_milli: int, unit: str, actor: User
) -> Use:
    """Note labour, material or a machine for the account (procedure 3.5.5)."""
    what, unit = clean_line(what), clean_line(unit)
    if not what:
        raise Invalid("请填写名称。", field="what")
    if not unit:
        raise Invalid("请填写单位。", field="unit")
    if not 0 < quantity_milli <= 100_000_000:
        raise Invalid("请填写大于零的数量。", field="quantity_milli")
    use = Use(
        order_id=order.id,
        kind=kind,
        what=what,
        quantity_milli=quantity_milli,
        unit=unit,
        by_id=actor.id,
    )
    use.at = ORDERS.advance(order, Act.NOTE_USE, actor=actor, version=None, facts={"use": use.told})
    db.session.add(use)
    db.session.flush()
    return use


def to_strike(order: WorkOrder, *, sent: bool = False) -> list[tuple[int, str]]:
    """What still counts of the labour and material of an order, to choose from; all of it for a form that was `sent`.

    A form sent twice names what the first one struck out.
    """
    return [(use.id, use.told) for use in order.uses if sent or use.struck_at is None]


def strike(order: WorkOrder, *, use_id: int, reason: str, actor: User) -> Use:
    """Strike out what was noted wrongly, while the order is open: it stays on the sheet and counts no more (procedure 3.5.5).

    Raises Invalid (not of this order, no reason), NotPermitted, Conflict (struck out by another meanwhile, order ended).
    """
    row = ORDERS.begin(order, Act.STRIKE_USE, actor, None)
    ORDERS.check_first(row, order, actor)
    use = next((one for one in order.uses if one.id == use_id), None)
    if use is None:
        raise Invalid("请选择要划去的一笔。", field="use_id")
    if use.struck_at is not None:
        raise Conflict("这一笔已经划去了。")
    words = filled(reason, "reason", "请写明划去的原因。")
    use.struck_at = ORDERS.advance(
        order,
        Act.STRIKE_USE,
        actor=actor,
        version=None,
        facts={"use": use.told, "reason": words},
    )
    use.struck_by_id, use.struck_reason = actor.id, words
    db.session.flush()
    return use
