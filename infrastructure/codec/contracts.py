"""Contracts: the stored form of every record type and the form of every command, as files that reviews and CI can hold on to.

`contracts/records/<type>.v<n>.json` are promises for good: what a version looked like when it was first written. A version
in use never changes and never goes. `contracts/commands/<name>.json` follow the program; the change shows in the review.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

import application.catalog  # noqa: F401  # registers the commands
import domain.catalog  # noqa: F401  # registers the record types
from application.registry import COMMANDS, CommandSpec
from domain.aggregate import EVENT_TYPES, DomainEvent
from infrastructure.codec.forms import EventForm, upcaster_name
from infrastructure.codec.wire_schema import Schema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_RECORD_FILE = re.compile(r"(?P<type>.+)\.v(?P<version>[0-9]+)\.json")
_WRITE = "run `stagebook catalog --write`"


class ContractBroken(Exception):
    """A contract would have to be overwritten that stored records rely on."""

    def __init__(self, complaints: list[str]) -> None:
        self.complaints = complaints
        super().__init__("; ".join(complaints))


def check_contracts(
    root: Path,
    records: Mapping[str, type[DomainEvent]] = EVENT_TYPES,
    commands: Mapping[str, CommandSpec] = COMMANDS,
) -> list[str]:
    """What is wrong between the program and the contracts below `root`, a sentence each; empty when all is well."""
    return [
        *_broken(root, records),
        *_missing_upcasters(records),
        *_vanished(root, records),
        *_vanished_commands(root, commands),
        *(f"{_name(root, path)} is not up to date: {_WRITE}" for path in _outdated(root, records, commands)),
    ]


def write_contracts(
    root: Path,
    records: Mapping[str, type[DomainEvent]] = EVENT_TYPES,
    commands: Mapping[str, CommandSpec] = COMMANDS,
) -> list[Path]:
    """Write new record versions and new or changed commands; answers with the files written.

    Raises `ContractBroken`, and writes nothing, when a record version exists already in another form.
    """
    broken = list(_broken(root, records))
    if broken:
        raise ContractBroken(broken)
    outdated = _outdated(root, records, commands)
    for path, text in outdated.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(outdated)


def record_contract(kind: type[DomainEvent]) -> Schema:
    """JSON Schema of a record's data; a sealed field says under `x-sealed` whose it is and what was sealed."""
    return {"$schema": _DIALECT, "title": kind.type_name, "x-version": kind.class_version, **EventForm(kind).schema}


def command_contract(spec: CommandSpec) -> dict[str, Any]:
    """What clients rely on: route, permission, rules, refusals, and the JSON Schema of the command."""
    return {
        "name": spec.name,
        "summary": spec.summary,
        "method": spec.method,
        "path": spec.path,
        "status": spec.status,
        "permission": spec.permission,
        "rules": list(spec.rules),
        "refusals": {refusal.code: refusal.rule for refusal in spec.refusals},
        "schema": {"$schema": _DIALECT, **msgspec.json.schema(spec.type)},
    }


def _record_file(root: Path, name: str, version: int) -> Path:
    return root / "records" / f"{name}.v{version}.json"


def _name(root: Path, path: Path) -> str:
    return f"{root.name}/{path.relative_to(root).as_posix()}"


def _text(contract: object) -> str:
    return json.dumps(contract, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _outdated(root: Path, records: Mapping[str, type[DomainEvent]], commands: Mapping[str, CommandSpec]) -> dict[Path, str]:
    """Files that should be written, with their text: new record versions, new and changed commands."""
    wanted = {path: _text(command_contract(spec)) for path, spec in _command_files(root, commands).items()}
    outdated = {path: text for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text}
    for name, kind in records.items():
        path = _record_file(root, name, kind.class_version)
        if not path.exists():
            outdated[path] = _text(record_contract(kind))
    return dict(sorted(outdated.items()))


def _command_files(root: Path, commands: Mapping[str, CommandSpec]) -> dict[Path, CommandSpec]:
    return {root / "commands" / f"{name}.json": spec for name, spec in commands.items()}


def _broken(root: Path, records: Mapping[str, type[DomainEvent]]) -> Iterator[str]:
    for name, kind in sorted(records.items()):
        path = _record_file(root, name, kind.class_version)
        if path.exists() and json.loads(path.read_text(encoding="utf-8")) != json.loads(_text(record_contract(kind))):
            successor = kind.class_version + 1
            yield (
                f"{name} is stored in another form than {_name(root, path)} says: "
                f"raise class_version to {successor} and add {upcaster_name(kind.class_version)}"
            )


def _missing_upcasters(records: Mapping[str, type[DomainEvent]]) -> Iterator[str]:
    for name, kind in sorted(records.items()):
        for version in range(1, kind.class_version):
            if not isinstance(vars(kind).get(upcaster_name(version)), staticmethod):
                yield f"{name} is at version {kind.class_version}, but its static method {upcaster_name(version)} is missing"


def _vanished(root: Path, records: Mapping[str, type[DomainEvent]]) -> Iterator[str]:
    for path in sorted((root / "records").glob("*.json")):
        match = _RECORD_FILE.fullmatch(path.name)
        kind = records.get(match["type"]) if match else None
        if match is None or kind is None:
            yield f"{_name(root, path)}: no record type of this program has this name, but the log may hold such records"
        elif int(match["version"]) > kind.class_version:
            yield f"{_name(root, path)}: {kind.type_name} went back to version {kind.class_version}, but the log may hold later ones"
    for name, kind in sorted(records.items()):
        for version in range(1, kind.class_version):
            path = _record_file(root, name, version)
            if not path.exists():
                yield f"{_name(root, path)} is missing: contracts of earlier versions stay for good"


def _vanished_commands(root: Path, commands: Mapping[str, CommandSpec]) -> Iterator[str]:
    known = _command_files(root, commands)
    for path in sorted((root / "commands").glob("*.json")):
        if path not in known:
            yield f"{_name(root, path)}: the command is gone; if clients can do without it, delete the file"
