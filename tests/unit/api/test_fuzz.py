"""Whatever is sent, the answer is never a 500."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from api.app import create_app
from api.auth import Credentials
from tests.support.operations import MemoryOperations
from tests.support.watching import MemoryTelemetry
from tests.unit.api import sample

_names = st.sampled_from(["quantity", "customer_email", "lines", "extra", "event_id", "command", "commands", "atomic"]) | st.text(
    max_size=5
)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["\0", str(sample.EVENT), "reserve"])
)
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=4), max_leaves=12)
_paths = st.sampled_from([f"/v1/events/{sample.EVENT}/orders", "/v1/batch", "/v1/break", f"/v1/orders/{sample.EVENT}/confirm"])
_header_values = st.binary(max_size=20).map(lambda value: value.translate(None, b"\r\n\0"))


@cache
def application() -> Litestar:
    bus = sample.FakeBus()
    bus.issue_key()
    commands = {name: spec for name, spec in sample.SAMPLE.items() if name != "fail"}
    credentials = Credentials(bus, platform_key_sha256="")
    return create_app(
        bus,
        sample.FakeReads(),
        credentials,
        codec=sample.codec(),
        operations=MemoryOperations(),
        telemetry=MemoryTelemetry(),
        authorize=sample.authorize,
        commands=commands,
        tables=sample.TABLES,
    )


def send(method: str, path: str, **request: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=sample.transport(application()), base_url="http://stagebook.test") as client:
            headers = {"authorization": f"Bearer {sample.KEY}".encode(), "content-type": b"application/json"} | request.pop("headers", {})
            return await client.request(method, path, headers=headers, **request)

    return asyncio.run(ask())


def assert_fine(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]


@given(_paths, _values)
def test_any_json(path: str, body: object) -> None:
    try:
        content = msgspec.json.encode(body)
    except UnicodeEncodeError:  # a lone surrogate is no JSON
        return
    assert_fine(send("POST", path, content=content))


@given(_paths, st.binary(max_size=200))
def test_any_bytes(path: str, body: bytes) -> None:
    assert_fine(send("POST", path, content=body))


@given(st.lists(_values, min_size=1, max_size=3), st.booleans())
def test_any_batch(items: list[object], atomic: bool) -> None:
    try:
        content = msgspec.json.encode({"commands": [{"command": "reserve", "extra": item} for item in items], "atomic": atomic})
    except UnicodeEncodeError:
        return
    assert_fine(send("POST", "/v1/batch", content=content))


@given(
    st.sampled_from(["idempotency-key", "if-match", "x-correlation-id", "traceparent", "content-type", "authorization", "content-length"]),
    _header_values,
)
def test_any_header(name: str, value: bytes) -> None:
    if name == "content-length":  # a server that speaks HTTP sends no other
        value = str(int.from_bytes(value, "big")).encode()
    assert_fine(send("POST", f"/v1/events/{sample.EVENT}/orders", content=b'{"quantity": 1}', headers={name: value}))


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.text(max_size=30))
def test_any_path_and_query(segment: str, query: str) -> None:
    safe = quote(segment, safe="")
    text = quote(query.encode("utf-8", "surrogatepass"), safe="=&")
    if safe not in ("", ".", ".."):
        assert_fine(send("GET", f"/v1/venues/{safe}?{text}"))
    assert_fine(send("GET", f"/v1/venues?{text}"))
