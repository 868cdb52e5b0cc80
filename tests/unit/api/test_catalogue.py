"""The HTTP layer over all that is registered: what every command and every table owes its clients."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from openapi_spec_validator import OpenAPIV31SpecValidator

import application.catalog  # noqa: F401  # registers the commands
import projections.catalog  # noqa: F401  # registers the tables
from api.app import create_app
from api.body import CommandReader, decode_object
from api.openapi.examples import EXAMPLE_ID
from application.access import PERMISSIONS, PLATFORM_PERMISSION
from application.registry import COMMANDS, CommandSpec
from projections.queries import shown
from projections.schema import READ
from tests.support.openapi import validator_of
from tests.support.watching import MemoryTelemetry
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


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The description of all that is registered, as a client reads it."""
    return asyncio.run(_served())


async def _served() -> dict[str, Any]:
    # Of all that the application works with, the description needs nothing.
    application = create_app(Mock(), Mock(), Mock(), codec=Mock(), operations=Mock(), telemetry=MemoryTelemetry(), authorize=Mock())
    async with httpx.AsyncClient(transport=sample.transport(application), base_url="http://stagebook.test") as client:
        document: dict[str, Any] = (await client.get("/schema/openapi.json")).json()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, operation) with its responses resolved."""
    shared = document["components"]["responses"]
    for path, item in document["paths"].items():
        for operation in item.values():
            responses = operation["responses"].items()
            resolved = {status: shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for status, one in responses}
            yield path, {**operation, "responses": resolved}


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    assert [(list(error.path), error.message) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_no_two_paths_differ_in_the_names_of_their_parameters_alone(document: dict[str, Any]) -> None:
    shapes = [re.sub(r"{\w+}", "{}", path) for path in document["paths"]]
    assert len(shapes) == len(set(shapes))


def test_everything_registered_is_described_once(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    reads = {f"{kind}_{table.name}" for table in READ.tables.values() for kind in ("list", "get", "history_of")}
    assert {*COMMANDS, *reads, "batch", "live", "ready", "openapi", "docs"} <= set(ids)


def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        # Longer URIs do not get to the program: there is no body.
        operation["responses"].pop("414", None)
        for status, response in operation["responses"].items():
            assert response["description"], path
            assert ("x-codes" in response) is (int(status) >= 400), path
            assert all({"example", "examples"} & content.keys() for content in response["content"].values()), path
        if path.startswith("/v1/"):
            assert {"401", "403", "500", "503"} <= set(operation["responses"]), path
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["example"], path
            assert {"400", "413", "415", "422"} <= set(operation["responses"]), path


def test_every_code_that_an_operation_names_is_explained(document: dict[str, Any]) -> None:
    codes = {
        code
        for _, operation in operations(document)
        for response in operation["responses"].values()
        for code in response.get("x-codes", [])
    }
    assert codes <= set(document["x-problems"])


def test_every_example_is_valid_by_its_schema(document: dict[str, Any]) -> None:
    found = list(examples(document))
    assert len(found) > 500
    for place, schema, example in found:
        assert [error.message for error in validator_of(document, schema).iter_errors(example)] == [], place


def test_no_schema_admits_anything_unless_it_says_so(document: dict[str, Any]) -> None:
    """An object without properties is JSON that somebody else has made up, and is described as that."""
    for place, schema in schemas(document):
        if not schema or (schema.keys() <= {"type"} and schema.get("type") == "object"):
            pytest.fail(f"{place} says nothing: {schema}")


def test_every_link_leads_to_an_operation_with_parameters_that_it_has(document: dict[str, Any]) -> None:
    known = {operation["operationId"]: operation for _, operation in operations(document)}
    for name, link in document["components"]["links"].items():
        target = known[link["operationId"]]
        given = [document["components"]["parameters"][p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in target["parameters"]]
        assert set(link.get("parameters", {})) <= {parameter["name"] for parameter in given}, name
        assert {parameter["name"] for parameter in given if parameter.get("required")} <= set(link.get("parameters", {})), name
        assert "requestBody" in target or "requestBody" not in link, name


def test_the_main_flow_is_linked_from_step_to_step(document: dict[str, Any]) -> None:
    """Event, ticket category, order, confirmation: each answer leads to the next step with the ids that it knows."""
    body = followed(document, "create_event", "add_ticket_category")
    assert body["parameters"] == {"event_id": "$response.body#/id"}
    order = followed(document, "add_ticket_category", "place_order")
    assert order["parameters"] == {"event_id": "$request.path.event_id"}
    assert order["requestBody"]["lines"][0]["ticket_category_id"] == "$response.body#/id"
    assert followed(document, "place_order", "confirm_order")["parameters"] == {"order_id": "$response.body#/id"}
    assert followed(document, "place_order", "get_orders")["parameters"]["order_id"] == "$response.body#/id"
    assert followed(document, "book_venue", "release_booking")["parameters"] == {
        "venue_id": "$request.path.venue_id",
        "booking_id": "$response.body#/id",
    }


def test_json_columns_have_the_structure_that_their_command_has(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]
    assert components["venues_row"]["properties"]["contact_info"]["anyOf"][0] == {"$ref": "#/components/schemas/ContactInfo"}
    assert components["venues_row"]["properties"]["amenities"]["items"]["maxLength"] == 60
    assert components["events_row"]["properties"]["custom_fields"]["type"] == ["object", "null"]
    assert components["events_row"]["properties"]["name"]["maxLength"] == 200


def followed(document: dict[str, Any], operation_id: str, link: str) -> dict[str, Any]:
    """The link of the operation's successful answer, resolved."""
    operation = next(operation for _, operation in operations(document) if operation["operationId"] == operation_id)
    response = next(response for status, response in operation["responses"].items() if status.startswith("2"))
    found: dict[str, Any] = document["components"]["links"][response["links"][link]["$ref"].rpartition("/")[2]]
    return found


def examples(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any], Any]]:
    """(where, schema, example) of every example in the document."""
    if isinstance(value, list):
        for n, part in enumerate(value):
            yield from examples(part, f"{place}/{n}")
    elif isinstance(value, dict):
        schema, named = value.get("schema"), value.get("examples")
        if isinstance(schema, dict):
            given = [value["example"]] if "example" in value else []
            given += [example["value"] for example in named.values()] if isinstance(named, dict) else []
            yield from ((place, schema, example) for example in given)
        elif isinstance(named, list) and "type" in value:
            yield from ((place, value, example) for example in named)
        for name, part in value.items():
            yield from examples(part, f"{place}/{name}")


def schemas(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, schema) of every schema in the document."""

    def inside(place: str, schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(schema, dict):
            yield place, schema
            for name, part in schema.get("properties", {}).items():
                yield from inside(f"{place}/{name}", part)
            for keyword in ("allOf", "anyOf", "oneOf", "prefixItems"):
                for part in schema.get(keyword, ()):
                    yield from inside(f"{place}/{keyword}", part)
            yield from inside(f"{place}/items", schema.get("items"))

    for name, schema in document["components"]["schemas"].items():
        yield from inside(name, schema)
    for path, operation in operations(document):
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                yield from inside(path, content["schema"])
