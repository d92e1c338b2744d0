"""The hash chain: what an entry's hash covers. Written by `commands`, proved by `queries`."""

import hashlib
from typing import Any

GENESIS = "0" * 64
HEAD = 1


def chained(previous: str, row: dict[str, Any]) -> str:
    """The SHA-256 (hex) of an entry's content together with the hash of the entry before."""
    parts = (
        previous,
        str(row["id"]),
        row["at"].isoformat(),
        str(row["actor_id"]),
        row["actor_name"],
        row["subject"],
        str(row["subject_id"]),
        str(row["subject_version"]),
        row["act"],
        row["clause"],
        row["origin"],
        row["target"],
        row["facts"],
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
