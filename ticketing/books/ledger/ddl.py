"""What the database itself refuses, whoever asks: the triggers of the ledger, once for each engine.

The lines of an entry are inserted first, then the entry, which closes them: it must balance, have at least two lines, be
the first of its document and kind (or follow its reversal), and mirror what it reverses. A booked entry takes no further
line; entries are numbered without a gap and, like lines, never updated or deleted; an account's balance follows its lines
and moves with nothing else. What a payment says of money never changes either.

`CREATE` came with the tables of the books, `CREATE_CLOSING` with the closings 结账: no entry is dated into what is closed.
"""

BOOK_LOCK = 0x626F6F6B
"""The key of PostgreSQL's advisory lock: one transaction at a time writes into the book. SQLite has one writer anyway."""

CLOSED = "ledger: a booked entry takes no further line"
KEPT = "ledger: what is booked is never changed"
SHORT = "ledger: an entry has at least two lines"
UNBALANCED = "ledger: an entry must balance"
TWICE = "ledger: booked already"
MIRROR = "ledger: a reversal mirrors one entry that is no reversal"
OPENED = "ledger: an account begins empty"
ACCOUNT = "ledger: an account keeps its kind and key"
MOVED = "ledger: a balance moves with its lines only"
GAP = "ledger: entries are numbered without a gap"
PAID = "ledger: what a payment says of money is never changed"
PERIOD = "ledger: no entry is dated into a closed period"
ASKED = "ledger: one closing waits at a time and moves the closed day"
SETTLED = "ledger: a closing is settled once and never changed"

_TURN = (
    "(SELECT count(*) FROM ledger_entry r JOIN ledger_entry o ON r.reverses_id = o.id"
    " WHERE o.source = NEW.source AND o.kind = NEW.kind)"
)
_REFUSALS = (
    (GAP, "NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM ledger_entry)"),
    (SHORT, "(SELECT count(*) FROM ledger_line WHERE entry_id = NEW.id) < 2"),
    (UNBALANCED, "(SELECT sum(amount_fen) FROM ledger_line WHERE entry_id = NEW.id) <> 0"),
    (
        TWICE,
        (
            "EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.id OR reverses_id = NEW.reverses_id"
            " OR (source = NEW.source AND kind = NEW.kind AND turn = NEW.turn))"
        ),
    ),
    (TWICE, f"NEW.turn <> {_TURN}"),
    (
        MIRROR,
        (
            "NEW.reverses_id IS NOT NULL AND ("
            "NOT EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.reverses_id AND reverses_id IS NULL)"
            " OR EXISTS (SELECT account_id FROM ledger_line WHERE entry_id IN (NEW.id, NEW.reverses_id)"
            " GROUP BY account_id HAVING sum(amount_fen) <> 0))"
        ),
    ),
)
_ACCOUNT_MOVED = (
    "NEW.balance_fen <> OLD.balance_fen AND NOT EXISTS (SELECT 1 FROM ledger_line WHERE account_id = NEW.id"
    " AND amount_fen = NEW.balance_fen - OLD.balance_fen"
    " AND entry_id > (SELECT coalesce(max(id), 0) FROM ledger_entry))"
)
_PAYMENT_FIXED = ("purpose", "source", "payee", "amount_fen", "prepared_by_id", "prepared_at")
_KEPT_TABLES = ("ledger_entry", "ledger_line")
_CLOSED_THROUGH = (
    "(SELECT through FROM ledger_closing WHERE agreed = true ORDER BY id DESC LIMIT 1)"
)
_IN_CLOSED = f'NEW."on" <= {_CLOSED_THROUGH}'
_ASKED_WRONGLY = (
    "NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM ledger_closing) OR NEW.settled_at IS NOT NULL"
    " OR EXISTS (SELECT 1 FROM ledger_closing WHERE settled_at IS NULL)"
    f" OR (NEW.kind = 'close' AND NEW.through <= {_CLOSED_THROUGH})"
    f" OR (NEW.kind = 'reopen' AND coalesce(NEW.through >= {_CLOSED_THROUGH}, true))"
)
_SETTLED_WRONGLY = (
    "OLD.settled_at IS NOT NULL OR NEW.settled_at IS NULL OR (NEW.agreed = true"
    " AND NEW.last_entry <> (SELECT coalesce(max(id), 0) FROM ledger_entry))"
)
_CLOSING_FIXED = ("id", "kind", "through", "reason", "asked_at", "asked_by_id")


_ALONE = f"PERFORM pg_advisory_xact_lock({BOOK_LOCK});"
_ROW = "FOR EACH ROW EXECUTE FUNCTION"


