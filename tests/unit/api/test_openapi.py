from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from litestar import Litestar
from msgspec import Meta

from api.openapi import openapi_document
from api.resources import collections
from tests.support.openapi import validator_of
from tests.unit.api import sample


class Reserved(TypedDict):
    """What was reserved."""

    event_id: str
    left: Annotated[int, Meta(ge=0)]


COMMANDS = {
    **sample.SAMPLE,
    "reserve": msgspec.structs.replace(sample.SAMPLE["reserve"], data=Reserved, secrets=("link",)),
}


def described(tables: dict[str, sa.Table] = sample.TABLES) -> dict[str, Any]:
    """As a client reads it: through JSON."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi_document(COMMANDS, tables), enc_hook=str))
    return document


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) with its responses resolved."""
    shared = document["components"]["responses"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            responses = {
                status: shared[response["$ref"].rpartition("/")[2]] if "$ref" in response else response
                for status, response in operation["responses"].items()
            }
            yield path, method.upper(), {**operation, "responses": responses}


def operation(document: dict[str, Any], operation_id: str) -> dict[str, Any]:
    return next(operation for _, _, operation in operations(document) if operation["operationId"] == operation_id)


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


async def test_it_is_served_to_everybody(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/schema/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"


async def test_every_route_is_described(app: Litestar, anonymous: httpx.AsyncClient) -> None:
    document = (await anonymous.get("/schema/openapi.json")).json()
    aliases = {f"/v1/{names[0]}": f"/v1/{names[1]}" for table in sample.TABLES.values() if len(names := collections(table.name)) > 1}
    served = {
        (route.path_format, method)
        for route in app.routes
        for method in set(route.methods) - {"OPTIONS"}
        if not any(route.path_format.startswith(alias) for alias in aliases.values())
    }
    assert served == {(path, method) for path, method, _ in operations(document)}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(references(document)):
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_every_path_parameter_is_declared(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        declared = {parameter["name"] for parameter in operation.get("parameters", []) if parameter.get("in") == "path"}
        assert declared == {step[1:-1] for step in path.split("/") if step.startswith("{")}


def body_of(described: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = described["requestBody"]["content"]["application/json"]["schema"]
    return body


def test_a_body_leaves_out_what_stands_in_the_path(document: dict[str, Any]) -> None:
    body = body_of(operation(document, "reserve"))
    assert set(body["properties"]) == {"quantity", "customer_email", "lines", "extra"}
    assert body["required"] == ["quantity"]
    assert "requestBody" not in operation(document, "confirm")


def test_a_commands_answer_has_its_own_data_and_nothing_else(document: dict[str, Any]) -> None:
    content = operation(document, "reserve")["responses"]["201"]["content"]["application/json"]
    answer = content["example"]
    assert content["schema"] == {"$ref": "#/components/schemas/ReserveReply"}
    accepts = accepting(document, content["schema"])
    assert accepts(answer)
    assert accepts({name: value for name, value in answer.items() if name != "link"}), "a retry shows no secrets"
    assert not accepts({name: value for name, value in answer.items() if name != "left"})
    assert not accepts(answer | {"left": -1})
    assert not accepts(answer | {"more": 1})
    assert not accepting(document, {"$ref": "#/components/schemas/ConfirmReply"})(answer)


def test_a_batch_knows_each_command_by_its_name(document: dict[str, Any]) -> None:
    batch = operation(document, "batch")
    accepts = accepting(document, body_of(batch))
    reserve = {"command": "reserve", "event_id": str(sample.EVENT), "quantity": 2}
    assert accepts({"commands": [reserve, {"command": "confirm", "order_id": str(sample.EVENT)}], "atomic": False})
    assert not accepts({"commands": [reserve | {"command": "confirm"}]})
    assert not accepts({"commands": [{**reserve, "quantity": "2"}]})
    assert not accepts({"commands": []})
    mapping = document["components"]["schemas"]["BatchItem"]["discriminator"]["mapping"]
    assert set(mapping) == set(COMMANDS)


def test_a_batch_answers_in_two_ways(document: dict[str, Any]) -> None:
    accepts = accepting(document, operation(document, "batch")["responses"]["200"]["content"]["application/json"]["schema"])
    reply = {"id": str(sample.EVENT), "version": 1, "position": 4}
    problem = {"type": "/docs#problem-stale", "title": "Stale", "status": 412, "detail": "Stale.", "code": "stale"}
    assert accepts({"position": 4, "replies": [reply, reply]})
    assert accepts({"position": 4, "replies": [{"status": 200, "body": reply}, {"status": 412, "body": problem}]})
    assert not accepts({"position": 4, "replies": [problem]})
    assert not accepts({"position": 4, "replies": [reply | {"surprise": 1}]})


def test_t8_a_commands_refusals_and_rules_are_described(document: dict[str, Any]) -> None:
    described = operation(document, "reserve")
    assert described["x-rules"] == ["T8"]
    assert described["x-permission"] == "orders.create"
    assert {"stock_gone", "idempotency_in_flight"} <= set(described["responses"]["409"]["x-codes"])
    assert "Only {left} are left." in described["responses"]["409"]["description"]


def test_every_code_that_an_operation_names_is_explained(document: dict[str, Any]) -> None:
    named = {
        code
        for _, _, operation in operations(document)
        for response in operation["responses"].values()
        for code in response.get("x-codes", [])
    }
    assert named - {"stock_gone"} <= set(document["x-problems"])


def columns(document: dict[str, Any], table: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][f"{table}_row"]["properties"]
    return found


def test_rows_have_the_types_of_their_columns_and_no_secrets(document: dict[str, Any]) -> None:
    venue = columns(document, "venues")
    assert venue["id"] == {"type": "string", "format": "uuid"}
    assert venue["kind"] == {"type": ["string", "null"], "enum": ["hall", "park", None]}
    assert (venue["fee"]["type"], venue["fee"]["pattern"]) == (["string", "null"], r"^-?[0-9]+(\.[0-9]+)?$")
    assert venue["currency"]["pattern"] == "^[A-Z]{3}$"
    assert venue["share"] == {"type": ["number", "null"]}
    assert venue["tags"] == {"type": ["array", "null"], "items": {"type": "string"}}
    assert venue["address"] == {"description": "Any JSON value"}
    assert venue["contact"]["description"].startswith("Personal data")
    assert "hash" not in columns(document, "api_keys")


def test_a_row_answers_whole_or_with_the_fields_that_were_asked_for(document: dict[str, Any]) -> None:
    content = operation(document, "get_venues")["responses"]["200"]["content"]["application/json"]
    accepts = accepting(document, content["schema"])
    assert accepts(content["example"])
    assert accepts({"name": content["example"]["name"]})
    assert not accepts({"surprise": 1})
    assert not accepts({"name": 5})


def test_every_filter_that_a_column_admits_is_a_parameter(document: dict[str, Any]) -> None:
    names = parameters(document, "list_venues")
    assert {"filter[kind]", "filter[kind][ne]", "filter[kind][in]", "filter[kind][is_null]"} <= set(names)
    assert "filter[kind][gt]" not in names
    assert names["filter[kind]"]["schema"]["enum"] == ["hall", "park"]
    assert names["filter[created_at][gte]"]["schema"]["format"] == "date-time"
    assert names["filter[kind][in]"]["schema"]["type"] == "array"
    assert not any(name.startswith("filter[address]") and name != "filter[address][is_null]" for name in names)


def test_sort_fields_and_expand_have_the_names_that_exist(document: dict[str, Any]) -> None:
    names = parameters(document, "list_venues")
    assert {"name", "-name", "created_at", "-created_at"} <= set(names["sort"]["schema"]["items"]["enum"])
    assert "address" not in names["sort"]["schema"]["items"]["enum"]
    assert "address" in names["fields"]["schema"]["items"]["enum"]
    assert "hash" not in parameters(document, "list_api_keys")["fields"]["schema"]["items"]["enum"]
    assert {"limit", "cursor", "count", "Stagebook-Min-Position"} <= set(names)


def parameters(document: dict[str, Any], operation_id: str) -> dict[str, dict[str, Any]]:
    """By name, resolved."""
    known = document["components"]["parameters"]
    given = operation(document, operation_id)["parameters"]
    resolved = [known[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter for parameter in given]
    return {parameter["name"]: parameter for parameter in resolved}


def links(document: dict[str, Any], operation_id: str) -> dict[str, Any]:
    """Of the successful answer, resolved."""
    responses = operation(document, operation_id)["responses"]
    found = next(response.get("links", {}) for status, response in responses.items() if status.startswith("2"))
    return {name: document["components"]["links"][link["$ref"].rpartition("/")[2]] for name, link in found.items()}


def test_the_answer_of_a_command_leads_to_the_resource_as_of_its_position(document: dict[str, Any]) -> None:
    assert links(document, "rename")["get_venues"] == {
        "operationId": "get_venues",
        "parameters": {"venue_id": "$response.body#/id", "Stagebook-Min-Position": "$response.body#/position"},
    }


def test_a_row_leads_to_the_commands_on_it(document: dict[str, Any]) -> None:
    assert links(document, "get_venues")["rename"]["parameters"] == {"venue_id": "$response.body#/id"}
    assert links(document, "list_venues")["rename"]["parameters"] == {"venue_id": "$response.body#/data/0/id"}


def accepting(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """Whether a value is valid by a schema of the document."""
    validator = validator_of(document, schema)
    return validator.is_valid
