"""Spans as they are exported: what belongs together, how many there are, what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, StatusCode

from application.bus.messages import Outcome, Request
from application.bus.statistics import Times
from application.ports import Record, RecordMeta
from infrastructure.telemetry.trace_ids import span_id_of, trace_id_of
from infrastructure.telemetry.traces import ProjectionTraces, RequestTraces, Tracing
from tests.unit.application.bus.tills import MEMBER, ORG, OpenTestTill, registered

CALLER = "00f067aa0ba902b7"


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Iterator[None]:
    with registered():
        yield


class Collected(SpanExporter):
    """What a collector would be sent."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Collected:
    exporter = Collected()
    monkeypatch.setattr("infrastructure.telemetry.traces.OTLPSpanExporter", lambda: exporter)
    return exporter


@contextmanager
def tracing() -> Iterator[Tracing]:
    made = Tracing.open("stagebook-test")
    yield made
    made.close()


def own(span: ReadableSpan) -> SpanContext:
    context: SpanContext | None = span.context
    assert context is not None
    return context


def request(correlation_id: str) -> Request:
    return Request(commands=[OpenTestTill()], principal=MEMBER, command_id=uuid4(), correlation_id=correlation_id)


def record(position: int, command_id: UUID, correlation_id: str) -> Record:
    meta = RecordMeta(actor="system:test", command="open_test_till", command_id=command_id, correlation_id=correlation_id)
    now = datetime(2030, 1, 1, tzinfo=UTC)
    return Record(position, ORG, position, uuid4(), uuid4(), "testtill", 1, "x", 1, b"", msgspec.json.encode(meta), now, b"")


def handle(traces: RequestTraces, sent: Request, *, trace_parent: str | None = None, end: Outcome | Exception | None = None) -> UUID:
    """As the API does: the request's id."""
    request_id = uuid4()
    traces.begin(request_id, sent.correlation_id, trace_parent)
    traces.command(sent, Times(), end or Outcome(replies=[], position=7))
    traces.end(operation="open_test_till", method="POST", route="/v1/tills", status=500 if isinstance(end, Exception) else 201)
    return request_id


def test_a_client_with_a_correlation_id_of_its_own_gets_a_trace_that_is_linked_to_its_own(exported: Collected) -> None:
    caller = f"00-{'ab' * 16}-{CALLER}-01"
    sent = request("order-17")
    with tracing() as made:
        request_id = handle(RequestTraces(made), sent, trace_parent=caller)
    spans = {span.name: span for span in exported.spans}
    served = spans["POST /v1/tills"]
    assert (own(served).trace_id, own(served).span_id) == (trace_id_of("order-17"), span_id_of("request", request_id))
    assert served.parent is None
    assert [f"{link.context.span_id:016x}" for link in served.links] == [CALLER]
    assert spans["open_test_till"].parent == own(served)


def test_a_fault_is_an_error_and_its_message_is_left_out(exported: Collected) -> None:
    with tracing() as made:
        handle(RequestTraces(made), request("x"), end=RuntimeError("ada@example.org"))
    spans = exported.spans
    assert [(span.name, span.status.status_code) for span in spans] == [
        ("open_test_till", StatusCode.ERROR),
        ("POST /v1/tills", StatusCode.ERROR),
    ]
    assert dict(spans[0].attributes or {})["error.type"] == "RuntimeError"
    assert "ada" not in "".join(span.to_json() for span in spans)


def test_a_batch_of_a_projection_is_a_span_for_each_command_at_its_last_record(exported: Collected) -> None:
    command_id = uuid4()
    with tracing() as made:
        ProjectionTraces(made).advanced("relational", [record(position, command_id, "x") for position in (4, 5, 6)], 0.25)
    (span,) = exported.spans
    assert span.parent is not None
    assert (own(span).trace_id, span.parent.span_id) == (trace_id_of("x"), span_id_of("command", command_id))
    assert dict(span.attributes or {})["stagebook.position"] == 6
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time == 250_000_000


def test_a_worker_that_catches_up_spends_its_time_on_rows_rather_than_on_spans(exported: Collected) -> None:
    with tracing() as made:
        ProjectionTraces(made).advanced("relational", [record(position, uuid4(), "x") for position in range(1, 151)], 0.25)
    assert len(exported.spans) == 100


def test_api_and_worker_leave_out_the_same_traces(exported: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    commands = [request(f"order-{number}") for number in range(40)]
    with tracing() as api:
        traces = RequestTraces(api)
        for one in commands:
            handle(traces, one)
    in_api = {own(span).trace_id for span in exported.spans}
    exported.spans.clear()
    with tracing() as worker:
        records = [record(position, one.command_id, one.correlation_id) for position, one in enumerate(commands, 1)]
        ProjectionTraces(worker).advanced("relational", records, 0.25)
    assert {own(span).trace_id for span in exported.spans} == in_api
    assert 5 < len(in_api) < 35
