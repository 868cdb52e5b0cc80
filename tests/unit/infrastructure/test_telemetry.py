"""Traces, the log of slow commands, the figures of a worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from application.bus.messages import Outcome, Request
from application.bus.statistics import Ending, Times
from application.ports import Record
from infrastructure.faults import Fault
from infrastructure.observer import LoggingObserver, Observers
from infrastructure.telemetry.families import own_registry
from infrastructure.telemetry.loop import LoopLag
from infrastructure.telemetry.slow import all_of, slow_command_log
from infrastructure.telemetry.trace_ids import span_id_of, trace_id_of
from infrastructure.telemetry.tracing import is_configured, open_tracing
from infrastructure.telemetry.worker import WorkerFigures, served
from projections.runner.park import Parked
from tests.support.stack import free_port
from tests.unit.application.bus.tills import MEMBER, ORG, OpenTestTill, PayTestTill, TillEmpty, World, registered, send

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Iterator[None]:
    with registered():
        yield


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    for bus in world.buses:
        await bus.close()


def records(number: int = 2) -> list[Record]:
    return [Record(position, ORG, position, uuid4(), uuid4(), "till", 1, "x", 1, b"", b"", NOW, b"") for position in range(1, number + 1)]


# ------------------------------------------------------------------------------------------------------------------ ids


def test_a_trace_that_a_client_began_goes_on_under_its_id() -> None:
    assert trace_id_of(TRACE) == int(TRACE, 16)


def test_a_request_without_a_trace_is_one_under_its_own_id() -> None:
    request = uuid4()
    assert trace_id_of(str(request)) == request.int


@pytest.mark.parametrize("correlation_id", ["order-17", "", "0" * 32, str(UUID(int=0)), TRACE.upper(), TRACE + "0"])
def test_any_other_correlation_id_is_digested_to_an_id_that_is_always_the_same(correlation_id: str) -> None:
    trace = trace_id_of(correlation_id)
    assert 0 < trace < 2**128
    assert trace == trace_id_of(correlation_id)
    assert trace != trace_id_of(correlation_id + "x")


def test_every_process_derives_the_span_of_a_command_from_its_id() -> None:
    """What these are is part of nothing that is kept, but the processes of two releases may run side by side."""
    command = UUID("019760f4-8a00-7c3e-9d41-5b6f0a1c2d3e")
    assert span_id_of("command", command) == 0x6379155A26F1D5B1
    assert len({span_id_of(kind, command) for kind in ("request", "command", "decide", "append")}) == 4
    assert span_id_of("command", command) != span_id_of("command", uuid4())


# ------------------------------------------------------------------------------------------------------- the slow ones


async def test_a_slow_command_is_logged_with_where_its_time_went_and_nothing_that_was_in_it(world: World) -> None:
    bus = await world.process(watch=slow_command_log(0.0))
    with capture_logs() as lines:
        outcome = await send(bus, OpenTestTill(name="ada@example.org", coins=4711))
        with pytest.raises(TillEmpty):
            await send(bus, PayTestTill(till_id=outcome.replies[0].id, coins=4712))
    assert [(line["event"], line["operation"], line["outcome"], line.get("code"), line.get("position")) for line in lines] == [
        ("slow command", "open_test_till", "committed", None, 1),
        ("slow command", "pay_test_till", "refused", "till_empty", None),
    ]
    for line in lines:
        assert line["seconds"] == pytest.approx(line["waiting"] + line["deciding"] + line["appending"], abs=0.002)
        assert line["correlation_id"] == "t"
    assert "ada" not in str(lines)
    assert "471" not in str(lines)


@pytest.mark.parametrize(("began", "appending", "longest"), [(2.0, 0.5, "deciding"), (0.5, 2.0, "appending"), (0.25, 0.25, "waiting")])
def test_the_times_are_those_of_the_unit(began: float, appending: float, longest: str) -> None:
    times = Times()
    times.entered -= 4.0
    times.began, times.decided = 10.0, 10.0 + began
    times.appending, times.appended = 20.0, 20.0 + appending
    with capture_logs() as lines:
        slow_command_log(1.0)(_request(OpenTestTill(), OpenTestTill()), times, Outcome(replies=[], position=7))
    (line,) = lines
    assert (line["operation"], line["position"], line["seconds"]) == ("unit of 2 commands", 7, pytest.approx(4.0, abs=0.5))
    assert max(("deciding", "appending", "waiting"), key=lambda name: line[name]) == longest


def test_a_quick_command_is_not_logged() -> None:
    with capture_logs() as lines:
        slow_command_log(1.0)(_request(OpenTestTill()), Times(), Outcome(replies=[], position=7))
    assert lines == []


def test_all_watches_are_told() -> None:
    told: list[tuple[str, Ending]] = []
    request, times, end = _request(OpenTestTill()), Times(), Outcome(replies=[], position=7)
    all_of(lambda *_: told.append(("first", _[2])), lambda *_: told.append(("second", _[2])))(request, times, end)
    assert told == [("first", end), ("second", end)]


def _request(*commands: Any) -> Request:
    return Request(commands=commands, principal=MEMBER, command_id=uuid4(), correlation_id="t")


# ------------------------------------------------------------------------------------------------------- the projections


def test_every_observer_is_told_of_everything_and_parking_is_an_alarm_without_contents() -> None:
    first, second = WorkerFigures(), WorkerFigures()
    observers = Observers(first, LoggingObserver(), second)
    with capture_logs() as lines:
        observers.advanced("relational", records(2), 0.25)
        observers.parked("relational", Parked(ORG, 2, "KeyError at fold.py:1 in fold"))
        observers.interrupted("relational", ConnectionError("lost"))
        observers.rebuilt("relational", 2)
    assert [(line["log_level"], line["event"], line["projection"]) for line in lines] == [
        ("debug", "projected", "relational"),
        ("error", "organization parked", "relational"),
        ("warning", "projection interrupted", "relational"),
        ("info", "projection rebuilt", "relational"),
    ]
    for figures in (first, second):
        assert (figures.records, figures.parkings, figures.failures, figures.rebuilds) == (
            {"relational": 2},
            {"relational": 1},
            {"relational": 1},
            {"relational": 1},
        )
        assert figures.batches["relational"].total == 0.25


def test_the_figures_of_a_worker_are_those_of_its_projections() -> None:
    figures = WorkerFigures()
    figures.advanced("relational", records(3), 0.25)
    figures.parked("relational", Parked(ORG, 2, "KeyError"))
    text = generate_latest(own_registry(figures, LoopLag())).decode()
    assert 'stagebook_worker_records_total{projection="relational"} 3.0' in text
    assert 'stagebook_worker_batch_seconds_bucket{le="0.25",projection="relational"} 1.0' in text
    assert 'stagebook_worker_parkings_total{projection="relational"} 1.0' in text
    assert "stagebook_event_loop_late_seconds_count" in text
    assert str(ORG) not in text


def test_a_port_that_somebody_else_listens_on_is_told_in_one_line_and_is_free_again_afterwards() -> None:
    port = free_port()
    with served(WorkerFigures(), LoopLag(), host="127.0.0.1", port=port):
        in_use = f"STAGEBOOK_WORKER_METRICS_PORT: port {port} on 127.0.0.1 is in use"
        with pytest.raises(Fault, match=in_use), served(WorkerFigures(), LoopLag(), host="127.0.0.1", port=port):
            pytest.fail("two servers listen on one port")
    with served(WorkerFigures(), LoopLag(), host="127.0.0.1", port=port):
        pass


def test_without_a_port_nothing_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.telemetry.worker.start_http_server", lambda *_: pytest.fail("a server was started"))
    with served(WorkerFigures(), LoopLag(), host="127.0.0.1", port=0):
        pass


# ------------------------------------------------------------------------------------------------- whether there are traces

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "configured"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "True"}, False),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_traces_are_made_where_an_endpoint_is_named(environment: dict[str, str], configured: bool) -> None:
    assert is_configured(environment) is configured


async def test_by_default_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    async with open_tracing("stagebook-api") as tracing:
        assert tracing is None


def test_a_process_that_traces_nothing_does_not_load_the_libraries() -> None:
    program = "import sys, infrastructure.bootstrap; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60)
    assert found.stdout == "[]\n"
