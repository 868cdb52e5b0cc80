from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from api.app import create_app
from api.auth import Credentials
from api.operations import batch, export
from api.operations.kinds import problem_details
from application.ids import fresh_uuid7
from application.operations.runner import Runner
from tests.support.operations import MemoryOperations
from tests.support.watching import MemoryTelemetry
from tests.unit.api import sample


@pytest.fixture
def bus() -> sample.FakeBus:
    """A bus that knows one API key, of an owner."""
    bus = sample.FakeBus()
    bus.issue_key()
    return bus


@pytest.fixture
def reads() -> sample.FakeReads:
    return sample.FakeReads()


@pytest.fixture
def operations() -> MemoryOperations:
    return MemoryOperations()


@pytest.fixture
def telemetry() -> MemoryTelemetry:
    return MemoryTelemetry()


@pytest.fixture
def app(bus: sample.FakeBus, reads: sample.FakeReads, operations: MemoryOperations, telemetry: MemoryTelemetry) -> Litestar:
    return create_app(
        bus,
        reads,
        Credentials(bus, platform_key_sha256=sample.PLATFORM_KEY_SHA256),
        codec=sample.codec(),
        operations=operations,
        telemetry=telemetry,
        authorize=sample.authorize,
        commands=sample.SAMPLE,
        tables=sample.TABLES,
    )


@pytest.fixture
async def anonymous(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=sample.transport(app), base_url="http://stagebook.test") as client:
        yield client


@pytest.fixture
async def client(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with an owner's key."""
    anonymous.headers["authorization"] = f"Bearer {sample.KEY}"
    return anonymous


@pytest.fixture
async def runner(operations: MemoryOperations, bus: sample.FakeBus, reads: sample.FakeReads) -> AsyncIterator[Runner]:
    """Carries out what is asked for in the background."""
    kinds = {
        batch.KIND: batch.batch_run(sample.SAMPLE, bus, fresh_uuid7),
        export.KIND: export.export_run(sample.TABLES, bus, reads, sample.authorize),
    }
    runner = Runner(operations, kinds, describe=problem_details)
    runner.start()
    yield runner
    await runner.close()
