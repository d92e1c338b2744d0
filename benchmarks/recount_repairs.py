"""The independent count of the repairs of a replay: its orders as rows of sqlite, W4 and W7 counted with SQL alone.

Nothing of the product is used here. Which repairs went the long road, and when each step was, is told in the docstring of
`replay` and written once more here.
"""

from datetime import date

from benchmarks.breaches import after_working_days
from benchmarks.recount import Recount

Figures = dict[str, tuple[int, ...]]
"""By name of the row the numbers of a table."""


class Orders:
    """The orders of a recount, as table `order_` of its database."""

    def __init__(self, recount: Recount) -> None:
        self.db = recount.db
        self.db.create_function(
            "due_on", 1, lambda day: after_working_days(date.fromisoformat(day), 3).isoformat()
        )
        self.db.execute(
            """
            CREATE TABLE order_ AS
            SELECT community,
                   CASE WHEN defect LIKE 'other %' THEN 'B' ELSE 'A' END AS class,
                   CASE WHEN defect LIKE 'other %' THEN 80000 ELSE 50000 END AS fen,
                   defect LIKE '% leak' AS leak,
                   date(opened, '+1 day') || ' 14:00:00' AS issued,
                   due_on(date(opened, '+1 day')) AS due,
                   date(closed, '-1 day') || ' 15:00:00' AS repaired,
                   date(closed, '-1 day') || ' 16:00:00' AS accepted
            FROM case_
            WHERE defect IS NOT NULL AND (closed IS NULL OR julianday(closed) - julianday(opened) >= 4)
            """
        )

    @property
    def size(self) -> tuple[int, int]:
        """How many orders there are, and how many of them were accepted."""
        row = self.db.execute("SELECT count(*), count(accepted) FROM order_").fetchone()
        return int(row[0]), int(row[1])

    def classes(self, start: str, end: str) -> Figures:
        """W7 by class: in repair at the start, issued, completed, in repair at the end, estimates of the issued in fen."""
        return self._counted(
            """
            SELECT class,
                   sum(issued < :start AND (accepted IS NULL OR accepted >= :start)),
                   sum(issued >= :start AND issued < :end),
                   coalesce(sum(accepted >= :start AND accepted < :end), 0),
                   sum(issued < :end AND (accepted IS NULL OR accepted >= :end)),
                   sum((issued >= :start AND issued < :end) * fen)
            FROM order_ GROUP BY class
            """,
            start,
            end,
        )

    def parties(self, start: str, end: str) -> Figures:
        """W4 by community, each has a team: issued, due, done in time, overdue, longest, completed, held.

        What is done after the due day, or not by the end of the period, is late; a repair is held for 90 days, a leak's for 365.
        """
        return self._counted(
            """
            SELECT community,
                   sum(issued >= :start AND issued < :end),
                   sum(falls_due),
                   coalesce(sum(falls_due AND date(repaired) <= due AND repaired < :end), 0),
                   sum(over > 0),
                   max(max(over, 0)),
                   coalesce(sum(accepted >= :start AND accepted < :end), 0),
                   coalesce(sum(accepted < :end AND accepted >= datetime(:end, CASE WHEN leak THEN '-365 days'
                                                                                    ELSE '-90 days' END)), 0)
            FROM (
                SELECT order_.*,
                       issued < :end AND due >= date(:start) AND due < date(:end) AS falls_due,
                       CASE WHEN issued < :end AND (repaired IS NULL OR repaired >= :end)
                            THEN julianday(date(:end, '-1 day')) - julianday(due) ELSE 0 END AS over
                FROM order_
            )
            GROUP BY community
            """,
            start,
            end,
        )

    def _counted(self, sql: str, start: str, end: str) -> Figures:
        rows = self.db.execute(sql, {"start": start, "end": end})
        return {name: tuple(map(int, numbers)) for name, *numbers in rows}
