"""Shapes: how a type of the domain is written in stored JSON, derived from its annotations.

Most types are written by msgspec as they are. Two are not: `immutables.Map` becomes an object, and a field marked
`Personal` becomes a sealed box. A type that contains one of these, at any depth, gets a wire type of its own and two
functions that lead there and back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from operator import attrgetter
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from immutables import Map
from msgspec import UNSET, UnsetType
from msgspec.inspect import type_info

from domain.personal import PersonalField
from infrastructure.codec.sealing import Seals
from infrastructure.codec.wire_schema import stored_schema
from infrastructure.crypto.seal import Sealed

Convert = Callable[[Any, Seals, str], Any]
"""(value, seals, path) -> the value on the other side."""
Step = Callable[[list[Any], Seals, str], None]
"""Replaces one of an object's field values by its other side; the path is that of the object."""

_PLAIN_LEAVES = (
    msgspec.inspect.AnyType,
    msgspec.inspect.NoneType,
    msgspec.inspect.BoolType,
    msgspec.inspect.IntType,
    msgspec.inspect.StrType,
    msgspec.inspect.BytesType,
    msgspec.inspect.DateTimeType,
    msgspec.inspect.DateType,
    msgspec.inspect.TimeType,
    msgspec.inspect.UUIDType,
    msgspec.inspect.DecimalType,
    msgspec.inspect.FloatType,
    msgspec.inspect.EnumType,
    msgspec.inspect.LiteralType,
)


class Shape(NamedTuple):
    """How values of one type are stored."""

    wire: Any
    """The type that msgspec writes and reads."""
    pack: Convert | None = None
    """From the domain to the wire; None: they are the same."""
    unpack: Convert | None = None
    personal: bool = False
    """Something in it is sealed."""


def shape_of(kind: Any) -> Shape:
    """The shape of a type. Raises TypeError for what cannot be stored faithfully."""
    derive = _CONTAINERS.get(get_origin(kind))
    if derive is not None:
        return derive(kind)
    if isinstance(kind, NewType):
        return shape_of(kind.__supertype__)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind)
    if isinstance(type_info(kind), _PLAIN_LEAVES):
        return Shape(kind)
    msg = f"{kind} cannot be stored"
    raise TypeError(msg)


class ObjectShape:
    """How something with named fields is stored: a domain event, an aggregate's state, a struct within them."""

    def __init__(self, owner: type, hints: dict[str, Any]) -> None:
        self.names = tuple(sorted(hints, key=lambda field: _may_be_unset(hints[field])))
        self.read: Callable[[Any], tuple[Any, ...]] = _reader(self.names)
        """The field values of an object or of its wire form."""
        self.personal = False
        self._packing: list[Step] = []
        self._unpacking: list[Step] = []
        fields = [_wire_field(field, self._field(field, hints[field], hints)) for field in self.names]
        # Every field is required and nothing else is allowed: what a stored version looks like is not left to defaults.
        self.wire = msgspec.defstruct(owner.__name__, fields, module=owner.__module__, frozen=True, forbid_unknown_fields=True)
        self.plain = not self._packing

    def pack(self, source: object, seals: Seals, path: str = "") -> msgspec.Struct:
        """The wire form of an object."""
        values = list(self.read(source))
        for step in self._packing:
            step(values, seals, path)
        return self.wire(*values)

    def unpack(self, wire: object, seals: Seals, path: str = "") -> list[Any]:
        """The object's field values, in the order of `names`."""
        values = list(self.read(wire))
        for step in self._unpacking:
            step(values, seals, path)
        return values

    def _field(self, name: str, hint: Any, siblings: dict[str, Any]) -> Any:
        mark = personal_mark(hint)
        if mark is not None:
            return self._personal_field(name, get_args(hint)[0], mark, siblings)
        shape = shape_of(hint)
        if shape.pack is not None and shape.unpack is not None:
            index = self.names.index(name)
            self._packing.append(_convert_step(index, name, shape.pack))
            self._unpacking.append(_convert_step(index, name, shape.unpack))
            self.personal |= shape.personal
        return shape.wire

    def _personal_field(self, name: str, kind: Any, mark: PersonalField, siblings: dict[str, Any]) -> Any:
        subject = siblings.get(mark.subject)
        if subject not in (UUID, UUID | None):
            msg = f"{name} is personal: its person must stand beside it, as {mark.subject}: UUID | None"
            raise TypeError(msg)
        if NoneType not in get_args(kind) or shape_of(kind).pack is not None:
            msg = f"{name} is personal: it must admit None, for the person may be erased, and hold neither a map nor personal fields"
            raise TypeError(msg)
        index, decoder = self.names.index(name), msgspec.json.Decoder(kind)
        self._packing.append(_seal_step(index, self.names.index(mark.subject), name, decoder))
        self._unpacking.append(_open_step(index, name, decoder))
        self.personal = True
        note = {"x-sealed": {"subject": mark.subject, "value": stored_schema(kind)}}
        sealed = Sealed | None | UnsetType if _may_be_unset(kind) else Sealed | None
        return Annotated[sealed, msgspec.Meta(extra_json_schema=note)]


def personal_mark(hint: Any) -> PersonalField | None:
    """The mark that `Personal[...]` left on an annotation."""
    marks = getattr(hint, "__metadata__", ())
    return next((mark for mark in marks if isinstance(mark, PersonalField)), None)


def _may_be_unset(kind: Any) -> bool:
    return kind is UnsetType or any(_may_be_unset(part) for part in get_args(kind) if get_origin(kind) in (Union, UnionType, Annotated))


