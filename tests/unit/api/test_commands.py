from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from api.app import create_app
from api.auth import Credentials
from api.services import ApiSettings
from application.bus.messages import Busy, IdempotencyInFlight, Unavailable
from domain.refusals import Forbidden
from tests.support.operations import MemoryOperations
from tests.support.watching import MemoryTelemetry
from tests.unit.api import sample

ORDERS = f"/v1/events/{sample.EVENT}/orders"
CONFIRM = f"/v1/orders/{sample.EVENT}/confirm"
JSON = {"content-type": "application/json"}


async def post(client: httpx.AsyncClient, body: bytes, path: str = ORDERS) -> httpx.Response:
    return await client.post(path, content=body, headers=JSON)


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] == f"/docs#problem-{code}"
    assert problem["title"]
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]
    return problem


async def test_a_command_answers_id_version_position_and_where_to_read_it(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    answer = await client.post(ORDERS, json={"quantity": 2, "lines": [{"name": "a"}]})
    assert answer.status_code == 201
    body = answer.json()
    assert body == {"id": body["id"], "version": 1, "position": 41, "event_id": str(sample.EVENT), "left": 7, "link": "s3cret"}
    assert answer.headers["location"] == f"/v1/deals/{body['id']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["stagebook-position"] == "41"
    assert "idempotent-replayed" not in answer.headers
    assert bus.requests[0].commands == (sample.Reserve(event_id=sample.EVENT, quantity=2, lines=(sample.Line(name="a"),)),)


async def test_what_stands_in_no_table_is_nowhere_to_read(client: httpx.AsyncClient) -> None:
    answer = await client.delete(f"/v1/orders/{sample.EVENT}")
    assert answer.headers["etag"] == '"5"'
    assert "location" not in answer.headers


async def test_the_principal_is_the_keys_and_the_command_id_is_a_uuid7(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    await client.post(CONFIRM)
    request = bus.requests[0]
    assert (request.principal.organization_id, request.principal.key_id, request.principal.user_id) == (
        sample.ORGANIZATION,
        sample.KEY_ID,
        sample.USER,
    )
    assert request.command_id.version == 7


@pytest.mark.parametrize(
    ("method", "path", "body"), [("PATCH", f"/v1/venues/{sample.EVENT}", {"name": "x"}), ("DELETE", f"/v1/orders/{sample.EVENT}", None)]
)
async def test_all_methods_of_the_registry_are_served(client: httpx.AsyncClient, method: str, path: str, body: object) -> None:
    answer = await client.request(method, path, json=body) if body else await client.request(method, path)
    assert answer.status_code == 200
    assert answer.headers["etag"]


async def test_a_command_without_body_fields_needs_no_body(client: httpx.AsyncClient) -> None:
    assert (await client.post(CONFIRM)).status_code == 200
    assert (await client.post(CONFIRM, json={})).status_code == 200


BAD_BODIES = [
    (b'{"quantity": 1, "colour": 2, "x/y~z": 3}', ["/colour", "/x~1y~0z"]),
    (b'{"quantity": "1"}', ["/quantity"]),
    (b'{"quantity": 1.0}', ["/quantity"]),
    (b'{"quantity": true}', ["/quantity"]),
    (b"{}", ["/quantity"]),
    (b'{"quantity": null, "customer_email": 5}', ["/customer_email", "/quantity"]),
    (b'{"quantity": 1, "lines": [{"name": "a"}, {"name": "b", "count": 0}]}', ["/lines/1/count"]),
    (b'{"quantity": 1, "lines": [{"count": 1}]}', ["/lines/0/name"]),
    (b'{"quantity": 1, "lines": [{"name": "a", "colour": 1}]}', ["/lines/0/colour"]),
    (b'{"quantity": 1, "lines": {}}', ["/lines"]),
    (b'{"quantity": 1, "customer_email": "a\\u0000b"}', ["/customer_email"]),
    (b'{"quantity": 1, "extra": {"a": {"b/c": ["\\u0000"]}}}', ["/extra/a/b~1c/0"]),
    (b'{"quantity": 1, "extra": {"a\\u0000": 1}}', ["/extra"]),
    (b'{"quantity": 123456789012345678}', ["/quantity"]),
    (b'{"quantity": 1, "extra": {"n": -9007199254740992}}', ["/extra/n"]),
    (b'{"quantity": 1, "extra": {"n": ' + b"[" * 40 + b"]" * 40 + b"}}", ["/extra/n" + "/0" * 30]),
    (b'{"quantity": 1, "event_id": "x"}', ["/event_id"]),
    (b"[]", [""]),
    (b"null", [""]),
    (b'"text"', [""]),
    (b'{"quantity": ' + b"9" * 10_000 + b"}", ["/quantity"]),
    (b'{"quantity": 1e400}', ["/quantity"]),
]


@pytest.mark.parametrize(("body", "pointers"), BAD_BODIES, ids=[body[:40].decode() for body, _ in BAD_BODIES])
async def test_an_invalid_body_is_refused_naming_what_and_where(
    client: httpx.AsyncClient, bus: sample.FakeBus, body: bytes, pointers: list[str]
) -> None:
    problem = assert_problem(await post(client, body), 422, "invalid_input")
    assert sorted(error["pointer"] for error in problem["errors"]) == pointers
    assert all(error["detail"] for error in problem["errors"])
    assert not bus.requests


MALFORMED = [
    b"{",
    b"\xff\xfe",
    b'{"a": "\xed\xa0\x80"}',
    b'{"a": "\\ud800"}',
    b'{"a": "\\udc00x"}',
    b"[" * 100_000,
    b"NaN",
    b'{"a": "\x00"}',
    b"{} {}",
    b" ",
]


@pytest.mark.parametrize("body", MALFORMED, ids=[repr(body[:12]) for body in MALFORMED])
async def test_what_is_not_json_is_malformed(client: httpx.AsyncClient, body: bytes) -> None:
    assert_problem(await post(client, body), 400, "malformed_json")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_one_mebibyte_is_too_large(client: httpx.AsyncClient, chunked: bool) -> None:
    async def chunks() -> Any:
        for _ in range(17):
            yield b" " * 65_536

    answer = await client.post(ORDERS, content=chunks() if chunked else b" " * 1_048_577, headers=JSON)
    assert_problem(answer, 413, "body_too_large")


async def test_a_body_of_one_mebibyte_is_read(client: httpx.AsyncClient) -> None:
    body = b'{"quantity": 1}'
    assert (await post(client, body + b" " * (1_048_576 - len(body)))).status_code == 201


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_another_media_type_is_not_supported(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert_problem(await client.post(ORDERS, content=b'{"quantity": 1}', headers=headers), 415, "unsupported_media_type")


async def test_the_media_type_may_have_parameters(client: httpx.AsyncClient) -> None:
    answer = await client.post(ORDERS, content=b'{"quantity": 1}', headers={"content-type": "Application/JSON; charset=utf-8"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "path", ["/v1/orders/nonsense/confirm", "/v1/orders/%00/confirm", "/v1/orders/%FF/confirm", f"/v1/orders/{'9' * 5000}/confirm"]
)
async def test_a_path_that_names_no_id_leads_nowhere(client: httpx.AsyncClient, path: str) -> None:
    problem = assert_problem(await client.post(path), 404, "invalid_path")
    assert problem["errors"][0]["parameter"] == "order_id"


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ümlaut"])
async def test_t21_an_idempotency_key_is_short_and_printable(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post(CONFIRM, headers={b"idempotency-key": key.encode()})
    assert assert_problem(answer, 400, "invalid_header")["errors"][0]["header"] == "idempotency-key"


async def test_t21_the_same_key_and_body_get_the_same_answer_without_its_secrets(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "k" * 255}
    first = await client.post(ORDERS, json={"quantity": 1}, headers=headers)
    again = await client.post(ORDERS, json={"quantity": 1}, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.status_code == first.status_code == 201
    assert again.json() | {"link": "s3cret"} == first.json()
    assert "link" not in again.json()


async def test_t21_the_same_key_with_another_body_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "k"}
    await client.post(ORDERS, json={"quantity": 1}, headers=headers)
    problem = assert_problem(await client.post(ORDERS, json={"quantity": 2}, headers=headers), 422, "idempotency_mismatch")
    assert problem["rule"] == "T21"


async def test_t21_a_key_whose_first_request_still_runs_is_a_conflict(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    bus.failure = IdempotencyInFlight()
    assert_problem(await client.post(CONFIRM), 409, "idempotency_in_flight")


@pytest.mark.parametrize("tag", ["3", 'W/"3"', "*", '"3", "4"', '"x"', '"-1"', "", '"' + "9" * 5000 + '"'])
async def test_if_match_takes_one_version_in_quotes(client: httpx.AsyncClient, tag: str) -> None:
    answer = await client.post(CONFIRM, headers={"if-match": tag})
    assert assert_problem(answer, 400, "invalid_header")["errors"][0]["header"] == "if-match"


async def test_if_match_with_the_present_version_passes_and_a_stale_one_is_412(client: httpx.AsyncClient) -> None:
    assert (await client.post(CONFIRM, headers={"if-match": '"3"'})).status_code == 200
    problem = assert_problem(await client.post(CONFIRM, headers={"if-match": '"2"'}), 412, "stale")
    assert problem["params"] == {"version": 3, "expected": 2}


async def test_if_match_where_nothing_compares_it_is_refused_not_ignored(client: httpx.AsyncClient) -> None:
    answer = await client.post(ORDERS, json={"quantity": 1}, headers={"if-match": '"1"'})
    assert_problem(answer, 422, "precondition_not_supported")


async def test_a_refusal_carries_its_code_rule_pointer_and_what_it_was_made_of(client: httpx.AsyncClient) -> None:
    problem = assert_problem(await client.post(ORDERS, json={"quantity": 11}), 409, "stock_gone")
    assert problem["rule"] == "T8"
    assert problem["detail"] == "Only 10 are left."
    assert problem["errors"] == [{"detail": "Only 10 are left.", "pointer": "/quantity"}]
    assert problem["params"] == {"left": 10}


async def test_o1_a_foreign_id_does_not_exist(client: httpx.AsyncClient) -> None:
    assert_problem(await client.post(f"/v1/orders/{UUID(int=99)}/confirm"), 404, "not_found")


async def test_a_missing_permission_is_named(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    bus.failure = Forbidden(permission="orders.create")
    assert assert_problem(await client.post(CONFIRM), 403, "forbidden")["params"] == {"permission": "orders.create"}


@pytest.mark.parametrize(("failure", "code", "seconds"), [(Busy(), "busy", "1"), (Unavailable(), "unavailable", "2")])
async def test_when_it_is_too_much_or_too_early_the_client_hears_when_to_come_back(
    client: httpx.AsyncClient, bus: sample.FakeBus, failure: Exception, code: str, seconds: str
) -> None:
    await client.post(CONFIRM)
    bus.failure = failure
    answer = await client.post(CONFIRM)
    assert_problem(answer, 503, code)
    assert answer.headers["retry-after"] == seconds


async def test_a_fault_is_a_problem_without_anything_of_its_inside(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/break", json={"text": "ada@example.org"})
    assert_problem(answer, 500, "internal_error")
    assert "ada" not in answer.text
    assert "RuntimeError" not in answer.text


async def test_unknown_paths_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/v1/nonsense"), 404, "no_such_route")
    answer = await client.get(CONFIRM)
    assert_problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]


async def test_a_host_that_is_no_host_is_a_problem(client: httpx.AsyncClient) -> None:
    assert_problem(await client.post(CONFIRM, headers={"host": "a b"}), 400, "bad_request")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-correlation-id": "shop-17:a.b_c"}, "shop-17:a.b_c"),
        ({"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "4bf92f3577b34da6a3ce929d0e0e4736"),
        ({"x-correlation-id": "mine", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "mine"),
    ],
)
async def test_a_correlation_id_comes_back_and_goes_to_the_log(
    client: httpx.AsyncClient, bus: sample.FakeBus, headers: dict[str, str], expected: str
) -> None:
    answer = await client.post(CONFIRM, headers=headers)
    assert answer.headers["x-correlation-id"] == bus.requests[0].correlation_id == expected


@pytest.mark.parametrize("given", ["ada@example.org", "a b", "x" * 65, ""])
async def test_a5_a_correlation_id_that_could_be_personal_is_replaced(client: httpx.AsyncClient, bus: sample.FakeBus, given: str) -> None:
    answer = await client.post(CONFIRM, headers={"x-correlation-id": given})
    assert answer.headers["x-correlation-id"] == bus.requests[0].correlation_id == str(bus.requests[0].command_id)


@pytest.mark.parametrize(
    ("trusted_proxies", "forwarded", "expected"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
async def test_t7_the_clients_address_is_what_a_trusted_proxy_saw_never_what_the_client_says(
    bus: sample.FakeBus, reads: sample.FakeReads, trusted_proxies: int, forwarded: str, expected: str
) -> None:
    app = create_app(
        bus,
        reads,
        Credentials(bus, platform_key_sha256=""),
        codec=sample.codec(),
        operations=MemoryOperations(),
        telemetry=MemoryTelemetry(),
        authorize=sample.authorize,
        settings=ApiSettings(trusted_proxies=trusted_proxies),
        commands=sample.SAMPLE,
        tables={},
    )
    headers = {"authorization": f"Bearer {sample.KEY}", "x-forwarded-for": forwarded}
    async with httpx.AsyncClient(transport=sample.transport(app), base_url="http://stagebook.test") as client:
        await client.post(CONFIRM, headers=headers)
    assert bus.requests[0].client_address == expected
