"""The figures of the procedure in the demo, confirmed and with a change waiting; a signatory who is away and has a deputy."""

from datetime import date, timedelta

from ticketing.edges.demo.cast import Cast
from ticketing.edges.demo.story import Story, working_day
from ticketing.kernel import clock
from ticketing.oversight.deputies import commands as deputies
from ticketing.oversight.parameters import commands
from ticketing.procedure.parameters import STANDARD


def rules(cast: Cast, first: date, today: date) -> Story:
    """The standard figures from the first day on; yesterday the manager asked for a higher limit of his own."""
    manager, gm = cast["manager"], cast["gm"]
    yield clock.at(first, 8, 2)
    edition = commands.propose(
        **STANDARD._asdict(),
        effective_on=first,
        reason="总经理办公会议纪要：维修费用审批限额及周转金按标准执行。",
        actor=manager,
    )
    yield clock.at(first, 8, 9)
    commands.confirm(edition, version=edition.version, actor=gm)
    yield clock.at(working_day(today, -1), 16, 40)
    commands.propose(
        **STANDARD._replace(manager_fen=800_000, split_days=45)._asdict(),
        effective_on=working_day(today, 5),
        reason="近半年 5,000 至 8,000 元的维修占三成，报批平均多用两天，拟提高经理审批限额，同时延长拆单合并天数。",
        actor=manager,
    )


def away(cast: Cast, today: date) -> Story:
    """The deputy chief engineer travels; an engineer signs in his name, as once before in the summer."""
    chief, engineer = cast["chief"], cast["engineer2"]
    for begins_on, days, reason in (
        (working_day(today, -40), 4, "参加省质量年会"),
        (working_day(today, -1), 6, "外地项目验收出差"),
    ):
        yield clock.at(begins_on, 8, 12)
        deputies.name_deputy(
            deputy_id=engineer.id,
            begins_on=begins_on,
            ends_on=begins_on + timedelta(days=days),
            reason=reason,
            actor=chief,
        )
