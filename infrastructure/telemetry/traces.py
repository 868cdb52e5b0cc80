"""Traces for OpenTelemetry: request -> command -> append -> the batch that made its rows visible.

Spans are made with ids that others can derive (`trace_ids`), so the worker, which knows nothing but the records, hangs its spans
below the command's. Attributes follow the semantic conventions where there is one; no path, no body, nothing personal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Final, Self
from uuid import UUID

import msgspec
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags, set_span_in_context

from application.bus.messages import Outcome, Request
from application.bus.statistics import Ending, Times, ending
from application.ports import Record, RecordMeta
from infrastructure.telemetry.slow import operation
from infrastructure.telemetry.trace_ids import span_id_of, trace_id_of
from projections.runner.park import Parked

_SERVER_ERROR: Final = 500
_FAULTS: Final = frozenset({"fault", "unavailable", "busy"})
_MOST_IN_A_BATCH: Final = 100
"""Commands of one batch of a projection that get a span: a worker that catches up must not spend its time on spans."""

_meta = msgspec.json.Decoder(RecordMeta)


class _Ids(IdGenerator):
    """The ids that the next span shall have, random ones where nobody cares."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.trace: int | None = None
        self.span: int | None = None

    def generate_trace_id(self) -> int:
        given, self.trace = self.trace, None
        return given or self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        given, self.span = self.span, None
        return given or self._random.generate_span_id()


class Tracing:
    """Makes spans and exports them from a thread of its own."""

    def __init__(self, provider: TracerProvider, ids: _Ids) -> None:
        self._provider = provider
        self._ids = ids
        self._tracer = provider.get_tracer("stagebook")

    @classmethod
    def open(cls, service: str) -> Self:
        """As OpenTelemetry's variables say: endpoint, headers, sampler, resource."""
        ids = _Ids()
        resource = Resource.create({"service.name": service, "service.namespace": "stagebook"}).merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(provider, ids)

    def close(self) -> None:
        """Export what is left; may take as long as the exporter's time-out."""
        self._provider.shutdown()

    def start(
        self, name: str, kind: SpanKind, *, trace: int, span: int, parent: SpanContext | None, started: int, links: Sequence[Link] = ()
    ) -> Span:
        """A span with these ids; the sampler may make it one that records nothing. `started` is in nanoseconds since 1970."""
        context = set_span_in_context(NonRecordingSpan(parent), Context()) if parent is not None else Context()
        self._ids.trace, self._ids.span = trace, span
        return self._tracer.start_span(name, context, kind, links=links, start_time=started)

    def remote(self, trace: int, span: int, name: str) -> SpanContext:
        """A span of another process, which has been sampled if the sampler takes the root of its trace."""
        is_sampled = self._provider.sampler.should_sample(None, trace, name).decision is Decision.RECORD_AND_SAMPLE
        return SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT))


class RequestTraces:
    """`api.telemetry.Traces`, and with `command` the watch of the command bus."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self._current: ContextVar[Span | None] = ContextVar("request", default=None)

    def begin(self, request_id: UUID, correlation_id: str, trace_parent: str | None) -> None:
        """What follows in this context belongs to this request."""
        trace = trace_id_of(correlation_id)
        caller = _context_of(trace_parent) if trace_parent is not None else None
        # A client that also sends a correlation id of its own: what goes into the log is that one, so that is the trace.
        is_one_trace = caller is not None and caller.trace_id == trace
        span = self._tracing.start(
            "HTTP",
            SpanKind.SERVER,
            trace=trace,
            span=span_id_of("request", request_id),
            parent=caller if is_one_trace else None,
            started=time.time_ns(),
            links=[Link(caller)] if caller is not None and not is_one_trace else [],
        )
        self._current.set(span)

    def end(self, *, operation: str, method: str, route: str, status: int) -> None:
        """The request has its answer."""
        span = self._current.get()
        if span is None or not span.is_recording():
            return
        span.update_name(f"{method} {route}")
        span.set_attribute("http.request.method", method)
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        span.set_attribute("stagebook.operation", operation)
        if status >= _SERVER_ERROR:
            span.set_attribute("error.type", str(status))
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    def command(self, request: Request, times: Times, end: Ending) -> None:
        """A unit of work has its answer: its span, with those of its decision and its append."""
        trace = trace_id_of(request.correlation_id)
        own = self._current.get()
        parent = own.get_span_context() if own is not None and own.get_span_context().trace_id == trace else None
        name, since = operation(request), _wall_clock()
        span = self._tracing.start(
            name,
            SpanKind.INTERNAL,
            trace=trace,
            span=span_id_of("command", request.command_id),
            parent=parent,
            started=since(times.entered),
        )
        if not span.is_recording():
            return
        outcome, code = ending(end)
        span.set_attribute("stagebook.command", name)
        span.set_attribute("stagebook.outcome", outcome)
        if code:
            span.set_attribute("stagebook.refusal", code)
        if isinstance(end, Outcome):
            span.set_attribute("stagebook.position", end.position)
        if outcome in _FAULTS:
            span.set_attribute("error.type", type(end).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
        if times.decided:
            self._part("decide", span, request.command_id, started=since(times.began), ended=since(times.decided))
        if times.appended:
            self._part("append", span, request.command_id, started=since(times.appending), ended=since(times.appended))
        span.end()

    def _part(self, name: str, command: Span, command_id: UUID, *, started: int, ended: int) -> None:
        kind = SpanKind.CLIENT if name == "append" else SpanKind.INTERNAL
        own = command.get_span_context()
        part = self._tracing.start(name, kind, trace=own.trace_id, span=span_id_of(name, command_id), parent=own, started=started)
        if kind is SpanKind.CLIENT:
            part.set_attribute("db.system.name", "postgresql")
            part.set_attribute("db.operation.name", name)
        part.end(ended)


class ProjectionTraces:
    """`projections.runner.run.Observer` that hangs a span below each command whose rows a batch made visible."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    def advanced(self, projection: str, records: Sequence[Record], seconds: float) -> None:
        """A batch was committed."""
        ended = time.time_ns()
        started = ended - int(seconds * 1e9)
        last = {record.meta: record.position for record in records}
        for meta, position in list(last.items())[:_MOST_IN_A_BATCH]:
            self._span(projection, _meta.decode(meta), position, started=started, ended=ended)

    def _span(self, projection: str, meta: RecordMeta, position: int, *, started: int, ended: int) -> None:
        name = f"project {projection}"
        trace = trace_id_of(meta.correlation_id)
        command = self._tracing.remote(trace, span_id_of("command", meta.command_id), name)
        own = span_id_of(f"{name} {position}", meta.command_id)
        span = self._tracing.start(name, SpanKind.CONSUMER, trace=trace, span=own, parent=command, started=started)
        span.set_attribute("stagebook.projection", projection)
        span.set_attribute("stagebook.command", meta.command)
        span.set_attribute("stagebook.position", position)
        span.end(ended)

    def parked(self, projection: str, parked: Parked) -> None:
        """No part of a trace."""

    def interrupted(self, projection: str, error: Exception) -> None:
        """No part of a trace."""

    def rebuilt(self, projection: str, position: int) -> None:
        """No part of a trace."""


def _wall_clock() -> Callable[[float], int]:
    """From `time.perf_counter` to nanoseconds since 1970."""
    offset = time.time_ns() - int(time.perf_counter() * 1e9)
    return lambda seconds: offset + int(seconds * 1e9)


def _context_of(trace_parent: str) -> SpanContext:
    _, trace, span, flags = trace_parent.split("-")
    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16) & TraceFlags.SAMPLED))
