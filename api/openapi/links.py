"""Links: which operations can follow an answer, and with what of it. Derived from the paths, and from what refers to what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from api.openapi.parts import Operation
from api.openapi.resources import Resources
from api.openapi.shared import Shared
from api.resources import parameter
from application.registry import CommandSpec
from projections.queries import singular

Known = dict[str, str]
"""By table: the runtime expression of the id of one of its rows."""
BACKGROUND = "operations"
"""The tag of what can be asked of work in the background."""
_UNKNOWN = "$"
"""In the place of an id that must be there and is not known."""


class Source(NamedTuple):
    """An answer that something can follow."""

    table: str
    """Of the resource that it is about."""
    known: Known
    written: bool
    """Whether the answer is that of a command: reads that follow wait for its position."""


class Target(NamedTuple):
    """An operation that can follow."""

    operation_id: str
    parameters: dict[str, str | None]
    """Path parameters and their tables."""
    body: dict[str, Any]
    """An example of the body, whose ids are to be replaced; those that may be left out are None."""
    refers: dict[str, str]
    """By name of a field of the body: the table whose row it names."""
    reads: bool


def add_links(
    operations: Mapping[str, Operation], commands: Mapping[str, CommandSpec], tables: Mapping[str, sa.Table], shared: Shared
) -> None:
    """Write the links into the successful responses of `operations`, which are given by id."""
    _link_background_work(operations, shared)
    resources = Resources(tables.values())
    by_name = {table.name: table for table in tables.values()}
    targets = [*_command_targets(commands, resources, by_name), *_read_targets(by_name)]
    for operation_id, source in _sources(commands, by_name, resources):
        links = {target.operation_id: shared.reference(target.operation_id, link) for target in targets if (link := _link(source, target))}
        response = next(response for status, response in operations[operation_id]["responses"].items() if status.startswith("2"))
        if links:
            response["links"] = links


def _link_background_work(operations: Mapping[str, Operation], shared: Shared) -> None:
    """From a request that was taken on, and from the list of such work, to what can be asked of it."""
    targets = [name for name, operation in operations.items() if operation["tags"] == [BACKGROUND] and _names_one(operation)]
    for operation_id, operation in operations.items():
        for status, response in operation["responses"].items():
            listed = operation_id == f"list_{BACKGROUND}" and status == "200"
            if listed or status == "202":
                place = "$response.body#/data/0/id" if listed else "$response.body#/id"
                links = {name: {"operationId": name, "parameters": {"id": place}} for name in targets}
                response["links"] = {name: shared.reference(name, link) for name, link in links.items()}


def _names_one(operation: Operation) -> bool:
    return any(parameter.get("in") == "path" for parameter in operation["parameters"])


def _sources(commands: Mapping[str, CommandSpec], tables: Mapping[str, sa.Table], resources: Resources) -> Iterator[tuple[str, Source]]:
    for spec in commands.values():
        addressed = resources.addressed_by(spec)
        if addressed is not None and spec.method != "DELETE":
            named = {above: f"$request.path.{name}" for name, above in resources.place(spec.path).parameters.items() if above is not None}
            yield spec.name, Source(addressed, {**named, addressed: "$response.body#/id"}, written=True)
    for name, table in tables.items():
        for operation_id, place in ((f"list_{name}", "/data/0"), (f"get_{name}", "")):
            named = {
                key.column.table.name: f"$response.body#{place}/{key.parent.name}" for key in table.foreign_keys if not key.parent.nullable
            }
            yield operation_id, Source(name, {**named, name: f"$response.body#{place}/id"}, written=False)


def _command_targets(commands: Mapping[str, CommandSpec], resources: Resources, tables: Mapping[str, sa.Table]) -> Iterator[Target]:
    for spec in commands.values():
        refers = {f"{singular(name)}_id": name for name in tables}
        addressed = resources.addressed_by(spec)
        if addressed is not None:
            refers |= {key.parent.name: key.column.table.name for key in tables[addressed].foreign_keys}
        fields = [field.encode_name for field in msgspec.structs.fields(spec.type) if field.encode_name not in spec.path_fields]
        body = {**dict.fromkeys(name for name in fields if name in refers), **spec.example}
        yield Target(spec.name, resources.place(spec.path).parameters, body, refers, reads=False)


def _read_targets(tables: Iterable[str]) -> Iterator[Target]:
    for table in tables:
        for kind in ("get", "history_of"):
            yield Target(f"{kind}_{table}", {parameter(table): table}, {}, {}, reads=True)


def _link(source: Source, target: Target) -> dict[str, Any] | None:
    """With the parameters and the body that the source knows; None when the target needs more, or nothing of this resource."""
    parameters = {name: source.known[table] for name, table in target.parameters.items() if table in source.known}
    body = _filled(target.body, target.refers, source.known)
    expressions = [*_texts(body)]
    own = source.known[source.table]
    if len(parameters) < len(target.parameters) or own not in (*parameters.values(), *expressions) or _UNKNOWN in expressions:
        return None
    if target.reads and source.written:
        parameters["Stagebook-Min-Position"] = "$response.body#/position"
    return {
        "operationId": target.operation_id,
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": body} if body else {}),
    }


def _filled(value: Any, refers: Mapping[str, str], known: Known) -> Any:
    """The example with ids of known resources, and without those that may be left out and are not known."""
    if isinstance(value, list):
        return [_filled(item, refers, known) for item in value]
    if not isinstance(value, dict):
        return value
    given = {name: part for name, part in value.items() if part is not None or refers.get(name) in known}
    return {name: known.get(refers[name], _UNKNOWN) if name in refers else _filled(part, refers, known) for name, part in given.items()}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value
