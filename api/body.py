"""From JSON text to a command: what is wrong is named with a JSON pointer, all of it at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from math import isinf
from typing import Any

import msgspec

from api.refusals import ERRORS_LIMIT, FieldError, InvalidInput, InvalidPath, MalformedJson
from application.registry import Command, CommandSpec

DEPTH_LIMIT = 32
"""Levels of nesting. What is stored must be readable from any depth of the program's own stack."""

SAFE_INTEGER = 2**53 - 1
"""Larger integers are not the same number to every JSON reader (RFC 7493)."""

_SUSPICIOUS = re.compile(rb"\\u0000|[0-9]{16}")
_AT = re.compile(r"(?P<detail>.*?)(?: - at (?:`key` in )?`(?P<path>\$[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `(.*)`", re.DOTALL)


def decode_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; an absent body is an empty object. Raises `MalformedJson`, `InvalidInput`."""
    if not body:
        return {}
    try:
        value = msgspec.json.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidInput(*(_huge_numbers(body) or (field_error(error),))) from None
    except msgspec.DecodeError as error:
        raise MalformedJson(reason=str(error).removeprefix("JSON is malformed: ")) from None
    except UnicodeDecodeError:
        raise MalformedJson(reason="not UTF-8") from None
    except RecursionError:
        raise MalformedJson(reason="nested too deeply") from None
    if not isinstance(value, dict):
        raise InvalidInput(FieldError(pointer="", detail="Expected an object"))
    if _SUSPICIOUS.search(body) or body.count(b"{") + body.count(b"[") > DEPTH_LIMIT:
        errors = tuple(islice(_unstorable(value), ERRORS_LIMIT + 1))
        if errors:
            raise InvalidInput(*errors)
    return value


class CommandReader:
    """Reads the commands of one kind. `path_fields` stand in the route's path; a body may not repeat them."""

    def __init__(self, spec: CommandSpec, *, path_fields: tuple[str, ...]) -> None:
        self._type = spec.type
        self._fields = msgspec.structs.fields(spec.type)  # evaluates the annotations: too dear for every command that is wrong
        self._path_fields = path_fields

    def read(self, given: dict[str, Any], path: Mapping[str, str], at: str = "") -> Command:
        """The command. `at` is the pointer of `given` in the body. Raises `InvalidInput`, `InvalidPath`."""
        if not given.keys().isdisjoint(self._path_fields):
            repeated = sorted(given.keys() & set(self._path_fields))
            raise InvalidInput(*(FieldError(pointer=f"{at}/{name}", detail="Stands in the path already") for name in repeated))
        try:
            return msgspec.convert({**given, **path}, self._type)
        except msgspec.ValidationError as error:
            self._check_path(path)
            raise InvalidInput(*self._errors(given, at) or (field_error(error, at),)) from None

    def _check_path(self, path: Mapping[str, str]) -> None:
        for field in self._fields:
            if field.encode_name in path and _failure(path[field.encode_name], field.type) is not None:
                raise InvalidPath(parameter=field.encode_name)

    def _errors(self, given: dict[str, Any], at: str) -> tuple[FieldError, ...]:
        """Every field that is wrong: msgspec stops at the first one, but a form wants to hear of all."""
        fields = {field.encode_name: field for field in self._fields if field.encode_name not in self._path_fields}
        errors = [FieldError(pointer=f"{at}/{escaped(name)}", detail="Unknown field") for name in given if name not in fields]
        for name, field in fields.items():
            if name not in given:
                if field.required:
                    errors.append(FieldError(pointer=f"{at}/{name}", detail="Missing"))
            elif (error := _failure(given[name], field.type)) is not None:
                errors.append(field_error(error, f"{at}/{name}"))
        return tuple(errors)


def field_error(error: msgspec.ValidationError, at: str = "") -> FieldError:
    """What msgspec says, with its path as a JSON pointer below `at`."""
    match = _AT.fullmatch(str(error))
    detail, path = (match["detail"], match["path"] or "") if match else (str(error), "")
    steps = [f"/{name or index}" for name, index in _STEP.findall(path.partition("[...]")[0])]
    field = _FIELD.fullmatch(detail)
    return FieldError(pointer=at + "".join(steps) + (f"/{escaped(field[1])}" if field else ""), detail=detail)


def _failure(value: object, kind: Any) -> msgspec.ValidationError | None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return error
    return None


def _unstorable(value: object) -> Iterator[FieldError]:
    """Values that no part of the program could keep: NUL in texts (PostgreSQL has none), huge numbers, absurd nesting."""
    waiting: list[tuple[object, str, int]] = [(value, "", 1)]
    while waiting:
        item, pointer, depth = waiting.pop()
        if (fault := _fault(item)) is not None:
            yield FieldError(pointer=pointer, detail=fault)
        elif isinstance(item, dict | list):
            if depth > DEPTH_LIMIT:
                yield FieldError(pointer=pointer, detail=f"Nested deeper than {DEPTH_LIMIT} levels")
            elif isinstance(item, list):
                waiting += [(part, f"{pointer}/{index}", depth + 1) for index, part in enumerate(item)]
            else:
                if any("\0" in key for key in item):
                    yield FieldError(pointer=pointer, detail="A name cannot contain the character U+0000")
                waiting += [(part, f"{pointer}/{escaped(key)}", depth + 1) for key, part in item.items()]


def _fault(item: object) -> str | None:
    """What is wrong with a text or a number."""
    match item:
        case str() if "\0" in item:
            return "A text cannot contain the character U+0000"
        case int() if not -SAFE_INTEGER <= item <= SAFE_INTEGER:
            return "An integer lies between -(2^53 - 1) and 2^53 - 1"
        case float() if isinf(item):
            return "A number lies between -1.8e308 and 1.8e308"
        case _:
            return None


def _huge_numbers(body: bytes) -> tuple[FieldError, ...]:
    """Where the numbers stand that the decoder could not take: of those, it does not say it. Empty when `body` has other faults as well."""
    try:
        errors = tuple(islice(_unstorable(json.loads(body.decode(), parse_int=_integer)), ERRORS_LIMIT + 1))
        for error in errors:
            (error.pointer or "").encode()
    except (ValueError, RecursionError):
        return ()
    return errors


def _integer(digits: str) -> int:
    """The number; of one that is too large anyway, a smaller one that is too large."""
    return int(digits[: len(str(SAFE_INTEGER)) + 2])


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
