"""What the record page shows of each item: what is on the sheet already, and what the rules suggest for each cause."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ticketing.casefile.defects.queries import Judged
from ticketing.procedure.repairs import Cause
from ticketing.procedure.suggestions import LIABLE_FOR
from ticketing.steps.site_survey.models import SiteSurvey


class Advice(NamedTuple):
    """The suggestions for one item: by cause for the script, and in words with causes of one suggestion together."""

    by_cause: dict[str, dict[str, str]]
    words: list[str]


def advice(one: Judged) -> Advice:
    """The class and its reason for every cause, with who usually answers for it (procedure 3.5.1)."""
    by_cause: dict[str, dict[str, str]] = {}
    alike: dict[str, list[str]] = {}
    for cause in Cause:
        suggestion = one.suggested(cause)
        words = f"{suggestion.order_class}：{suggestion.reason}"
        if suggestion.provisional:
            words += "，由勘察确定"
        by_cause[cause.value] = {
            "class": suggestion.order_class.value,
            "words": words,
            "liable": LIABLE_FOR[cause].value,
        }
        alike.setdefault(words, []).append(cause.label)
    return Advice(by_cause, [f"{'、'.join(causes)} → {words}" for words, causes in alike.items()])


def as_recorded(survey: SiteSurvey, judged: Sequence[Judged]) -> dict[str, Any]:
    """What the record form starts with: what was put down before; of a new item nothing is decided beforehand."""
    values: dict[str, Any] = {
        "version": survey.version,
        "situation": survey.situation,
        "remark": survey.remark,
        "disputed": survey.disputed,
    }
    known = {one.defect_id: one for one in survey.findings}
    for item in (one.defect for one in judged):
        found = known.get(item.id)
        values |= {
            f"situation_{item.id}": found.situation if found else item.words,
            f"cause_{item.id}": found.cause if found else None,
            f"liable_{item.id}": found.liable if found else None,
            f"estimate_{item.id}": (found.estimate_fen if found else None) or 0,
            f"proposed_{item.id}": found.proposed if found else None,
            f"why_{item.id}": found.why if found else "",
        }
    return values
