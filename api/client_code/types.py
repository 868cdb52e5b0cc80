"""What a type is called in the client, and what is to be known about its values."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints, is_typeddict
from uuid import UUID

import msgspec
from msgspec import Meta, UnsetType

from api.client_code.source import value_source

_PLAIN: Final[tuple[tuple[Any, str], ...]] = (
    *((kind, kind.__name__) for kind in (bool, int, float, str, date, datetime, Decimal, UUID, UnsetType)),
    (NoneType, "None"),
    (Any, "Any"),
)
_ABSENT: Final = (UnsetType, NoneType)
_LOOK_AHEAD: Final = r"(?!\n)"
"""For Python alone, whose `$` matches before a last newline as well."""


class Names(NamedTuple):
    """How types are written on one side of the wire."""

    known: tuple[tuple[Any, str], ...] = ()
    """Types that are written by a name or in another way than they are declared."""
    open_ended: bool = False
    """What is answered: enumerations are plain text there, for a later server may have more values than this client has heard of."""

    def source(self, kind: Any) -> str:
        """The type without its constraints. Raises TypeError for what has no place in the client."""
        for known, name in (*self.known, *_PLAIN):
            if known == kind:
                return name
        if is_composed(kind):
            return str(kind.__name__)
        return self._generic(kind, get_origin(kind), get_args(kind))

    def _generic(self, kind: Any, origin: Any, parts: tuple[Any, ...]) -> str:
        if origin is Annotated:
            return self.source(parts[0])
        if origin is Literal:
            return "str" if self.open_ended else f"Literal[{', '.join(map(value_source, parts))}]"
        if origin in (Union, UnionType):
            present = [part for part in parts if part not in _ABSENT]
            return " | ".join(dict.fromkeys(map(self.source, [*present, *(part for part in _ABSENT if part in parts)])))
        if origin in (tuple, list) and parts[1:] in ((), (Ellipsis,)):
            return f"tuple[{self.source(parts[0])}, ...]"
        if origin is dict:
            return f"dict[{', '.join(map(self.source, parts))}]"
        msg = f"{kind} has no place in the client"
        raise TypeError(msg)

    def notes(self, kind: Any) -> str:
        """What is to be known about the values, beyond what a name of `known` leads to: a sentence, or nothing."""
        text = "; ".join(dict.fromkeys(self._notes(kind)))
        return f"{text[:1].upper()}{text[1:]}." if text else ""

    def _notes(self, kind: Any) -> Iterator[str]:
        origin, parts = get_origin(kind), get_args(kind)
        if any(known == kind for known, _ in self.known):
            return
        if origin is Annotated:
            if not self.open_ended:
                yield from (note for meta in parts[1:] if isinstance(meta, Meta) for note in _meta_notes(meta, parts[0]))
            yield from self._notes(parts[0])
        elif origin is Literal and self.open_ended:
            yield f"one of {', '.join(map(str, parts))}"
        elif origin in (tuple, list):
            yield from (f"each: {note}" for note in self._notes(parts[0]))
        elif origin in (Union, UnionType):
            yield from (note for part in parts for note in self._notes(part))


def is_composed(kind: Any) -> bool:
    """Whether it has fields of its own: a struct or a typed dictionary."""
    return is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))


def composed_in(kind: Any) -> Iterator[type]:
    """The types with fields of their own in a type, the innermost first."""
    if is_composed(kind):
        for hint in hints_of(kind).values():
            yield from composed_in(hint)
        yield kind
    for part in get_args(kind):
        yield from composed_in(part)


def hints_of(kind: type) -> dict[str, Any]:
    """The fields of a struct or typed dictionary, with their constraints."""
    return get_type_hints(kind, include_extras=True)


def field_docs(kind: type) -> dict[str, str]:
    """The texts that stand below fields in the source of a class."""
    statements = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind))).body[0]
    body = statements.body if isinstance(statements, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(doc.value.value)
        for field, doc in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
        and isinstance(doc.value.value, str)
    }


def _meta_notes(meta: Meta, kind: Any) -> Iterator[str]:
    if meta.description:
        yield meta.description
    elif meta.pattern == r"\S":
        yield "not blank"
    elif meta.pattern:
        yield f"pattern `{meta.pattern.replace(_LOOK_AHEAD, '')}`"
    yield from _bounds(meta.ge, meta.le, "")
    yield from _bounds(meta.min_length, meta.max_length, " characters" if kind is str else " items")
    if meta.examples:
        yield f"such as {meta.examples[0]}"


def _bounds(least: float | None, most: float | None, unit: str) -> Iterator[str]:
    if least is not None and most is not None:
        yield f"{least}{unit}" if least == most else f"{least} to {most}{unit}"
    elif least is not None:
        yield f"at least {least}{unit}"
    elif most is not None:
        yield f"at most {most}{unit}"
