"""What a command may refuse, each with its HTTP status and a Chinese sentence for the person."""

from typing import Any


class DomainError(Exception):
    """A refusal the user can understand. `field` names the form field it belongs to, if any."""

    status = 422

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Invalid(DomainError):
    """The facts given are not acceptable (422)."""

    status = 422


class NotPermitted(DomainError):
    """This person may not do this (403)."""

    status = 403


class NotFound(DomainError):
    """No such thing, or not within this person's scope: the two look the same (404)."""

    status = 404

    def __init__(self, message: str = "没有找到，或不在您的权限范围内。") -> None:
        super().__init__(message)


class Conflict(DomainError):
    """The thing has moved on since the person looked at it (409).

    `seen` is the version the person had on screen, so that a page can show what came after it.
    """

    status = 409

    def __init__(self, message: str, *, seen: int | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.seen = seen
