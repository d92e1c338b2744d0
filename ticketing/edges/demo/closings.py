"""The books of the demo are closed month by month; the last month that is over is still open."""

from datetime import date

from ticketing.books.ledger import closing
from ticketing.edges.demo.cast import Cast
from ticketing.edges.demo.story import Story, working_day
from ticketing.edges.demo.town import Town
from ticketing.kernel import clock
from ticketing.procedure.accounts import closable

CLOSED_AFTER = 6
"""Working days after a month's end."""


def closings(town: Town, cast: Cast, first_day: date) -> Story:
    """Finance asks in the morning, audit agrees in the afternoon; of the months that are over all but the last."""
    for end in reversed(closable(first_day, None, town.today)[1:]):
        day = working_day(end, CLOSED_AFTER)
        yield clock.at(day, 9, 20)
        asked = closing.ask_closing(through=end, actor=cast["finance"])
        yield clock.at(day, 14, 30)
        closing.settle_closing(asked, agreed=True, answer="", actor=cast["auditor"])
