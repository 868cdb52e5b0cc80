"""What the chaos tests share. `STAGEBOOK_CHAOS_SECONDS` says for how long each kills; by default once."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Iterator

import asyncpg
import pytest

from tests.support import truths
from tests.support.crowd import Crowd
from tests.support.stack import PATIENCE, Stack, Tenant, running

MINUTE = 60.0
MOST_KILLS = 4
"""Of one child within a minute; the supervisor gives up on one that ends more often."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """API, worker and PostgreSQL as processes."""
    with running(tmp_path_factory.mktemp("chaos") / "data") as started:
        yield started


@pytest.fixture
def tenant(stack: Stack) -> Iterator[Tenant]:
    """The owner of an organization."""
    with stack.tenant() as owner:
        yield owner


@pytest.fixture
def crowd(stack: Stack, tenant: Tenant) -> Crowd:
    """Customers of a show that does not sell out."""
    return Crowd(tenant.show({"quantity_total": 1_000_000}), [stack.url], tenant)


@pytest.fixture
def rounds() -> Callable[[], Iterator[int]]:
    """Counts the rounds of a test: one, or as many as the time allows, no more often than the supervisor bears."""

    def count() -> Iterator[int]:
        seconds = float(os.environ.get("STAGEBOOK_CHAOS_SECONDS", "0"))
        begin = time.monotonic()
        for number in itertools.count():
            yield number
            time.sleep(MINUTE / MOST_KILLS if seconds else 0.0)
            if time.monotonic() >= begin + seconds:
                return

    return count


@pytest.fixture
def everything_is_right(stack: Stack) -> Callable[[], None]:
    """Asks for all that must be true once the read models have caught up."""

    async def check() -> None:
        connection = await asyncpg.connect(stack.database_url)
        try:
            async with asyncio.timeout(PATIENCE):
                while not (await truths.positions_of(connection)).caught_up:  # noqa: ASYNC110  # nothing here says when it happens
                    await asyncio.sleep(0.05)
            assert not await connection.fetch("select * from log.parked")
            await truths.a2_every_row_names_its_record(connection)
            await truths.a6_sequences_are_gapless(connection)
            await truths.t8_nothing_is_oversold(connection)
            await truths.a5_no_personal_text_in_the_log(connection, {"mail.example", "Some Body"})
        finally:
            await connection.close()

    def run() -> None:
        asyncio.run(check())
        verified = stack.command("projections", "verify")
        assert verified.returncode == 0, verified.stdout.decode() + verified.stderr.decode()

    return run
