"""What the database itself refuses, whoever asks: a version decided on never changes, its lines never do.

Lines are only added while their version is being drawn up. **A batch migration that rebuilds one of these tables on SQLite
drops its triggers: create them anew.**
"""

CLOSED = "prices: a version takes lines only while it is drawn up"
KEPT = "prices: a version decided on is never changed"

_NOT_DRAFT = "(SELECT state FROM price_list WHERE id = NEW.list_id) <> 'draft'"
_DECIDED = "OLD.state NOT IN ('draft', 'proposed')"
_GUARDS = (
    ("price_line_closed", "INSERT ON price_line", _NOT_DRAFT, CLOSED),
    ("price_line_update", "UPDATE ON price_line", "", KEPT),
    ("price_line_delete", "DELETE ON price_line", "", KEPT),
    ("price_list_update", "UPDATE ON price_list", _DECIDED, KEPT),
    ("price_list_delete", "DELETE ON price_list", "", KEPT),
)
"""Name, when, under which condition, with which words each is refused."""


def _sqlite() -> tuple[str, ...]:
    return tuple(
        f"CREATE TRIGGER {name} BEFORE {when}{' WHEN ' + condition if condition else ''}"
        f" BEGIN SELECT RAISE(ABORT, '{words}'); END"
        for name, when, condition, words in _GUARDS
    )


def _postgresql() -> tuple[str, ...]:
    made: list[str] = []
    for name, when, condition, words in _GUARDS:
        raising = f"RAISE EXCEPTION '{words}' USING ERRCODE = '23514';"
        body = f"IF {condition} THEN {raising} END IF; RETURN NEW;" if condition else raising
        made += [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
            f"CREATE TRIGGER {name} BEFORE {when} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    return tuple(made)


CREATE: dict[str, tuple[str, ...]] = {"sqlite": _sqlite(), "postgresql": _postgresql()}
"""Run after the tables are made."""

DROP: dict[str, tuple[str, ...]] = {
    "sqlite": (),
    "postgresql": tuple(f"DROP FUNCTION {name}" for name, *_ in _GUARDS),
}
"""Run after the tables are dropped, which takes the triggers with them."""
