"""What stands in a file: CSV with a header, a JSON list, JSON objects line by line. Every entry knows the line that it begins on."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final, NamedTuple

import msgspec

DELIMITERS: Final = ",;\t"
_SPACE: Final = re.compile(r"[ \t\r\n]*")


class Place(NamedTuple):
    """Where something stands."""

    file: str
    line: int
    """From 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Entry(NamedTuple):
    """One record of a file, with the names that the file uses."""

    place: Place
    values: Mapping[str, Any]


class Refused(NamedTuple):
    """Something that does not come in."""

    place: Place
    reason: str
    name: str = ""
    """What it is called, as far as that could be read."""


def entries(file: str, content: bytes) -> Iterator[Entry | Refused]:
    """Everything in a file, in its order; the kind is told by the file's ending, see `READERS`.

    After something that cannot be read at all, nothing of that file follows.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield Refused(Place(file, content.count(b"\n", 0, error.start) + 1), "not UTF-8: save the file with this encoding")
        return
    yield from READERS[PurePath(file).suffix.lower()](file, text)


def _csv(file: str, text: str) -> Iterator[Entry | Refused]:
    """RFC 4180, by the header's delimiter. Empty cells say nothing, and so do empty lines."""
    header_line = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            place, line = Place(file, line), reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                repeated = sorted({name for name in header if name and header.count(name) > 1})
                if repeated:
                    yield Refused(place, f"the header names {', '.join(repeated)} more than once")
                    return
            elif len(cells) != len(header):
                yield Refused(place, f"has {len(cells)} cells, the header {len(header)}")
            else:
                yield Entry(place, {name: cell for name, cell in zip(header, cells, strict=True) if name and cell.strip()})
    except csv.Error as error:
        yield Refused(Place(file, line), f"not CSV from here on: {error}")


def _json(file: str, text: str) -> Iterator[Entry | Refused]:
    """A list of objects, or objects one after the other (newline-delimited JSON)."""
    at, line = _after_space(text, 0), 1
    listed = text.startswith("[", at)
    begin, at = 0, _after_space(text, at + listed)
    first = True
    while at < len(text) and not (listed and text[at] == "]"):
        try:
            if listed and not first:
                at = _after_comma(text, at)
            line, begin = line + text.count("\n", begin, at), at
            at = _SCANNER.raw_decode(text, at)[1]
            value = msgspec.json.decode(text[begin:at])
        except (ValueError, RecursionError) as error:
            yield _not_json(file, text, begin, error)
            return
        place = Place(file, line)
        yield Entry(place, value) if isinstance(value, dict) else Refused(place, "not a JSON object")
        at, first = _after_space(text, at), False
    if listed and (at >= len(text) or text[at + 1 :].strip()):
        reason = "the list is not closed" if at >= len(text) else "something follows the list"
        yield Refused(Place(file, text.count("\n", 0, at) + 1), f"not JSON from here on: {reason}")


def _not_json(file: str, text: str, begin: int, error: Exception) -> Refused:
    """The scanner knows where; what it lets pass and JSON does not (`NaN`, half a surrogate pair) is in the entry that begins there."""
    where, said = (error.pos, error.msg) if isinstance(error, json.JSONDecodeError) else (begin, str(error))
    return Refused(Place(file, text.count("\n", 0, where) + 1), f"not JSON from here on: {said}")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _after_comma(text: str, at: int) -> int:
    if text[at] != ",":
        said = "a comma is missing"
        raise json.JSONDecodeError(said, text, at)
    return _after_space(text, at + 1)


_SCANNER: Final = json.JSONDecoder()
"""Finds where an entry ends, which the stricter decoder cannot say."""

READERS: Final = {".csv": _csv, ".json": _json, ".ndjson": _json, ".jsonl": _json}
"""By the ending of the file's name."""
