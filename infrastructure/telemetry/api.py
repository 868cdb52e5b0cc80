"""The figures of an API process: requests, commands, the bus, and the projections beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from application.bus.bus import Bus
from application.bus.messages import Unavailable
from application.bus.statistics import Distribution, Held
from application.registry import COMMANDS
from infrastructure.telemetry.families import counter, counters, gauge, gauges, histogram, histograms, labelled, own_registry
from infrastructure.telemetry.loop import LoopLag
from infrastructure.telemetry.standing import Standing, Standings
from projections.runner.status import Status

if TYPE_CHECKING:
    from infrastructure.telemetry.traces import RequestTraces


class ApiTelemetry:
    """`api.telemetry.Telemetry`: plain numbers are kept, families of metrics are made when somebody scrapes."""

    def __init__(self, bus: Bus, standings: Standings, *, traces: RequestTraces | None = None) -> None:
        """`traces` None: nothing is traced."""
        self.traces = traces
        self.loop_lag = LoopLag()
        self._standings = standings
        self._bus = bus
        self._requests: dict[tuple[str, int], Distribution] = {}
        self._projections = _ProjectionFigures()
        self._registry = own_registry(_BusFigures(bus), _RequestFigures(self._requests), self._projections, self.loop_lag)

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """One more request has its answer."""
        key = (operation, status // 100)
        taken = self._requests.get(key)
        if taken is None:
            taken = self._requests[key] = Distribution()
        taken.add(seconds)

    def held(self) -> Held:
        """What the command bus has in its hands."""
        return self._bus.held

    async def condition(self) -> Standing:
        """As of a second ago at most. Raises `Unavailable`."""
        return await self._standings.now()

    async def exposition(self) -> bytes:
        """All figures, in Prometheus' text format; without the database those of the process."""
        try:
            self._projections.standing = await self._standings.now()
        except Unavailable:
            self._projections.standing = None
        return generate_latest(self._registry)


class _RequestFigures(Collector):
    def __init__(self, requests: dict[tuple[str, int], Distribution]) -> None:
        self._requests = requests

    def collect(self) -> Iterator[Metric]:
        taken = [((operation, f"{kind}xx"), distribution) for (operation, kind), distribution in self._requests.items()]
        labels = ("operation", "status_class")
        yield histograms("http_request_seconds", "Requests, from their arrival until their answer could be sent", labels, taken)


class _BusFigures(Collector):
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def collect(self) -> Iterator[Metric]:
        bus, held = self._bus.statistics, self._bus.held
        names = {spec.type: spec.name for spec in COMMANDS.values()}
        ended = [((names[command], how, code), float(number)) for (command, how, code), number in bus.ended.items()]
        yield counters("commands", "Commands, by how they ended; the code says why one was refused", ("command", "outcome", "code"), ended)
        yield histogram("bus_batch_units", "Units of work that were appended at once", bus.batch_sizes)
        yield histogram("bus_append_seconds", "Calls that append a batch to the log", bus.append_times)
        yield counter("bus_conflicts", "Units of work decided again because another process was there first", bus.conflicts)
        yield counter("bus_locked_rounds", "Rounds that were decided under locks", bus.locked_rounds)
        yield gauge("bus_waiting_units", "Units of work in the queue", held.waiting)
        yield gauge("bus_open_units", "Units of work without an answer", held.open)
        yield gauge("bus_open_units_limit", "So many open units of work, and further ones are answered 503", held.limit)
        yield gauge("cache_aggregates", "Aggregates in memory", held.aggregates)
        yield gauge("cache_person_keys", "Persons whose current key is in memory", held.person_keys)
        yield counter("cache_hits", "Aggregates that were in memory when a unit of work asked for them", held.hits)
        yield counter("cache_misses", "Aggregates that had to be loaded from the log", held.misses)


class _ProjectionFigures(Collector):
    """Of all workers: it is the database that has them."""

    def __init__(self) -> None:
        self.standing: Standing | None = None

    def collect(self) -> Iterator[Metric]:
        standing = self.standing
        yield gauge("database_up", "Whether the database answered; while it is 0, there is nothing about projections", standing is not None)
        if standing is None:
            return
        yield gauge("log_position", "Last position of the log", max((status.head for status in standing.projections), default=0))
        yield gauge(
            "deadlines_overdue_seconds", "How long ago the oldest deadline fell due that nobody has dealt with", standing.overdue_seconds
        )
        yield from _of_projections(standing)


def _of_projections(standing: Standing) -> Iterator[Metric]:
    def each(name: str, meaning: str, values: Mapping[str, float]) -> Metric:
        return gauges(f"projection_{name}", meaning, ("projection",), labelled(values))

    by_name: dict[str, Status] = {status.projection: status for status in standing.projections}
    yield each("position", "Up to here it has dealt with the log", {name: one.position for name, one in by_name.items()})
    yield each("lag_records", "Records that wait for it", {name: one.lag_records for name, one in by_name.items()})
    yield each("lag_seconds", "Age of the oldest record that waits for it", {name: one.lag_seconds for name, one in by_name.items()})
    yield each(
        "parked_organizations", "Set aside at a record that cannot be applied", {name: len(one.parked) for name, one in by_name.items()}
    )
    yield each(
        "tables_version", "Version of its tables; 0 before there are any", {name: one.tables_version for name, one in by_name.items()}
    )
    yield each("version", "Version that this program makes", {name: one.version for name, one in by_name.items()})
    yield each("live", "0 when somebody has paused it", {name: one.state == "live" for name, one in by_name.items()})
    yield each("has_worker", "Whether a worker looks after it", {name: one.owner is not None for name, one in by_name.items()})
    yield counters(
        "projection_rows_written",
        "Rows inserted, changed and deleted since its tables were made",
        ("projection",),
        labelled(standing.rows_written),
    )
