"""The story of a sheet in words: who did what, what he put down, what he changed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from ticketing.casefile.tickets.timeline import show_value
from ticketing.journal.queries import StoryLine
from ticketing.kernel import clock
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import SurveyStage

FIELDS = {
    "visit_at": "勘察时间",
    "team_id": "维修队",
    "contractor_id": "施工单位",
    "note": "约定备注",
    "situation": "现场情况",
    "remark": "备注",
    "disputed": "有争议",
    "estimate_fen": "估价",
    "contractor_why": "施工单位须到场",
}
"""The columns whose changes are told; the others follow from them or from the act itself."""

Names = dict[tuple[str, int], str]
"""The names behind ids: ``("team_id", 3)`` is a repair team, ``("contractor_id", 3)`` a contractor."""


class Told(NamedTuple):
    """One line of the story; `changed` holds (field, old, new)."""

    at: datetime
    who: str
    what: str
    text: str
    changed: list[tuple[str, str, str]]


def told(story: Iterable[StoryLine], names: Names) -> list[Told]:
    """The story of a sheet, newest first. Pictures are left out: they stand on the sheet themselves."""
    lines = []
    for entry, facts in story:
        if entry.act == Act.ATTACH.value:
            continue
        act = Act(entry.act)
        what = act.label
        if entry.origin and entry.origin != entry.target:
            what += f" → {SurveyStage(entry.target).label}"
        said = (
            facts.get("side") and f"{facts['side']}：{facts['name']} {facts['presence']}",
            facts.get("by") and f"由 {facts['by']} 取代",
            facts.get("reason"),
            *facts.get("found", ()),
        )
        changed = [
            (FIELDS[name], _value(name, old, names), _value(name, new, names))
            for name, (old, new) in facts.get("changed", {}).items()
            if name in FIELDS
        ]
        lines.append(Told(entry.at, entry.actor_name, what, "\n".join(filter(None, said)), changed))
    return lines[::-1]


def _value(name: str, value: Any, names: Names) -> str:
    if name == "visit_at" and value:
        return clock.show_instant(datetime.fromisoformat(value))
    if name in ("team_id", "contractor_id") and value is not None:
        return names.get((name, value), "—")
    return show_value(value, name)
