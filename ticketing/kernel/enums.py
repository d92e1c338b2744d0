"""Enumerations that are stored by a stable value and shown by a Chinese label."""

from enum import Enum
from typing import Self, TypeVar


class Labelled(Enum):
    """``NAME = "stored_value", "中文标签"``. Stored values never change; labels may."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Take the stored value as the member's value and keep the label beside it."""
        member = object.__new__(cls)
        member._value_ = value
        member.label = label
        return member

    def __str__(self) -> str:
        return self.label

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """(value, label) pairs in the order of declaration, for a select box."""
        return [(member.value, member.label) for member in cls]


Member = TypeVar("Member", bound=Labelled)


def chosen(kind: type[Member], value: str | None) -> Member | None:
    """The member a stored value in an address names; None for nothing and for what is none."""
    return next((member for member in kind if member.value == value), None)
