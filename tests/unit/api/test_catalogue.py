"""The HTTP layer over all that is registered: what every command and every table owes its clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

import application.catalog  # noqa: F401  # registers the commands
import projections.catalog  # noqa: F401  # registers the tables
from api.app import create_app
from api.auth import Credentials
from api.body import CommandReader, decode_object
from api.openapi import openapi_document
from api.schemas import EXAMPLE_ID
from application.access import PERMISSIONS, PLATFORM_PERMISSION
from application.registry import COMMANDS, CommandSpec
from projections.queries import shown
from projections.schema import READ
from tests.unit.api import sample

EVERY_COMMAND = pytest.mark.parametrize("spec", COMMANDS.values(), ids=COMMANDS.keys())
EVERY_TABLE = pytest.mark.parametrize("table", READ.tables.values(), ids=[table.name for table in READ.tables.values()])


def structs(kind: msgspec.inspect.Type) -> Iterator[msgspec.inspect.StructType]:
    """All structs inside a type."""
    if isinstance(kind, msgspec.inspect.StructType):
        yield kind
        for field in kind.fields:
            yield from structs(field.type)
    elif isinstance(kind, msgspec.inspect.Metadata):
        yield from structs(kind.type)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for part in kind.types:
            yield from structs(part)
    elif isinstance(kind, msgspec.inspect.ListType | msgspec.inspect.VarTupleType):
        yield from structs(kind.item_type)


@EVERY_COMMAND
def test_every_commands_example_is_accepted(spec: CommandSpec) -> None:
    body = decode_object(msgspec.json.encode(spec.example))
    CommandReader(spec, path_fields=spec.path_fields).read(body, dict.fromkeys(spec.path_fields, EXAMPLE_ID))


@EVERY_COMMAND
def test_every_commands_parts_refuse_unknown_fields(spec: CommandSpec) -> None:
    assert [part.cls.__name__ for part in structs(msgspec.inspect.type_info(spec.type)) if not part.forbid_unknown_fields] == []


@EVERY_COMMAND
def test_every_commands_permission_is_one_that_somebody_can_have(spec: CommandSpec) -> None:
    assert spec.permission in PERMISSIONS | {PLATFORM_PERMISSION}


@EVERY_COMMAND
def test_no_command_has_a_field_that_a_batch_needs_for_itself(spec: CommandSpec) -> None:
    assert "command" not in spec.type.__struct_fields__


@EVERY_TABLE
def test_every_table_has_what_queries_sort_and_filter_by(table: sa.Table) -> None:
    assert {"id", "organization_id", "created_at", "stream_version"} <= set(table.c.keys())


def test_o9_the_hash_of_a_key_is_not_shown() -> None:
    keys = READ.tables["read.api_keys"]
    assert set(keys.c) - set(shown(keys)) == {keys.c.hash}


def test_all_routes_fit_beside_each_other_and_are_described() -> None:
    bus = sample.FakeBus()
    create_app(bus, sample.FakeReads(), Credentials(bus, platform_key_sha256=""), authorize=sample.authorize)
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi_document(COMMANDS, READ.tables), enc_hook=str))
    operations = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(operations) == len(set(operations)) == len(COMMANDS) + 2 * len(READ.tables) + 5
