"""Logs, the documentation page."""

from __future__ import annotations

import re

import httpx
import pytest
from structlog.testing import capture_logs

from tests.unit.api import sample

CONFIRM = f"/v1/orders/{sample.EVENT}/confirm"


async def test_the_documentation_page_and_its_parts_need_no_other_host(anonymous: httpx.AsyncClient) -> None:
    page = await anonymous.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    parts = [await anonymous.get(path) for path in re.findall(r'(?:href|src)="(/[^"]+)"', page.text)]
    assert len(parts) >= 2
    for part in (page, *parts):
        assert part.status_code == 200
        assert not re.search(r"(href|src)=\"(?!/docs/|data:|#)|(from|import|fetch)\W+(https?:)?//|@import|innerHTML", part.text)
        policy = part.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
        assert "unsafe" not in policy


async def test_a5_a_failed_request_is_one_line_without_anything_that_was_in_it(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await client.post(f"/v1/events/{sample.EVENT}/orders", json={"quantity": 11, "customer_email": "ada@example.org"})
        await client.get("/v1/venues?name=ada@example.org")
        await client.get("/v1/nonsense/ada@example.org")
        await client.post(CONFIRM)
    assert [(line["log_level"], line["operation"], line["status"], line["code"]) for line in lines] == [
        ("warning", "reserve", 409, "stock_gone"),
        ("warning", "list_venues", 422, "invalid_input"),
        ("warning", "none", 404, "no_such_route"),
    ]
    assert "ada" not in str(lines)
    assert sample.SECRET not in str(lines)


async def test_a5_a_fault_is_logged_with_its_place_and_correlation_id_but_not_its_message(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        answer = await client.post("/v1/break", json={"text": "ada@example.org"})
    assert [line["log_level"] for line in lines] == ["error"]
    assert lines[0]["fault"] == "RuntimeError"
    assert lines[0]["correlation_id"] == answer.headers["x-correlation-id"]
    assert any("sample.py" in frame for frame in lines[0]["where"])
    assert "ada" not in str(lines)


async def test_a_slow_request_is_logged(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1.5])
    monkeypatch.setattr("api.endpoints.perf_counter", lambda: next(times))
    with capture_logs() as lines:
        await client.post(CONFIRM)
    assert [(line["event"], line["operation"], line["seconds"]) for line in lines] == [("slow request", "confirm", 1.5)]


@pytest.mark.parametrize(("path", "allowed"), [("/v1/venues", "GET, OPTIONS"), (f"/v1/venues/{sample.EVENT}", "GET, OPTIONS, PATCH")])
async def test_options_names_the_methods_of_all_handlers_of_a_path(anonymous: httpx.AsyncClient, path: str, allowed: str) -> None:
    answer = await anonymous.options(path)
    assert (answer.status_code, answer.headers["allow"]) == (204, allowed)
