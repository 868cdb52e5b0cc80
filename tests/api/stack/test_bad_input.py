"""Absurd input: the answer says what is wrong and where, is never a 500, and nothing is recorded."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.support.stack import Stack, Tenant

EVENT = {"name": "Show", "starts_at": "2098-01-01T10:00Z", "ends_at": "2098-01-01T12:00Z"}
SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
JSON_TYPE = {"content-type": "application/json"}


def _text(**changes: object) -> bytes:
    return json.dumps(EVENT | changes).encode()


def _raw(name: str, value: str) -> bytes:
    """A body with a value that no JSON library would write."""
    return _text()[:-1] + f', "{name}": {value}}}'.encode()


MALFORMED = {
    "half an object": b'{"name": "Show"',
    "two objects": _text() + _text(),
    "single quotes": b"{'name': 'Show'}",
    "a trailing comma": _text()[:-1] + b",}",
    "NaN": _raw("max_capacity", "NaN"),
    "Infinity": _raw("max_capacity", "-Infinity"),
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": _text().decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + _text(),
    "half a surrogate pair": _raw("description", '"\\ud800"'),
    "half a surrogate pair in a key": _raw("custom_fields", '{"\\udfff": 1}'),
    "surrogates in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "100,000 brackets": b"[" * 100_000,
    "a number of 100 digits, cut off": b'{"max_capacity": ' + b"9" * 100,
}

WRONG: dict[str, tuple[bytes, str]] = {
    "no object": (b'["Show"]', ""),
    "null": (b"null", ""),
    "a missing field": (json.dumps({"name": "Show"}).encode(), "/starts_at"),
    "an unknown field": (_text(colour="red"), "/colour"),
    "a number for a text": (_text(name=5), "/name"),
    "a text for a number": (_text(max_capacity="5"), "/max_capacity"),
    "a fraction for an integer": (_text(max_capacity=1.5), "/max_capacity"),
    "a number of 10,000 digits": (_raw("max_capacity", "9" * 10_000), "/max_capacity"),
    "a number of 4,000 digits": (_raw("max_capacity", "9" * 4_000), "/max_capacity"),
    "a number of 20 digits in free JSON": (_raw("custom_fields", '{"n": -' + "9" * 20 + "}"), "/custom_fields/n"),
    "more than fits into 32 bits": (_text(max_capacity=2**31), "/max_capacity"),
    "zero": (_text(max_capacity=0), "/max_capacity"),
    "NUL in a text": (_text(name="Sh\0w"), "/name"),
    "NUL in free JSON": (_text(custom_fields={"a": ["b\0"]}), "/custom_fields/a/0"),
    "NUL in a name of free JSON": (_text(custom_fields={"a\0": 1}), "/custom_fields"),
    "a blank name": (_text(name=" \t "), "/name"),
    "a name too long": (_text(name="x" * 201), "/name"),
    "no such time zone": (_text(timezone="Europe/Atlantis"), "/timezone"),
    "a path for a time zone": (_text(timezone="../../etc/passwd"), "/timezone"),
    "no date": (_text(starts_at="tomorrow"), "/starts_at"),
    "a month too many": (_text(starts_at="2098-13-01T10:00Z"), "/starts_at"),
    "the year 0": (_text(starts_at="0000-01-01T10:00Z"), "/starts_at"),
    "before the calendar, in UTC": (_text(starts_at="0001-01-01T00:00+14:00"), "/starts_at"),
    "no such currency": (_text(currency="XXY"), "/currency"),
    "no UUID": (_text(venue_id="1"), "/venue_id"),
    "an id of a wrong version": (_text(id="6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "/id"),
    "an address that runs a script": (_text(online_url="javascript:alert(1)"), "/online_url"),
    "a slug with a slash": (_text(slug="a/b"), "/slug"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_not_json_is_400(stack: Stack, tenant: Tenant, name: str) -> None:
    answer = _refused(stack, tenant, MALFORMED[name])
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_422_and_says_where(stack: Stack, tenant: Tenant, name: str) -> None:
    body, pointer = WRONG[name]
    answer = _refused(stack, tenant, body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer.text


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_a_batch_is_422_and_says_in_which_command(stack: Stack, tenant: Tenant, name: str) -> None:
    body, pointer = WRONG[name]
    if not body.startswith(b"{"):
        return
    good = _text(command="create_event")
    answer = _refused(stack, tenant, b'{"commands": [' + good + b', {"command": "create_event", ' + body[1:] + b"]}", "/v1/batch")
    assert answer.status_code == 422, answer.text
    assert (f"/commands/1{pointer}" if pointer else "") in [error["pointer"] for error in answer.json()["errors"]], answer.text


def test_all_that_is_wrong_is_said_at_once(stack: Stack, tenant: Tenant) -> None:
    answer = _refused(stack, tenant, json.dumps({"name": 5, "max_capacity": 0, "colour": "red"}).encode())
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/name", "/max_capacity", "/colour", "/starts_at", "/ends_at"}


def test_a_nest_of_500_lists_is_422(stack: Stack, tenant: Tenant) -> None:
    answer = _refused(stack, tenant, _raw("custom_fields", '{"a": ' + "[" * 500 + "]" * 500 + "}"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/custom_fields/a/0")


def test_a_body_of_two_megabytes_is_413(stack: Stack, tenant: Tenant) -> None:
    assert _refused(stack, tenant, _text(description="x" * 2_000_000)).status_code == 413


def test_a_body_of_two_megabytes_in_chunks_is_413(stack: Stack, tenant: Tenant) -> None:
    before = stack.head()
    answer = tenant.http.post("/v1/events", content=(b" " * 65_536 for _ in range(32)), headers=JSON_TYPE)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert stack.head() == before


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
def test_another_content_type_is_415(tenant: Tenant, content_type: str) -> None:
    answer = tenant.http.post("/v1/events", content=_text(), headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("id_", ["1", "%00", "..%2f", "9" * 5_000, SOME_ID.upper() + "x", "%F0%9F%8E%AA", "%ff"])
def test_an_id_that_is_none_is_404(stack: Stack, tenant: Tenant, method: str, id_: str) -> None:
    before = stack.head()
    for answer in (tenant.send(method, f"/v1/events/{id_}"), tenant.get(f"/v1/events/{id_}")):
        assert answer.status_code == 404, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert stack.head() == before


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("idempotency-key", "x" * 256),
        ("idempotency-key", "ä"),
        ("idempotency-key", ""),
        ("if-match", "3"),
        ("if-match", '"' + "9" * 30 + '"'),
        ("if-match", "*"),
    ],
)
def test_a_header_that_means_nothing_is_400_and_named(stack: Stack, tenant: Tenant, header: str, value: str) -> None:
    before = stack.head()
    answer = tenant.http.post("/v1/venues", json={"name": "Hall", "capacity": 5}, headers=[(header.encode(), value.encode())])
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_header")
    assert answer.json()["errors"][0]["header"] == header
    assert stack.head() == before


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=9" + "9" * 5_000, "limit=x", "cursor=x", "cursor=%00", "colour=red", "limit=1&limit=2"]
)
def test_a_query_that_means_nothing_is_422(tenant: Tenant, query: str) -> None:
    answer = tenant.get(f"/v1/events?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "value", [1234.5678, -0.0, 1e-320, 2**53 - 1, "\U0001f3aa\u202e\ufeff", "'; drop table read.events; --", [[]], {"": None}, "\x7f\x01"]
)
def test_free_json_comes_back_as_it_was_sent(tenant: Tenant, value: Any) -> None:
    made = tenant.made("/v1/events", EVENT | {"custom_fields": {"value": value}})
    assert tenant.row(f"/v1/events/{made['id']}", made["position"])["custom_fields"] == {"value": value}


@pytest.mark.parametrize("number", ["1e400", "-1e999", "1e-400"])
def test_a_number_beyond_every_float_is_refused_or_kept(tenant: Tenant, number: str) -> None:
    answer = tenant.http.post("/v1/events", content=_raw("custom_fields", f'{{"n": {number}}}'), headers=JSON_TYPE)
    assert answer.status_code in (201, 400, 422), answer.text
    if answer.is_success:
        row = tenant.row(f"/v1/events/{answer.json()['id']}", answer.json()["position"])
        assert row["custom_fields"] == {"n": pytest.approx(float(number))}


def _refused(stack: Stack, tenant: Tenant, body: bytes, path: str = "/v1/events") -> httpx.Response:
    """Refused with a problem; nothing was recorded."""
    before = stack.head()
    answer = tenant.http.post(path, content=body, headers=JSON_TYPE)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert stack.head() == before
    return answer
