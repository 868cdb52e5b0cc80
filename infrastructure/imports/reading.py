"""From files to what shall be sent: every thing once, and everything that does not come in with its place and reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from application.registry import Command
from infrastructure.imports.columns import WrongEntry, checked, named
from infrastructure.imports.entries import Place, Refused, entries
from infrastructure.imports.kinds import Kind


class Row(NamedTuple):
    """A command to send."""

    place: Place
    """Of the first entry that says it."""
    name: str
    command: Command
    idempotency_key: str
    """The same for the same thing in every run."""


class Duplicate(NamedTuple):
    """An entry that says what another one says."""

    place: Place
    name: str
    first: Place


class Reading(NamedTuple):
    """All that was found. Every entry is a row, a duplicate or refused."""

    rows: tuple[Row, ...]
    duplicates: tuple[Duplicate, ...]
    refused: tuple[Refused, ...]
    unused: tuple[str, ...]
    """Columns that mean nothing here, by the normal form of their names."""


def read(kind: Kind, files: Iterable[tuple[str, bytes]], defaults: Mapping[str, Any]) -> Reading:
    """Read files, given as their names and contents. Entries with the same key are one thing: their lists are put together.

    When two of them say different things, the first one counts and the other is refused. `defaults` are fields of the command
    for entries that say nothing about them.
    """
    rows: dict[tuple[str, ...], Row] = {}
    duplicates: list[Duplicate] = []
    refused: list[Refused] = []
    unused: set[str] = set()
    for entry in (entry for name, content in files for entry in entries(name, content)):
        if isinstance(entry, Refused):
            refused.append(entry)
            continue
        name = ""
        try:
            fields = named(entry.values, kind.command, kind.aliases, defaults)
            name = str(fields.given.get("name", ""))
            kind.complete(fields, entry)
            unused |= fields.others.keys()
            command = checked(fields.given, kind.command)
            key = _key(kind, command)
            first = rows.setdefault(key, Row(entry.place, name, command, _idempotency_key(kind, key)))
            if first.place is not entry.place:
                rows[key] = first._replace(command=_united(kind, first, command))
                duplicates.append(Duplicate(entry.place, name, first.place))
        except WrongEntry as wrong:
            refused.append(Refused(entry.place, str(wrong), name))
    return Reading(tuple(rows.values()), tuple(duplicates), tuple(refused), tuple(sorted(unused)))


def _united(kind: Kind, first: Row, other: Command) -> Command:
    """Both entries in one command. Raises `WrongEntry` when they differ in more than what is put together."""
    mine, its = (msgspec.structs.asdict(command) for command in (first.command, other))
    differing = [name for name in mine if mine[name] != its[name] and name != kind.merged]
    if differing:
        message = f"says something else than {first.place} about {', '.join(differing)}"
        raise WrongEntry(message)
    if kind.merged is None:
        return first.command
    items = dict.fromkeys((*mine[kind.merged], *its[kind.merged]))
    return msgspec.structs.replace(first.command, **{kind.merged: tuple(items)})


def _key(kind: Kind, command: Command) -> tuple[str, ...]:
    own_id = getattr(command, "id", None)
    return kind.key(command) if own_id is None else (str(own_id),)


def _idempotency_key(kind: Kind, key: tuple[str, ...]) -> str:
    return f"import {kind.name} {sha256(msgspec.json.encode(key)).hexdigest()}"
