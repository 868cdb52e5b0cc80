from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from api.app import create_app
from api.auth import Credentials
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
def app(bus: sample.FakeBus, reads: sample.FakeReads) -> Litestar:
    return create_app(
        bus,
        reads,
        Credentials(bus, platform_key_sha256=sample.PLATFORM_KEY_SHA256),
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