def _wire_field(name: str, kind: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    return (name, kind, UNSET) if _may_be_unset(kind) else (name, kind)


def _reader(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return lambda _: ()
    if len(names) == 1:
        one = attrgetter(names[0])
        return lambda source: (one(source),)
    return attrgetter(*names)


def _convert_step(index: int, name: str, convert: Convert) -> Step:
    def step(values: list[Any], seals: Seals, path: str) -> None:
        values[index] = convert(values[index], seals, f"{path}{name}/")

    return step


def _seal_step(index: int, subject: int, name: str, decoder: msgspec.json.Decoder[Any]) -> Step:
    def step(values: list[Any], seals: Seals, path: str) -> None:
        if values[index] is not None and values[index] is not UNSET:
            values[index] = seals.seal(values[subject], values[index], path + name, decoder)

    return step


def _open_step(index: int, name: str, decoder: msgspec.json.Decoder[Any]) -> Step:
    def step(values: list[Any], seals: Seals, path: str) -> None:
        if values[index] is not None and values[index] is not UNSET:
            values[index] = seals.open(values[index], path + name, decoder)

    return step


def _only_plain(kind: Any) -> Shape:
    for part in get_args(kind):
        if part is not Ellipsis and shape_of(part).pack is not None:
            msg = f"{kind} cannot be stored: {part} has no fixed place in it"
            raise TypeError(msg)
    return Shape(kind)


def _annotated(kind: Any) -> Shape:
    if personal_mark(kind) is not None:
        msg = f"{kind}: Personal marks a field, it cannot stand inside another type"
        raise TypeError(msg)
    shape = shape_of(get_args(kind)[0])
    return Shape(kind) if shape.pack is None else shape


def _union(kind: Any) -> Shape:
    absent = tuple(part for part in get_args(kind) if part in (NoneType, UnsetType))
    shapes = [shape_of(part) for part in get_args(kind) if part not in absent]
    if all(shape.pack is None for shape in shapes):
        return Shape(kind)
    if len(shapes) > 1:
        msg = f"{kind} cannot be stored: of types with a map or personal fields, only one can stand in a union"
        raise TypeError(msg)
    (shape,) = shapes
    return Shape(Union[shape.wire, *absent], _unless_absent(shape.pack), _unless_absent(shape.unpack), shape.personal)


def _unless_absent(convert: Convert | None) -> Convert:
    def converted(value: Any, seals: Seals, path: str) -> Any:
        return value if value is None or value is UNSET or convert is None else convert(value, seals, path)

    return converted


def _tuple(kind: Any) -> Shape:
    parts = get_args(kind)
    if parts[1:] != (Ellipsis,):
        return _only_plain(kind)
    item = shape_of(parts[0])
    if item.pack is None or item.unpack is None:
        return Shape(kind)
    wire: Any = GenericAlias(tuple, (item.wire, Ellipsis))
    return Shape(wire, _each_of_tuple(item.pack), _each_of_tuple(item.unpack), item.personal)


def _each_of_tuple(convert: Convert) -> Convert:
    return lambda values, seals, path: tuple([convert(value, seals, f"{path}{n}/") for n, value in enumerate(values)])


def _mapping(kind: Any) -> Shape:
    make: Any = get_origin(kind)
    key, content = get_args(kind)
    texts = key is str or get_origin(key) is Literal
    if not texts and key not in (UUID, int, date):
        msg = f"{kind} cannot be stored: {key} cannot be the key of a JSON object"
        raise TypeError(msg)
    item = shape_of(content)
    wire: Any = GenericAlias(dict, (key, item.wire))
    if item.pack is not None and item.unpack is not None:
        pack, unpack = _each_of_mapping(item.pack, str), _each_of_mapping(item.unpack, _same)
        return Shape(wire, pack, lambda value, seals, path: make(unpack(value, seals, path)), item.personal)
    if make is dict and texts:
        return Shape(kind)
    return Shape(wire, _dict if texts else _text_dict, lambda value, *_: make(value))


def _each_of_mapping(convert: Convert, key_of: Callable[[Any], Any]) -> Convert:
    return lambda values, seals, path: {key_of(key): convert(value, seals, f"{path}{_path_step(key)}/") for key, value in values.items()}


def _same(key: Any) -> Any:
    return key


def _dict(value: Any, *_: object) -> dict[Any, Any]:
    return dict(value)


def _text_dict(value: Any, *_: object) -> dict[str, Any]:
    # The encoder writes keys in order when they are texts.
    return {str(key): content for key, content in value.items()}


def _path_step(key: object) -> str:
    # As in a JSON pointer (RFC 6901), so that no key can pretend to be two steps.
    return str(key).replace("~", "~0").replace("/", "~1")


@cache
def _struct(kind: type[msgspec.Struct]) -> Shape:
    shape = ObjectShape(kind, get_type_hints(kind, include_extras=True))
    if shape.plain:
        return Shape(kind)

    def unpack(wire: Any, seals: Seals, path: str) -> msgspec.Struct:
        return kind(**dict(zip(shape.names, shape.unpack(wire, seals, path), strict=True)))

    return Shape(shape.wire, shape.pack, unpack, shape.personal)


_CONTAINERS: dict[Any, Callable[[Any], Shape]] = {
    Annotated: _annotated,
    Union: _union,
    UnionType: _union,
    tuple: _tuple,
    frozenset: _only_plain,
    dict: _mapping,
    Map: _mapping,
}
"""How to derive the shape of a generic type, by its origin."""
