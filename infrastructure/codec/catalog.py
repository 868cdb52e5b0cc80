"""The catalogue: what this program can be told, and what it can have recorded."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import application.catalog  # noqa: F401  # registers the commands
import domain.catalog  # noqa: F401  # registers the record types
from application.registry import COMMANDS, CommandSpec
from domain.aggregate import EVENT_TYPES, DomainEvent
from infrastructure.codec.forms import own_fields
from infrastructure.codec.shapes import personal_mark

_MODULES = re.compile(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])")


class CommandEntry(msgspec.Struct, frozen=True, tag="command", tag_field="kind"):
    """A command as the catalogue shows it."""

    name: str
    area: str
    summary: str
    route: str
    permission: str
    rules: tuple[str, ...]
    refusals: tuple[str, ...]


class FieldEntry(msgspec.Struct, frozen=True):
    """A field of a record type."""

    name: str
    type: str
    personal: str | None
    """The field that names the person whose key seals this one."""


class RecordEntry(msgspec.Struct, frozen=True, tag="record", tag_field="kind"):
    """A record type as the catalogue shows it."""

    type: str
    version: int
    summary: str
    fields: tuple[FieldEntry, ...]


class Catalog(msgspec.Struct, frozen=True):
    """All commands and record types, by name."""

    commands: tuple[CommandEntry, ...]
    records: tuple[RecordEntry, ...]


def catalog(
    commands: Mapping[str, CommandSpec] = COMMANDS,
    records: Mapping[str, type[DomainEvent]] = EVENT_TYPES,
) -> Catalog:
    """What `stagebook catalog` shows."""
    return Catalog(
        commands=tuple(_command_entry(spec) for _, spec in sorted(commands.items())),
        records=tuple(_record_entry(kind) for _, kind in sorted(records.items())),
    )


def print_catalog(*, json: bool = False, shown: Catalog | None = None) -> None:
    """Print to standard output: tables to read, or one JSON object per line."""
    shown = shown or catalog()
    if json:
        for entry in (*shown.commands, *shown.records):
            sys.stdout.write(msgspec.json.encode(entry).decode() + "\n")
        return
    console = Console()
    console.print(_command_table(shown.commands))
    console.print(_record_table(shown.records))


def _command_entry(spec: CommandSpec) -> CommandEntry:
    return CommandEntry(
        name=spec.name,
        area=spec.area,
        summary=spec.summary,
        route=f"{spec.method} {spec.path}",
        permission=spec.permission,
        rules=spec.rules,
        refusals=tuple(refusal.code for refusal in spec.refusals),
    )


def _record_entry(kind: type[DomainEvent]) -> RecordEntry:
    return RecordEntry(
        type=kind.type_name,
        version=kind.class_version,
        summary=(kind.__doc__ or "").strip().partition("\n")[0],
        fields=tuple(_field_entry(name, hint) for name, hint in own_fields(kind).items()),
    )


def _field_entry(name: str, hint: Any) -> FieldEntry:
    mark = personal_mark(hint)
    plain = get_args(hint)[0] if mark else hint
    text = plain.__name__ if isinstance(plain, type) and not get_args(plain) else _MODULES.sub("", str(plain))
    return FieldEntry(name, text, mark.subject if mark else None)


def _command_table(commands: Iterable[CommandEntry]) -> Table:
    table = Table(title="Commands", title_justify="left", show_lines=True)
    for column in ("command", "route below /v1", "permission", "rules", "refusals"):
        table.add_column(column, overflow="fold")
    for entry in commands:
        name = f"[bold]{entry.name}[/bold]\n{escape(entry.summary)}"
        table.add_row(name, entry.route, entry.permission, " ".join(entry.rules), "\n".join(entry.refusals))
    return table


def _record_table(records: Iterable[RecordEntry]) -> Table:
    table = Table(title="Record types", title_justify="left", show_lines=True)
    for column in ("type", "version", "fields"):
        table.add_column(column, overflow="fold")
    for entry in records:
        name = f"[bold]{entry.type}[/bold]\n{escape(entry.summary)}"
        table.add_row(name, str(entry.version), "\n".join(map(_field_line, entry.fields)))
    return table


def _field_line(field: FieldEntry) -> str:
    mark = f"  [magenta]personal, of {field.personal}[/magenta]" if field.personal else ""
    return escape(f"{field.name}: {field.type}") + mark
