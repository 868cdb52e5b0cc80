"""Health, logs, the documentation page."""

from __future__ import annotations

import re

import httpx
import pytest
from structlog.testing import capture_logs

from application.bus.messages import Unavailable
from application.reading import ReadStatus
from tests.unit.api import sample

CONFIRM = f"/v1/orders/{sample.EVENT}/confirm"


async def test_a_process_that_answers_lives(anonymous: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    reads.state = Unavailable()
    assert (await anonymous.get("/health/live")).status_code == 200


async def test_ready_means_the_database_answers_and_nothing_is_behind(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "reasons": [], "lag": 0, "parked": 0})


async def test_lag_and_parked_organizations_are_reasons_but_commands_still_work(
    anonymous: httpx.AsyncClient, reads: sample.FakeReads
) -> None:
    reads.state = ReadStatus(head=20_000, position=1, parked=2)
    answer = await anonymous.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert len(answer.json()["reasons"]) == 2
    assert (answer.json()["lag"], answer.json()["parked"]) == (19_999, 2)


async def test_without_the_database_the_process_is_not_ready(anonymous: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    reads.state = Unavailable()
    answer = await anonymous.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert "database" in answer.json()["detail"]


async def test_before_the_tables_are_made_the_process_is_not_ready(anonymous: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    reads.state = ReadStatus(head=1, position=0, parked=0, built=False)
    with capture_logs() as lines:
        answer = await anonymous.get("/health/ready")
    assert [(line["log_level"], line["event"]) for line in lines] == [("debug", "not ready")]
    assert (answer.status_code, answer.json()["params"]) == (503, {"reason": "the read models are not built yet"})


async def test_the_documentation_page_needs_no_other_host(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert not re.search(r"https?://|//[a-z]+\.|<link|src=|@import|innerHTML", answer.text)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self'; script-src 'sha256-")
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
