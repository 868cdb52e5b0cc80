"""Names that people type: those there are, and what was meant by the others."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from fnmatch import filter as matching

from infrastructure.faults import Fault

_SHOWN = 8


class UnknownName(Fault):
    """There is nothing of this name; says which name was probably meant."""

    def __init__(self, what: str, name: str, known: Collection[str]) -> None:
        near = get_close_matches(name, known)
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        else:
            hint = f"there is {', '.join(sorted(known)[:_SHOWN])}{', …' if len(known) > _SHOWN else ''}"
        super().__init__(f"there is no {what} {name}: {hint}")


def known_name(what: str, name: str, known: Collection[str]) -> str:
    """The name, if there is one like it. Raises `UnknownName`."""
    if name not in known:
        raise UnknownName(what, name, known)
    return name


def known_names(what: str, pattern: str, known: Collection[str]) -> list[str]:
    """Those that a pattern such as `order.*` stands for. Raises `UnknownName`."""
    found = matching(sorted(known), pattern)
    if not found:
        raise UnknownName(what, pattern, known)
    return found
