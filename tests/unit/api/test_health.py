"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

import httpx
import pytest
from structlog.testing import capture_logs

from api.health import LAG_RECORDS, LAG_SECONDS, OVERDUE_SECONDS, Code
from application.bus.messages import Unavailable
from application.bus.statistics import Held
from infrastructure.telemetry.standing import Standing
from projections.runner.status import ParkedSince
from tests.support.watching import MemoryTelemetry, status

ORGANIZATION = UUID(int=0xA)
PARKED = (ParkedSince(ORGANIZATION, 17, "KeyError at fold.py:1 in fold", datetime(2030, 1, 1, tzinfo=UTC)),)


async def test_a_process_that_answers_lives_whatever_is_wrong(anonymous: httpx.AsyncClient, telemetry: MemoryTelemetry) -> None:
    telemetry.standing = Unavailable()
    answer = await anonymous.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_ready_says_how_projections_and_queue_are(anonymous: httpx.AsyncClient, telemetry: MemoryTelemetry) -> None:
    telemetry.standing = Standing([status(lag_records=2, lag_seconds=0.25, position=38)], {}, 0.5)
    telemetry.holding = Held(1, 3, 4096, 0, 0, 0, 0)
    answer = await anonymous.get("/health/ready")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "status": "ready",
        "reasons": [],
        "projections": [{"name": "relational", "state": "live", "position": 38, "lag_records": 2, "lag_seconds": 0.25, "parked": 0}],
        "queue": {"open": 3, "limit": 4096},
        "deadlines_overdue_seconds": 0.5,
    }


@pytest.mark.parametrize(
    ("wrong", "code", "detail"),
    [
        ({"lag_records": LAG_RECORDS + 1}, "behind", "10001 records behind, the oldest for 0 seconds"),
        ({"lag_seconds": LAG_SECONDS + 1}, "behind", "0 records behind, the oldest for 31 seconds"),
        ({"parked": PARKED}, "parked", "organizations parked at a record that cannot be applied: 1"),
        ({"state": "paused", "owner": None}, "paused", "somebody has paused it"),
        ({"owner": None}, "no_worker", "no worker looks after it"),
        ({"version": 2}, "outdated", "its tables are of version 1, this program makes version 2"),
    ],
)
async def test_what_is_wrong_with_a_projection_is_a_reason_but_the_process_stays_in_service(
    anonymous: httpx.AsyncClient, telemetry: MemoryTelemetry, wrong: dict[str, object], code: str, detail: str
) -> None:
    telemetry.standing = Standing([status(), status("deadlines", **wrong)], {}, 0.0)
    answer = await anonymous.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["reasons"] == [{"code": code, "projection": "deadlines", "detail": detail}]
    assert str(ORGANIZATION) not in answer.text


async def test_a_full_queue_and_overdue_deadlines_are_reasons(anonymous: httpx.AsyncClient, telemetry: MemoryTelemetry) -> None:
    telemetry.standing = Standing([status()], {}, OVERDUE_SECONDS + 1)
    telemetry.holding = Held(8, 8, 8, 0, 0, 0, 0)
    answer = await anonymous.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert [(reason["code"], reason["detail"]) for reason in answer.json()["reasons"]] == [
        ("queue_full", "8 units of work are under way, more are refused"),
        ("deadlines_overdue", "a deadline fell due 61 seconds ago"),
    ]


async def test_at_its_limits_nothing_is_wrong(anonymous: httpx.AsyncClient, telemetry: MemoryTelemetry) -> None:
    telemetry.standing = Standing([status(lag_records=LAG_RECORDS, lag_seconds=LAG_SECONDS)], {}, OVERDUE_SECONDS)
    telemetry.holding = Held(7, 7, 8, 0, 0, 0, 0)
    assert (await anonymous.get("/health/ready")).json()["status"] == "ready"


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Unavailable(), "the database cannot be reached"),
        (Standing([status(tables_version=0)], {}, 0.0), "the read models are not built yet"),
    ],
)
async def test_what_no_request_works_without_takes_the_process_out_of_service(
    anonymous: httpx.AsyncClient, telemetry: MemoryTelemetry, standing: Standing | Exception, reason: str
) -> None:
    """Who probes does so again and again: it is no warning in the log."""
    telemetry.standing = standing
    with capture_logs() as lines:
        answer = await anonymous.get("/health/ready")
    assert [(line["log_level"], line["event"]) for line in lines] == [("debug", "not ready")]
    assert (answer.status_code, answer.json()["code"], answer.json()["params"]) == (503, "not_ready", {"reason": reason})


async def test_a_projection_that_queries_do_not_need_may_be_without_tables(
    anonymous: httpx.AsyncClient, telemetry: MemoryTelemetry
) -> None:
    telemetry.standing = Standing([status(), status("deadlines", tables_version=0)], {}, 0.0)
    answer = await anonymous.get("/health/ready")
    assert (answer.status_code, [reason["code"] for reason in answer.json()["reasons"]]) == (200, ["outdated"])


def test_the_manual_says_what_to_do_about_every_reason() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    table = manual[manual.index("## Health") : manual.index("## Figures")]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(get_args(Code))
