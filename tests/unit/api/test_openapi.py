from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from api.openapi import openapi_document
from api.resources import collections
from tests.unit.api import sample


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As a client reads it: through JSON."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi_document(sample.SAMPLE, sample.TABLES), enc_hook=str))
    return document


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


def test_every_route_is_described(app: Litestar, document: dict[str, Any]) -> None:
    described = {(path, method) for path, method, _ in operations(document)}
    aliases = {f"/v1/{names[0]}": f"/v1/{names[1]}" for table in sample.TABLES.values() if len(names := collections(table.name)) > 1}
    served = {
        (route.path_format, method)
        for route in app.routes
        for method in set(route.methods) - {"OPTIONS"}
        if not any(route.path_format.startswith(alias) for alias in aliases.values())
    }
    assert served == described


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(references(document)):
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_every_operation_has_a_summary_an_example_and_problem_codes(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for path, _, operation in operations(document):
        assert operation["summary"]
        for status, response in operation["responses"].items():
            assert response["description"]
            assert all("example" in content for content in response["content"].values())
            assert ("x-codes" in response) is (int(status) >= 400)
        if path.startswith("/v1/"):
            assert {"401", "403", "500", "503"} <= set(operation["responses"])
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["example"]
            assert {"400", "413", "415", "422"} <= set(operation["responses"])


def test_every_path_parameter_is_declared(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        declared = {parameter["name"] for parameter in operation.get("parameters", []) if parameter.get("in") == "path"}
        assert declared == {step[1:-1] for step in path.split("/") if step.startswith("{")}


def test_a_body_leaves_out_what_stands_in_the_path(document: dict[str, Any]) -> None:
    body = operation(document, "reserve")["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"quantity", "customer_email", "lines", "extra"}
    assert body["required"] == ["quantity"]
    assert "requestBody" not in operation(document, "confirm")


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


def test_rows_have_the_types_of_their_columns_and_no_secrets(document: dict[str, Any]) -> None:
    venue = document["components"]["schemas"]["venues_row"]["properties"]
    assert venue["id"] == {"type": "string", "format": "uuid"}
    assert venue["kind"] == {"type": ["string", "null"], "enum": ["hall", "park", None]}
    assert venue["fee"]["type"] == ["string", "null"]
    assert venue["share"] == {"type": ["number", "null"]}
    assert venue["tags"] == {"type": ["array", "null"], "items": {"type": "string"}}
    assert venue["contact"]["description"].startswith("Personal data")
    assert "hash" not in document["components"]["schemas"]["api_keys_row"]["properties"]
