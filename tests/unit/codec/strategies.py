"""Hypothesis strategies for domain events, derived from their annotations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from immutables import Map

from domain.aggregate import DomainEvent
from domain.money import Money
from domain.patch import UNSET, UnsetType
from infrastructure.codec.shapes import personal_mark

PERSON = UUID(int=4711)
"""The person that every generated personal value belongs to."""
MARKER = "pérsönal-"
"""Every generated personal text contains this."""

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    Any: _JSON,
    NoneType: st.none(),
    UnsetType: st.just(UNSET),
    str: st.text(max_size=20),
    int: st.integers(-(2**62), 2**62),
    bool: st.booleans(),
    UUID: st.uuids(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
    time: st.times(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=3),
    Money: st.builds(Money, st.integers(-(10**12), 10**12), st.sampled_from(["EUR", "JPY", "KWD"])),
}


def events(kind: type[DomainEvent]) -> st.SearchStrategy[DomainEvent]:
    """Events of a class, with any values that its annotations admit; every person in them is `PERSON`."""
    hints = get_type_hints(kind, include_extras=True) | {"originator_id": UUID}
    names = [field.name for field in dataclasses.fields(kind)]
    return st.builds(kind, **_fields({name: hints[name] for name in names}) | {"originator_version": st.integers(1, 2**31)})


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of an annotated type."""
    if hint in _LEAVES:
        return _LEAVES[hint]
    generic = _GENERICS.get(get_origin(hint))
    if generic is not None:
        return generic(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return st.builds(hint, **_fields(get_type_hints(hint, include_extras=True)))
    return st.from_type(hint)


def _union(parts: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    return st.one_of([values(part) for part in parts])


def _tuple(parts: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if parts[1:] == (Ellipsis,):
        return st.lists(values(parts[0]), max_size=3).map(tuple)
    return st.tuples(*map(values, parts))


def _dict(parts: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    return st.dictionaries(values(parts[0]), values(parts[1]), max_size=3)


_GENERICS: dict[Any, Callable[[tuple[Any, ...]], st.SearchStrategy[Any]]] = {
    Annotated: lambda parts: values(parts[0]),
    Union: _union,
    UnionType: _union,
    Literal: st.sampled_from,
    tuple: _tuple,
    frozenset: lambda parts: st.frozensets(values(parts[0]), max_size=3),
    dict: _dict,
    Map: lambda parts: _dict(parts).map(Map),
}


def _fields(hints: dict[str, Any]) -> dict[str, st.SearchStrategy[Any]]:
    subjects = {mark.subject for hint in hints.values() if (mark := personal_mark(hint))}
    return {name: st.just(PERSON) if name in subjects else _field(hint) for name, hint in hints.items()}


def _field(hint: Any) -> st.SearchStrategy[Any]:
    if personal_mark(hint) is None:
        return values(hint)
    kind = get_args(hint)[0]
    texts = st.text(max_size=20).map(lambda text: MARKER + text)
    return st.one_of([texts if part is str else values(part) for part in get_args(kind)])
