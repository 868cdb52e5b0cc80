"""`/metrics`: what a process has counted, and how the projections beside it are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.auth import Credentials
from api.metrics import CONTENT_TYPE
from api.services import ApiSettings
from api.telemetry import Telemetry
from application.bus.messages import Busy, Unavailable
from infrastructure.telemetry.api import ApiTelemetry
from infrastructure.telemetry.standing import Standing, Standings
from projections.runner.status import ParkedSince
from tests.support.operations import MemoryOperations
from tests.support.watching import MemoryTelemetry, status
from tests.unit.api import sample
from tests.unit.application.bus.tills import OpenTestTill, PayTestTill, PeekTestTill, TillEmpty, World, a_till, registered, send

ORGANIZATION = UUID(int=0xA)
MANUAL = Path(__file__).parents[3] / "docs" / "operations.md"


class Figures:
    """An exposition, to be asked: `figures("commands_total", command="pay_test_till")`."""

    def __init__(self, text: str) -> None:
        self._samples = {
            (one.name, frozenset(one.labels.items())): one.value
            for family in text_string_to_metric_families(text)
            for one in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float | None:
        return self._samples.get((f"stagebook_{name}", frozenset(labels.items())))


class KnownStandings(Standings):
    """What the database would say."""

    def __init__(self, known: Standing | Exception) -> None:
        self.known = known

    async def now(self) -> Standing:
        if isinstance(self.known, Exception):
            raise self.known
        return self.known


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Iterator[None]:
    with registered():
        yield


@pytest.fixture
def standings() -> KnownStandings:
    return KnownStandings(Standing([status(), status("deadlines")], {}, 0.0))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    for bus in world.buses:
        await bus.close()


async def figures_of(telemetry: ApiTelemetry) -> Figures:
    return Figures((await telemetry.exposition()).decode())


@asynccontextmanager
async def client_of(telemetry: Telemetry, *, token: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """Of an application that `telemetry` watches; with an owner's key."""
    bus = sample.FakeBus()
    bus.issue_key()
    app = create_app(
        bus,
        sample.FakeReads(),
        Credentials(bus, platform_key_sha256=sample.PLATFORM_KEY_SHA256),
        codec=sample.codec(),
        operations=MemoryOperations(),
        telemetry=telemetry,
        authorize=sample.authorize,
        settings=ApiSettings(metrics_token=token),
        commands=sample.SAMPLE,
        tables=sample.TABLES,
    )
    headers = {"authorization": f"Bearer {sample.KEY}"}
    async with httpx.AsyncClient(transport=sample.transport(app), base_url="http://stagebook.test", headers=headers) as client:
        yield client


async def test_commands_are_counted_by_how_they_ended(world: World, standings: KnownStandings) -> None:
    bus = await world.process()
    till = await a_till(bus, coins=1)
    await send(bus, PayTestTill(till_id=till), key="once")
    await send(bus, PayTestTill(till_id=till), key="once")
    with pytest.raises(TillEmpty):
        await send(bus, PayTestTill(till_id=till))
    figures = await figures_of(ApiTelemetry(bus, standings))
    assert figures("commands_total", command="open_test_till", outcome="committed", code="") == 1
    assert figures("commands_total", command="pay_test_till", outcome="committed", code="") == 1
    assert figures("commands_total", command="pay_test_till", outcome="replayed", code="") == 1
    assert figures("commands_total", command="pay_test_till", outcome="refused", code="till_empty") == 1


async def test_each_command_of_a_unit_counts_and_so_does_what_found_the_queue_full(world: World, standings: KnownStandings) -> None:
    bus = await world.process(queue_limit=1)
    await send(bus, OpenTestTill(), OpenTestTill())
    await bus.close()
    with pytest.raises(Busy):
        await send(bus, OpenTestTill())
    figures = await figures_of(ApiTelemetry(bus, standings))
    assert figures("commands_total", command="open_test_till", outcome="committed", code="") == 2
    assert figures("commands_total", command="open_test_till", outcome="busy", code="") == 1
    assert figures("bus_open_units_limit") == 1


async def test_batches_are_measured_in_units_and_appends_in_seconds(world: World, standings: KnownStandings) -> None:
    bus = await world.process()
    for _ in range(3):
        await send(bus, OpenTestTill(), OpenTestTill())
    figures = await figures_of(ApiTelemetry(bus, standings))
    assert figures("bus_batch_units_bucket", le="1.0") == 3
    assert figures("bus_batch_units_bucket", le="+Inf") == figures("bus_batch_units_count") == 3
    assert figures("bus_batch_units_sum") == 3
    assert figures("bus_append_seconds_count") == 3
    assert (figures("bus_append_seconds_sum") or 0) > 0


async def test_units_that_another_process_made_decide_again_are_counted(world: World, standings: KnownStandings) -> None:
    buses = [await world.process(), await world.process()]
    till = await a_till(buses[0], coins=100)
    for bus in buses:
        await send(bus, PeekTestTill(till_id=till))
    await asyncio.gather(*(send(bus, PayTestTill(till_id=till)) for bus in buses for _ in range(20)))
    figures = [await figures_of(ApiTelemetry(bus, standings)) for bus in buses]
    assert [one("bus_conflicts_total") for one in figures] == [bus.statistics.conflicts for bus in buses]
    assert [one("bus_locked_rounds_total") for one in figures] == [bus.statistics.locked_rounds for bus in buses]
    assert sum(one("bus_conflicts_total") or 0 for one in figures) > 0


