"""The independent count of a replay: the CSV files loaded into sqlite and counted with SQL alone.

Nothing of the product is used here. Instants are compared as the text they are written in; a period is
a half-open interval of such texts. The rules of reading (docstring of `replay`) are written once more,
in SQL.
"""

import csv
import gzip
import re
import sqlite3
from pathlib import Path
from typing import NamedTuple

CATEGORY_OF = {
    "土建": "ENG", "防水": "ENG", "水": "ENG", "电": "ENG", "门窗": "ENG", "装饰": "ENG",
    "电梯": "ENG", "智能化": "ENG", "绿化景观": "FAC", "配套设施": "FAC",
    "物业管理": "PM", "噪音/邻里": "PM", "噪音/环境": "FAC", "环境卫生": "FAC", "安全隐患": "FAC",
    "配套设施/公用事业": "FAC", "合同纠纷": "SAL", "产权办理": "SAL", "销售服务": "SAL",
    "收费争议": "FIN", "工程施工": "ENG", "设计规划": "DES", "其他": "OTH",
}  # fmt: skip
"""A trade or complaint category of mapping.csv -> the stored value of our category."""

TRADE_OF = {
    "土建": "civil", "防水": "civil", "水": "plumbing_electric", "电": "plumbing_electric",
    "门窗": "decoration", "装饰": "decoration", "电梯": "lift", "智能化": "intelligent",
    "绿化景观": "landscape", "配套设施": "other",
}  # fmt: skip
"""A trade of mapping.csv -> the stored value of ours; where it names none the repair is of 其他工种."""

MESSAGES = ("replied", "public", "labelled")


class Counts(NamedTuple):
    """One community, or one category, in one period: came, closed, and still open at its end."""

    new: int
    closed: int
    open: int