def _refusing_sqlite(name: str, when: str, condition: str, sentence: str) -> str:
    return (
        f"CREATE TRIGGER {name} {when}{' WHEN ' + condition if condition else ''}"
        f" BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
    )


def _function(name: str, body: str) -> str:
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"


def _refusing_postgresql(condition: str, sentence: str) -> str:
    raising = f"RAISE EXCEPTION '{sentence}' USING ERRCODE = '23514';"
    return f"IF {condition} THEN {raising} END IF;" if condition else raising


def _sqlite() -> tuple[str, ...]:
    closing = " ".join(
        f"SELECT RAISE(ABORT, '{sentence}') WHERE {condition};" for sentence, condition in _REFUSALS
    )
    fixed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _PAYMENT_FIXED)
    return (
        _refusing_sqlite(
            "ledger_line_closed",
            "BEFORE INSERT ON ledger_line",
            "EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.entry_id)"
            " OR EXISTS (SELECT 1 FROM ledger_line WHERE id = NEW.id)",
            CLOSED,
        ),
        (
            "CREATE TRIGGER ledger_line_counted AFTER INSERT ON ledger_line BEGIN UPDATE ledger_account"
            " SET balance_fen = balance_fen + NEW.amount_fen WHERE id = NEW.account_id; END"
        ),
        f"CREATE TRIGGER ledger_entry_closing BEFORE INSERT ON ledger_entry BEGIN {closing} END",
        *(
            _refusing_sqlite(f"{table}_{word}", f"BEFORE {word.upper()} ON {table}", "", KEPT)
            for table in _KEPT_TABLES
            for word in ("update", "delete")
        ),
        _refusing_sqlite(
            "ledger_account_opened",
            "BEFORE INSERT ON ledger_account",
            "NEW.balance_fen <> 0 OR EXISTS"
            " (SELECT 1 FROM ledger_account WHERE id = NEW.id OR key = NEW.key)",
            OPENED,
        ),
        _refusing_sqlite(
            "ledger_account_kept",
            "BEFORE UPDATE ON ledger_account",
            "NEW.id IS NOT OLD.id OR NEW.kind IS NOT OLD.kind OR NEW.key IS NOT OLD.key",
            ACCOUNT,
        ),
        _refusing_sqlite(
            "ledger_account_moved", "BEFORE UPDATE ON ledger_account", _ACCOUNT_MOVED, MOVED
        ),
        _refusing_sqlite(
            "payment_once",
            "BEFORE INSERT ON payment",
            "EXISTS (SELECT 1 FROM payment WHERE id = NEW.id"
            " OR (source = NEW.source AND state NOT IN ('voided', 'reversed')))",
            TWICE,
        ),
        _refusing_sqlite("payment_fixed", "BEFORE UPDATE ON payment", fixed, PAID),
        _refusing_sqlite("payment_delete", "BEFORE DELETE ON payment", "", PAID),
    )


def _postgresql() -> tuple[str, ...]:
    fixed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in _PAYMENT_FIXED)
    closing = " ".join(
        _refusing_postgresql(condition, sentence) for sentence, condition in _REFUSALS
    )
    bodies = {
        "ledger_line_closed": _ALONE
        + _refusing_postgresql(
            "EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.entry_id)", CLOSED
        )
        + " RETURN NEW;",
        "ledger_line_counted": "UPDATE ledger_account SET balance_fen = balance_fen + NEW.amount_fen"
        " WHERE id = NEW.account_id; RETURN NULL;",
        "ledger_entry_closing": f"{_ALONE} {closing} RETURN NEW;",
        "ledger_kept": _refusing_postgresql("", KEPT),
        "ledger_account_opened": _refusing_postgresql("NEW.balance_fen <> 0", OPENED)
        + " RETURN NEW;",
        "ledger_account_kept": _refusing_postgresql(
            "NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.key <> OLD.key", ACCOUNT
        )
        + _refusing_postgresql(_ACCOUNT_MOVED, MOVED)
        + " RETURN NEW;",
        "payment_fixed": _refusing_postgresql(fixed, PAID) + " RETURN NEW;",
        "payment_kept": _refusing_postgresql("", PAID),
    }
    return (
        *(_function(name, body) for name, body in bodies.items()),
        f"CREATE TRIGGER ledger_line_closed BEFORE INSERT ON ledger_line {_ROW} ledger_line_closed()",
        f"CREATE TRIGGER ledger_line_counted AFTER INSERT ON ledger_line {_ROW} ledger_line_counted()",
        f"CREATE TRIGGER ledger_entry_closing BEFORE INSERT ON ledger_entry {_ROW} ledger_entry_closing()",
        *(
            f"CREATE TRIGGER {table}_{word} BEFORE {word.upper()} ON {table} {_ROW} ledger_kept()"
            for table in _KEPT_TABLES
            for word in ("update", "delete")
        ),
        *(
            f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_kept()"
            for table in _KEPT_TABLES
        ),
        f"CREATE TRIGGER ledger_account_opened BEFORE INSERT ON ledger_account {_ROW} ledger_account_opened()",
        f"CREATE TRIGGER ledger_account_kept BEFORE UPDATE ON ledger_account {_ROW} ledger_account_kept()",
        f"CREATE TRIGGER payment_fixed BEFORE UPDATE ON payment {_ROW} payment_fixed()",
        f"CREATE TRIGGER payment_delete BEFORE DELETE ON payment {_ROW} payment_kept()",
    )