async def test_what_the_process_has_in_its_hands_is_told(world: World, standings: KnownStandings) -> None:
    here, there = await world.process(), await world.process(queue_limit=7)
    till = await a_till(here)
    for _ in range(3):
        await send(there, PeekTestTill(till_id=till))
    figures = await figures_of(ApiTelemetry(there, standings))
    assert (figures("cache_aggregates"), figures("cache_misses_total")) == (1, 1)
    assert (figures("cache_hits_total") or 0) >= 2
    assert (figures("bus_waiting_units"), figures("bus_open_units"), figures("bus_open_units_limit")) == (0, 0, 7)


async def test_requests_are_measured_by_operation_and_class_of_status(world: World, standings: KnownStandings) -> None:
    telemetry = ApiTelemetry(await world.process(), standings)
    async with client_of(telemetry) as client:
        await client.post(f"/v1/orders/{sample.EVENT}/confirm")
        await client.post(f"/v1/orders/{uuid4()}/confirm")
        await client.get("/v1/venues")
        answer = await client.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
    figures = Figures(answer.text)
    for operation, status_class in (("confirm", "2xx"), ("confirm", "4xx"), ("list_venues", "2xx")):
        assert figures("http_request_seconds_count", operation=operation, status_class=status_class) == 1
        assert (figures("http_request_seconds_sum", operation=operation, status_class=status_class) or 0) > 0
    assert str(sample.EVENT) not in answer.text


async def test_projections_are_told_as_the_database_has_them(world: World, standings: KnownStandings) -> None:
    parked = (ParkedSince(ORGANIZATION, 17, "KeyError", datetime(2030, 1, 1, tzinfo=UTC)),)
    behind = status(head=40, position=28, lag_records=12, lag_seconds=2.5, parked=parked, owner=None, tables_version=3, version=4)
    standings.known = Standing([behind, status("deadlines", state="paused")], {"relational": 99}, 7.5)
    telemetry = ApiTelemetry(await world.process(), standings)
    figures = await figures_of(telemetry)
    assert {
        name: figures(f"projection_{name}", projection="relational")
        for name in ("position", "lag_records", "lag_seconds", "parked_organizations", "has_worker", "live", "tables_version", "version")
    } == {
        "position": 28,
        "lag_records": 12,
        "lag_seconds": 2.5,
        "parked_organizations": 1,
        "has_worker": 0,
        "live": 1,
        "tables_version": 3,
        "version": 4,
    }
    assert figures("projection_live", projection="deadlines") == 0
    assert figures("projection_rows_written_total", projection="relational") == 99
    assert (figures("database_up"), figures("log_position"), figures("deadlines_overdue_seconds")) == (1, 40, 7.5)
    assert str(ORGANIZATION) not in (await telemetry.exposition()).decode()


async def test_without_the_database_the_process_still_tells_its_own_figures(world: World, standings: KnownStandings) -> None:
    bus = await world.process()
    await a_till(bus)
    telemetry = ApiTelemetry(bus, standings)
    assert (await figures_of(telemetry))("projection_position", projection="relational") == 40
    standings.known = Unavailable()
    figures = await figures_of(telemetry)
    assert figures("database_up") == 0
    assert figures("projection_position", projection="relational") is None
    assert figures("commands_total", command="open_test_till", outcome="committed", code="") == 1
    assert b"process_resident_memory_bytes" in await telemetry.exposition()


@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer wrong", "Bearer s3crets", "Basic s3cret", "s3cret", f"Bearer {sample.KEY}"]
)
async def test_where_there_is_a_token_nothing_is_told_without_it(authorization: str | None) -> None:
    async with client_of(MemoryTelemetry(), token="s3cret") as client:  # noqa: S106
        del client.headers["authorization"]
        answer = await client.get("/metrics", headers={"authorization": authorization} if authorization else {})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert "stagebook_" not in answer.text
        answer = await client.get("/metrics", headers={"authorization": "Bearer s3cret"})
    assert (answer.status_code, answer.text) == (200, "stagebook_up 1\n")


async def test_where_there_is_none_nobody_needs_a_key(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/metrics")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_the_manual_knows_every_figure_and_its_alerts_ask_for_none_that_is_not_there(world: World, standings: KnownStandings) -> None:
    manual = MANUAL.read_text()
    exposition = (await ApiTelemetry(await world.process(), standings).exposition()).decode()
    names = {family.name for family in text_string_to_metric_families(exposition) if family.name.startswith("stagebook_")}
    assert {name for name in names if not re.search(rf"`{name.removeprefix('stagebook_')}(_total)?[`{{]", manual)} == set()
    alerts = re.findall(r"expr: .*?(stagebook_\w+)", manual)
    assert len(alerts) >= 8
    assert {re.sub("_(total|bucket)$", "", name) for name in alerts} <= names
