"""From a file's columns to the fields of a command. The fields are the command's own; other names for them stand in a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from application.registry import Command

_WORD = re.compile(r"[^0-9A-Za-z.]+|(?<=[a-z0-9])(?=[A-Z])")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_AT = re.compile(r"(?P<said>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)


class WrongEntry(Exception):
    """Its text is the reason why an entry does not come in."""


class Fields(NamedTuple):
    """What an entry says."""

    given: dict[str, Any]
    """Fields of the command, those of objects nested."""
    others: dict[str, Any]
    """What is no field of the command, by the normal form of its name."""


def named(values: Mapping[str, Any], command: type[Command], aliases: Mapping[str, str], defaults: Mapping[str, Any]) -> Fields:
    """The values under the names of the command's fields: `Starts At`, `startsAt` and `starts_at` are one.

    A name may lead into an object: `address.city`. Empty values say nothing, and a name is one line. Raises `WrongEntry`.
    """
    is_list = _fields(command)
    given: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for column, raw in values.items():
        value = raw.strip() if isinstance(raw, str) else raw
        if value is None or value == "":
            continue
        normal = _normal(column)
        field, _, inside = aliases.get(normal, normal).partition(".")
        if field not in is_list:
            others[normal] = value
        else:
            _put(given, field, inside, _listed(value) if is_list[field] else value, column)
    if isinstance(name := given.get("name"), str):
        given["name"] = one_line(name)
    return Fields({**defaults, **given}, others)


def checked(given: Mapping[str, Any], command: type[Command]) -> Command:
    """The command, with numbers and the like read from texts. Raises `WrongEntry` for what its fields do not admit."""
    try:
        return msgspec.convert(given, command, strict=False)
    except msgspec.ValidationError as error:
        raise WrongEntry(_in_words(str(error))) from None


def number(text: object, name: str, limit: float) -> float:
    """A number from minus to plus `limit`. Raises `WrongEntry`."""
    try:
        value = msgspec.convert(text, float, strict=False)
    except msgspec.ValidationError:
        value = limit + 1
    if not -limit <= value <= limit:
        message = f"{name}: expected a number from -{limit:g} to {limit:g}"
        raise WrongEntry(message)
    return value


def truth(value: object, name: str) -> bool:
    """Yes or no. Raises `WrongEntry`."""
    match str(value).lower():
        case "true" | "yes" | "1":
            return True
        case "false" | "no" | "0":
            return False
        case _:
            message = f"{name}: expected true or false"
            raise WrongEntry(message)


def one_line(text: str) -> str:
    """Without white space around, and with single blanks inside."""
    return " ".join(text.split())


def inner(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object in a field, as far as there is one."""
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


@cache
def _fields(command: type[Command]) -> Mapping[str, bool]:
    """The fields of a command, and whether they are lists."""
    return {field.encode_name: field.default == () for field in msgspec.structs.fields(command)}


@lru_cache(1_000)
def _normal(column: str) -> str:
    """A column's name in small letters, its words joined by underscores."""
    return _WORD.sub("_", column.strip()).strip("_").lower()


def _in_words(said: str) -> str:
    """`Expected … - at `$.name`` begins with the name; so does what is missing."""
    found = _AT.fullmatch(said)
    expected, path = (found["said"], found["path"] or "") if found else (said, "")
    if lacking := _MISSING.fullmatch(expected):
        expected, path = "missing", f"{path}.{lacking[1]}".lstrip(".")
    return f"{path}: {expected}" if path else expected


def _put(given: dict[str, Any], field: str, inside: str, value: object, name: str) -> None:
    target, key = (given.setdefault(field, {}), inside) if inside else (given, field)
    if not isinstance(target, dict) or key in target:
        message = f"{name}: this was said before under another name"
        raise WrongEntry(message)
    target[key] = value


def _listed(value: object) -> object:
    """A text of items separated by semicolons is a list."""
    return [item.strip() for item in value.split(";") if item.strip()] if isinstance(value, str) else value
