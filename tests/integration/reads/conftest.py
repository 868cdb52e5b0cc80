"""A company read over HTTP: real PostgreSQL, log and projections, and the application without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.auth import Credentials
from application.access import authorize
from application.organizations.organizations import CreateOrganization
from application.principal import PLATFORM, Principal
from application.principal import system as system_principal
from application.registry import Command, Reply
from infrastructure.postgres.pool import PROJECTOR, Pool, open_pool
from infrastructure.postgres.read_store import SESSION, PostgresReadStore
from tests.support.inprocess import System
from tests.support.operations import MemoryOperations
from tests.support.watching import MemoryTelemetry

BEGIN = datetime(2027, 1, 1, 12, tzinfo=UTC)


class CountingPool:
    """The pool, and the statements that went through it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.statements: list[str] = []

    async def fetch(self, text: str, *parameters: object) -> Sequence[Any]:
        """One statement."""
        self.statements.append(text)
        return await self._pool.fetch(text, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


@dataclass
class Company:
    """An organization, its clock, and a client with its owner's key."""

    system: System
    principal: Principal
    http: httpx.AsyncClient
    pool: CountingPool
    now: list[datetime] = field(default_factory=lambda: [BEGIN])

    async def send(self, *commands: Command) -> Reply:
        """Commands one after the other, a minute apart; the last reply."""
        replies: list[Reply] = []
        for command in commands:
            self.now[0] += timedelta(minutes=1)
            replies += (await self.system.processes[0].send(self.principal, command)).replies
        return replies[-1]

    async def get(self, path: str, /, **parameters: str) -> Any:
        """The answer's JSON, with all rows in it that there are."""
        await self.system.caught_up()
        answer = await self.http.get(f"/v1/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def problem(self, path: str, /, **parameters: str) -> Any:
        """The same where it is refused."""
        await self.system.caught_up()
        answer = await self.http.get(f"/v1/{path}", params=parameters)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.json()

    async def names(self, path: str, **parameters: str) -> list[str]:
        """The names of the listed rows."""
        return [row["name"] for row in (await self.get(path, **parameters))["data"]]


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    now = [BEGIN]
    system = System(database_url, lambda: now[0])
    await system.start()
    founded = await system.processes[0].send(
        PLATFORM,
        CreateOrganization(
            name="Harbour Stage", default_currency="EUR", timezone="Europe/Berlin", owner_email="ada@harbour.example", owner_name="Ada"
        ),
    )
    await system.caught_up()
    async with await open_pool(database_url, role=PROJECTOR, settings=SESSION) as pool:
        counting = CountingPool(pool)
        app = reading_app(system, counting)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://stagebook.test") as http:
            http.headers["authorization"] = f"Bearer {founded.replies[0].secrets['owner_key']}"
            yield Company(system, system_principal("test", founded.replies[0].id), http, counting, now)
    await system.stop()


def reading_app(system: System, pool: CountingPool) -> Any:
    """The application on the system's first bus."""
    process = system.processes[0]
    return create_app(
        process.bus,
        PostgresReadStore(pool, "relational"),  # type: ignore[arg-type]  # a pool to all that matters
        Credentials(process.bus, platform_key_sha256=""),
        codec=process.core.codec,
        operations=MemoryOperations(),
        telemetry=MemoryTelemetry(),
        authorize=authorize,
    )