class Recount:
    """The rows of one data set as sqlite sees them: table `case_`; `defect` (trade and phenomenon) where it is a repair."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:")
        self.db.create_function("regexp", 2, lambda rule, text: bool(re.search(rule, text)))
        self.db.execute(
            "CREATE TABLE case_ (community TEXT, category TEXT, opened TEXT, closed TEXT, defect TEXT)"
        )

    def load_elevators(self, data: Path, limit: int | None) -> None:
        """The lift requests of New York; a request is closed only if its status says so."""
        self._load("lift", data / "nyc" / "elevator_311.csv.gz")
        self.db.execute(
            """
            INSERT INTO case_
            SELECT borough, 'ENG', received_at,
                   CASE WHEN status = 'Closed' AND closed_at <> ''
                        THEN max(closed_at, received_at) END, NULL
            FROM lift ORDER BY received_at, rowid LIMIT ?
            """,
            (-1 if limit is None else limit,),
        )

    def load_messages(self, data: Path, limit: int | None) -> None:
        """The Chinese messages of all three files, each number once, classified by the keywords."""
        self._load("mapping", data / "mapping.csv", gzipped=False)
        self.db.execute("CREATE TABLE category (word TEXT PRIMARY KEY, value TEXT)")
        self.db.executemany("INSERT INTO category VALUES (?, ?)", CATEGORY_OF.items())
        for name in MESSAGES:
            self._load(name, data / "zh" / f"messages_{name}.csv.gz")
        self.db.execute(
            """
            CREATE TABLE message AS
            SELECT msg_id, received_at, replied_at, region, title, body,
                   min(nr) AS nr
            FROM (
                SELECT 1000000 + rowid AS nr, msg_id, received_at, replied_at, region, title, body
                FROM replied
                UNION ALL
                SELECT 2000000 + rowid, msg_id, received_at, '', region, title, body FROM public
                UNION ALL
                SELECT 3000000 + rowid, msg_id, received_at, '', region, title, body FROM labelled
            )
            GROUP BY msg_id
            """
        )
        first_rule = """
            (SELECT value FROM mapping JOIN category ON word = coalesce(nullif(trade, ''), complaint_category)
             WHERE source = 'zh_keywords' AND {} REGEXP source_value ORDER BY mapping.rowid LIMIT 1)
        """
        self.db.execute(
            f"""
            INSERT INTO case_
            SELECT region,
                   coalesce({first_rule.format("title")}, {first_rule.format("body")},
                            CASE WHEN replied_at <> '' THEN 'OTH' END),
                   received_at,
                   CASE WHEN replied_at <> '' THEN max(replied_at, received_at) END, NULL
            FROM message ORDER BY received_at, nr LIMIT ?
            """,
            (-1 if limit is None else limit,),
        )

    def load_council(self, data: Path, limit: int | None) -> None:
        """The cases of the councils, each number once; what mapping.csv calls 维修 is a repair."""
        self._load("council", data / "nyc" / "council_cases.csv.gz")
        self._load("mapping", data / "mapping.csv", gzipped=False)
        for table, words in (("category", CATEGORY_OF), ("trade", TRADE_OF)):
            self.db.execute(f"CREATE TABLE {table} (word TEXT PRIMARY KEY, value TEXT)")
            self.db.executemany(f"INSERT INTO {table} VALUES (?, ?)", words.items())
        self.db.execute(
            """
            CREATE TABLE counted AS
            SELECT council.*, min(council.rowid) AS nr,
                   coalesce(exact.kind, whole.kind) AS kind,
                   coalesce(exact.trade, whole.trade) AS trade,
                   coalesce(exact.complaint_category, whole.complaint_category) AS word
            FROM council
            LEFT JOIN mapping exact ON exact.source = 'nyc_council' AND exact.source_field = 'descriptor'
                 AND lower(exact.source_value) = lower(trim(council.descriptor))
            LEFT JOIN mapping whole ON whole.source = 'nyc_council' AND whole.source_field = 'complaint_type'
                 AND lower(whole.source_value) = lower(council.complaint_type)
            GROUP BY case_id
            """
        )
        self.db.execute(
            """
            INSERT INTO case_
            SELECT borough,
                   coalesce((SELECT value FROM category
                             WHERE category.word = coalesce(nullif(trade, ''), nullif(counted.word, ''))),
                            'OTH'),
                   opened_on || ' 09:00:00',
                   CASE WHEN closed_on <> ''
                        THEN max(closed_on || ' 17:00:00', opened_on || ' 09:00:00') END,
                   CASE WHEN kind = '维修' THEN
                        coalesce((SELECT value FROM trade t WHERE t.word = counted.trade), 'other') || ' ' ||
                        CASE WHEN descriptor LIKE '%leak%' OR descriptor LIKE '%flood%' THEN 'leak'
                             WHEN descriptor LIKE '%backup%' THEN 'blocked' ELSE 'other' END
                   END
            FROM counted ORDER BY opened_on, nr LIMIT ?
            """,
            (-1 if limit is None else limit,),
        )

    def _load(self, table: str, path: Path, *, gzipped: bool = True) -> None:
        csv.field_size_limit(10_000_000)
        opener = gzip.open if gzipped else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream)
            heads = next(rows)
            self.db.execute(f"CREATE TABLE {table} ({', '.join(heads)})")
            marks = ", ".join("?" * len(heads))
            self.db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    @property
    def size(self) -> tuple[int, int]:
        """How many cases came, and how many of them were closed."""
        row = self.db.execute("SELECT count(*), count(closed) FROM case_").fetchone()
        return int(row[0]), int(row[1])

    def trades(self) -> dict[str, int]:
        """How many defects there are of each trade."""
        rows = self.db.execute(
            "SELECT substr(defect, 1, instr(defect, ' ') - 1), count(*) FROM case_"
            " WHERE defect IS NOT NULL GROUP BY 1 ORDER BY 2 DESC"
        )
        return dict(rows.fetchall())

    def instants(self) -> list[str]:
        """Every text of an instant at which a case came or was closed."""
        return [
            text
            for (text,) in self.db.execute(
                "SELECT opened FROM case_ UNION SELECT closed FROM case_ WHERE closed IS NOT NULL"
            )
        ]

    def counts(self, column: str, start: str, end: str) -> dict[str, Counts]:
        """By `column` (``community``, ``category``, ``defect``), for the period from `start` up to `end`."""
        rows = self.db.execute(
            f"""
            SELECT coalesce({column}, ''),
                   sum(opened >= :start AND opened < :end),
                   sum(closed IS NOT NULL AND closed >= :start AND closed < :end),
                   sum(opened < :end AND (closed IS NULL OR closed >= :end))
            FROM case_ GROUP BY 1
            """,
            {"start": start, "end": end},
        )
        return {key: Counts(new, closed, open_) for key, new, closed, open_ in rows}