def _closing_sqlite() -> tuple[str, ...]:
    moved = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _CLOSING_FIXED)
    return tuple(
        _refusing_sqlite(*guard)
        for guard in (
            ("ledger_entry_period", "BEFORE INSERT ON ledger_entry", _IN_CLOSED, PERIOD),
            ("ledger_closing_asked", "BEFORE INSERT ON ledger_closing", _ASKED_WRONGLY, ASKED),
            (
                "ledger_closing_settled",
                "BEFORE UPDATE ON ledger_closing",
                f"{moved} OR {_SETTLED_WRONGLY}",
                SETTLED,
            ),
            ("ledger_closing_delete", "BEFORE DELETE ON ledger_closing", "", SETTLED),
        )
    )


def _closing_postgresql() -> tuple[str, ...]:
    moved = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in _CLOSING_FIXED)
    bodies = {
        "ledger_entry_period": f"{_ALONE} {_refusing_postgresql(_IN_CLOSED, PERIOD)} RETURN NEW;",
        "ledger_closing_asked": f"{_ALONE} {_refusing_postgresql(_ASKED_WRONGLY, ASKED)} RETURN NEW;",
        "ledger_closing_settled": f"{_ALONE} {_refusing_postgresql(f'{moved} OR {_SETTLED_WRONGLY}', SETTLED)}"
        " RETURN NEW;",
        "ledger_closing_kept": _refusing_postgresql("", SETTLED),
    }
    return (
        *(_function(name, body) for name, body in bodies.items()),
        f"CREATE TRIGGER ledger_entry_period BEFORE INSERT ON ledger_entry {_ROW} ledger_entry_period()",
        f"CREATE TRIGGER ledger_closing_asked BEFORE INSERT ON ledger_closing {_ROW} ledger_closing_asked()",
        f"CREATE TRIGGER ledger_closing_settled BEFORE UPDATE ON ledger_closing {_ROW} ledger_closing_settled()",
        f"CREATE TRIGGER ledger_closing_delete BEFORE DELETE ON ledger_closing {_ROW} ledger_closing_kept()",
        (
            "CREATE TRIGGER ledger_closing_truncate BEFORE TRUNCATE ON ledger_closing"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_closing_kept()"
        ),
    )


def _functions(statements: tuple[str, ...]) -> tuple[str, ...]:
    """What drops the functions that some statements make."""
    made = (words[2] for words in map(str.split, statements) if words[1] == "FUNCTION")
    return tuple(f"DROP FUNCTION {name}" for name in made)


CREATE: dict[str, tuple[str, ...]] = {"sqlite": _sqlite(), "postgresql": _postgresql()}
"""Run after the tables of the books are made."""

CREATE_CLOSING: dict[str, tuple[str, ...]] = {
    "sqlite": _closing_sqlite(),
    "postgresql": _closing_postgresql(),
}
"""Run after the table of closings is made."""

TRIGGERS: dict[str, frozenset[str]] = {
    engine: frozenset(
        words[2]
        for words in map(str.split, (*CREATE[engine], *CREATE_CLOSING[engine]))
        if words[1] == "TRIGGER"
    )
    for engine in CREATE
}
"""The names of the triggers: `flask ledger verify` looks whether they are all there."""

DROP: dict[str, tuple[str, ...]] = {
    "sqlite": (),
    "postgresql": _functions(CREATE["postgresql"]),
}
"""Run after the tables are dropped, which takes the triggers with them."""

UNGUARD_ENTRIES: dict[str, str] = {
    "sqlite": "DROP TRIGGER ledger_entry_period",
    "postgresql": "DROP TRIGGER ledger_entry_period ON ledger_entry",
}
"""Run before the table of closings is dropped: the entries stay."""

DROP_CLOSING: dict[str, tuple[str, ...]] = {
    "sqlite": (),
    "postgresql": _functions(CREATE_CLOSING["postgresql"]),
}
"""Run after it is dropped."""
