"""The figures of a worker: what its projections do. A thread with a small server of its own hands them out."""

from __future__ import annotations

import errno
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import start_http_server
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from application.bus.statistics import Distribution
from application.ports import Record
from infrastructure.faults import Fault
from infrastructure.telemetry.families import counters, histograms, labelled, own_registry
from infrastructure.telemetry.loop import LoopLag
from projections.runner.park import Parked


class MetricsPortUnusable(Fault):
    """The worker cannot serve its figures where it should."""


class WorkerFigures(Collector):
    """`projections.runner.run.Observer` that counts."""

    def __init__(self) -> None:
        self.batches: dict[str, Distribution] = defaultdict(Distribution)
        self.records: dict[str, int] = defaultdict(int)
        self.parkings: dict[str, int] = defaultdict(int)
        self.failures: dict[str, int] = defaultdict(int)
        self.rebuilds: dict[str, int] = defaultdict(int)

    def advanced(self, projection: str, records: Sequence[Record], seconds: float) -> None:
        """A batch was committed."""
        self.batches[projection].add(seconds)
        self.records[projection] += len(records)

    def parked(self, projection: str, parked: Parked) -> None:  # noqa: ARG002  # the port's signature
        """An organization was set aside."""
        self.parkings[projection] += 1

    def interrupted(self, projection: str, error: Exception) -> None:  # noqa: ARG002
        """Something else than a record failed."""
        self.failures[projection] += 1

    def rebuilt(self, projection: str, position: int) -> None:  # noqa: ARG002
        """The tables were made anew."""
        self.rebuilds[projection] += 1

    def collect(self) -> Iterator[Metric]:
        """For the registry; in its thread."""
        labels = ("projection",)
        yield histograms(
            "worker_batch_seconds", "Batches of records, from reading them to their rows' commit", labels, labelled(self.batches.copy())
        )
        yield counters("worker_records", "Records dealt with", labels, labelled(self.records.copy()))
        yield counters(
            "worker_parkings", "Organizations set aside at a record that cannot be applied", labels, labelled(self.parkings.copy())
        )
        yield counters(
            "worker_failures", "Interruptions by something else than a record, tried again", labels, labelled(self.failures.copy())
        )
        yield counters("worker_rebuilds", "Tables made anew", labels, labelled(self.rebuilds.copy()))


@contextmanager
def served(figures: WorkerFigures, loop_lag: LoopLag, *, host: str, port: int) -> Iterator[None]:
    """Hand them out at `http://<host>:<port>/metrics` as long as the block runs; with port 0 nowhere. Raises `MetricsPortUnusable`."""
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, host, own_registry(figures, loop_lag))
    except OSError as error:
        reason = "in use" if error.errno == errno.EADDRINUSE else f"not usable: {error.strerror}"
        message = f"STAGEBOOK_WORKER_METRICS_PORT: port {port} on {host} is {reason}"
        raise MetricsPortUnusable(message) from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
