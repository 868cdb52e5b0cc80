"""Whether there are traces. Only then the libraries are loaded."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from infrastructure.telemetry.traces import RequestTraces, Tracing
    from projections.runner.run import Observer

_FLUSH_SECONDS: Final = 3.0
"""For what was not sent yet, when the process ends."""


def is_configured(environment: Mapping[str, str] = os.environ) -> bool:
    """By OpenTelemetry's own variables: there is an endpoint, and nothing is switched off."""
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    is_off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp"
    return not is_off and any(environment.get(name) for name in endpoints)


@asynccontextmanager
async def open_tracing(service: str) -> AsyncIterator[Tracing | None]:
    """Spans are exported as long as the block runs; None when nobody asked for it.

    `service` is the name of the process, unless `OTEL_SERVICE_NAME` gives it another.
    """
    if not is_configured():
        yield None
        return
    from infrastructure.telemetry.traces import Tracing

    tracing = Tracing.open(service)
    try:
        yield tracing
    finally:
        # A collector that is away must not keep the process from ending.
        closing = threading.Thread(target=tracing.close, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, _FLUSH_SECONDS)


def request_traces(tracing: Tracing | None) -> RequestTraces | None:
    """For the API; None where nothing is traced."""
    if tracing is None:
        return None
    from infrastructure.telemetry.traces import RequestTraces

    return RequestTraces(tracing)


def projection_traces(tracing: Tracing | None) -> Sequence[Observer]:
    """For the worker; none where nothing is traced."""
    if tracing is None:
        return ()
    from infrastructure.telemetry.traces import ProjectionTraces

    return (ProjectionTraces(tracing),)
