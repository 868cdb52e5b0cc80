"""Shapes: what cannot be stored faithfully is refused when the class is first used, not when data is lost."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import GenericAlias, SimpleNamespace
from typing import Annotated, Any, Literal, NewType, TypedDict
from uuid import UUID

import msgspec
import pytest
from immutables import Map

from domain.personal import Personal, PersonalField
from infrastructure.codec.shapes import ObjectShape, shape_of

Kilometres = NewType("Kilometres", int)
Parcel = NewType("Parcel", Map[str, int])


class Nested(msgspec.Struct, frozen=True):
    weights: Map[str, int]


class Owner:
    """Names the objects of these tests."""


class Loose(TypedDict):
    """Not a value type of the domain."""

    size: int


def personal(kind: Any, subject: str) -> Any:
    return Annotated[kind, PersonalField(subject)]


@pytest.mark.parametrize(
    "kind",
    [str, int, bool, UUID, datetime, date, Kilometres, str | None, Literal["a", "b"], tuple[int, ...], frozenset[str], dict[str, Any]],
    ids=str,
)
def test_what_msgspec_writes_faithfully_is_left_to_it(kind: Any) -> None:
    assert shape_of(kind).pack is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Map[UUID, int], Map({UUID(int=1): 2})),
        (Map[int, tuple[str, ...]], Map({3: ("a",)})),
        (Map[date, str], Map({date(2026, 1, 1): "new year"})),
        (Map[Literal["a"], Nested], Map({"a": Nested(Map({"b": 1}))})),
        (dict[UUID, int], {UUID(int=1): 2}),
        (dict[str, Nested], {"a": Nested(Map({"b": 1}))}),
        (tuple[Nested, ...], (Nested(Map()), Nested(Map({"b": 1})))),
        (Nested | None, None),
        (Annotated[Nested, "a note"], Nested(Map())),
        (Parcel, Map({"a": 1})),
        (Map[str, Map[str, Nested]], Map({"a": Map({"b": Nested(Map())})})),
    ],
    ids=str,
)
def test_values_with_maps_come_back_as_they_were(kind: Any, value: object) -> None:
    shape = ObjectShape(Owner, {"value": kind})
    wire = shape.pack(SimpleNamespace(value=value), _NoSeals())
    stored = msgspec.json.decode(msgspec.json.encode(wire, order="deterministic"), type=shape.wire)
    (restored,) = shape.unpack(stored, _NoSeals())
    assert restored == value
    assert type(restored) is type(value)


class _NoSeals:
    def seal(self, *args: object) -> None:
        raise AssertionError(args)

    def open(self, *args: object) -> None:
        raise AssertionError(args)


@pytest.mark.parametrize(
    "kind",
    [
        object,
        Owner,
        Loose,
        complex,
        list,
        dict,
        Map[datetime, int],
        Map[Nested, int],
        frozenset[Nested],
        tuple[Nested, int],
        Nested | Map[str, int],
        GenericAlias(tuple, (personal(str | None, "who"), ...)),
    ],
    ids=str,
)
def test_what_would_not_come_back_is_refused(kind: Any) -> None:
    with pytest.raises(TypeError):
        shape_of(kind)


@pytest.mark.parametrize(
    "hints",
    [
        {"email": personal(str | None, "who")},
        {"email": personal(str | None, "who"), "who": str},
        {"email": personal(str, "who"), "who": UUID},
        {"email": personal(Nested | None, "who"), "who": UUID},
    ],
)
def test_a_personal_field_needs_its_person_beside_it_and_admits_none(hints: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        ObjectShape(Owner, hints)


def test_times_keep_their_microseconds_and_their_zone() -> None:
    moment = datetime(2026, 3, 1, 1, 2, 3, 4, tzinfo=UTC)
    shape = ObjectShape(Owner, {"value": datetime})
    stored = msgspec.json.encode(shape.pack(SimpleNamespace(value=moment), _NoSeals()))
    assert shape.unpack(msgspec.json.decode(stored, type=shape.wire), _NoSeals()) == [moment]


def test_every_personal_value_of_a_record_has_a_path_of_its_own() -> None:
    assert _sealed_paths({"one": Person, "two": tuple[Person, ...]}, one=JANE, two=(JANE, JANE)) == ["one/name", "two/0/name", "two/1/name"]


def test_no_key_of_a_map_can_pretend_to_be_two_steps_of_a_path() -> None:
    value = Map({"a/b": Map({"c": JANE}), "a": Map({"b/c": JANE})})
    assert len(set(_sealed_paths({"value": Map[str, Map[str, Person]]}, value=value))) == 2


def _sealed_paths(hints: dict[str, Any], **values: object) -> list[str]:
    paths = []

    class Recording(_NoSeals):
        def seal(self, *args: object) -> None:
            paths.append(str(args[2]))

    ObjectShape(Owner, hints).pack(SimpleNamespace(**values), Recording())
    return paths


class Person(msgspec.Struct, frozen=True):
    key: UUID
    name: Personal[str | None, "key"]


JANE = Person(UUID(int=1), "Jane")
