"""Refusals: what the domain says instead of doing what it was asked.

The docstring of a refusal is its message, filled from its fields; its code is its name in snake case. The domain knows
no HTTP: `api/problems.py` maps the five kinds to status codes.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

REFUSALS: dict[str, type[Refusal]] = {}
"""Every concrete refusal by code."""

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


class Refusal(Exception):  # a refusal is an answer, not an error
    """The command was refused."""

    code: ClassVar[str] = "refused"
    rule: ClassVar[str | None] = None
    pointer: str | None = None
    """JSON pointer to the request field that the refusal is about, where there is one."""

    command_index: int = 0
    """Which command of a list was refused."""

    def __init_subclass__(cls, rule: str | None = None, pointer: str | None = None) -> None:
        cls.code = _WORD_START.sub("_", cls.__name__).lower()
        if rule is not None:
            cls.rule = rule
        if pointer is not None:
            cls.pointer = pointer
        REFUSALS[cls.code] = cls

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        super().__init__(self.message)

    def at(self, pointer: str) -> Self:
        """The same refusal, about another field of the request."""
        self.pointer = pointer
        return self

    @property
    def message(self) -> str:
        """The docstring's first line with the fields filled in."""
        text = (type(self).__doc__ or self.code).strip().splitlines()[0]
        return text.format(**self.fields)


class NotFound(Refusal):
    """There is no {what} with this id."""


class Conflict(Refusal):
    """The present state does not allow it."""


class Invalid(Refusal):
    """The request cannot be accepted as it is."""


class Forbidden(Refusal):
    """The permission {permission} is missing."""


class Stale(Refusal):
    """The resource is at version {version}, not at {expected}."""


class Unauthenticated(Refusal):
    """No valid credential was given."""
