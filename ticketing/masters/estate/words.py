"""The words a caller is found by: folded names, initials, phones and rooms, and typed text made alike."""

import re
from functools import lru_cache

from ticketing.kernel.text import fold, phone_digits

_ROOM_WORDS = re.compile(r"(号楼|栋|幢|座|单元|楼|#)")
_ROOM_END = re.compile(r"(室|房|号)$")


def initials(name: str) -> str:
    """The pinyin initials of a name: 王国强 gives ``wgq``; other letters and digits stay."""
    # Its dictionaries are a fifth of the start-up time and 25 MB; only writing customers needs them.
    from pypinyin import Style, lazy_pinyin

    letters = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER, errors=fold))
    return "".join(letter for letter in letters if letter.isalnum()).lower()


def room_label(building: str, stair: str, room: str) -> str:
    """The short label of a home, ``3-1-1202``: the unit words of building and stair are dropped."""
    parts = [bare(building), bare(stair), _ROOM_END.sub("", fold(room).strip())]
    return "-".join(part for part in parts if part)


def typed_room(typed: str) -> str:
    """What a clerk types for a room, as a label: ``3栋1单元1202室`` becomes ``3-1-1202``."""
    label = _ROOM_END.sub("", _ROOM_WORDS.sub("-", fold(typed).replace(" ", "-")))
    return re.sub("-+", "-", label).strip("-")


def words_of(*, label: str, room: str, name: str, letters: str = "", phones: list[str]) -> set[str]:
    """Every word under which a customer at a unit is found, by prefix.

    The room label and the bare room, the name and its tails (so that a given name finds it), the
    initials (`letters`), each phone and its last four digits.
    """
    words = {fold(label), fold(room)}
    if name:
        folded = fold(name).replace(" ", "")
        words.update(folded[start:] for start in range(min(len(folded), 4)))
        words.add(letters)
    for phone in phones:
        words.update((phone, phone[-4:]))
    return {word for word in words if word}


def lookups_of(typed: str) -> list[str]:
    """The prefixes to look for when `typed` stands in the caller box."""
    folded = fold(typed).strip()
    candidates = [folded.replace(" ", ""), typed_room(folded), phone_digits(folded)]
    return list(dict.fromkeys(word for word in candidates if word))


@lru_cache(maxsize=1024)
def bare(part: str) -> str:
    """A building or stair without its counting word: ``3栋``, ``3号楼`` and ``3`` are one."""
    return _ROOM_WORDS.sub("", fold(part)).strip("- ")
