"""What an operator asks of the projections: how far they are, whether they are right, to build them anew, to stand still."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, NamedTuple

from application.ports import Codec, Log
from infrastructure.bootstrap import open_core
from infrastructure.postgres.pool import PROJECTOR, Connection, open_pool
from infrastructure.settings import Settings
from projections.catalog import PROJECTIONS
from projections.changes import Projection
from projections.rebuild import rebuild
from projections.runner import pausing
from projections.runner.retry import retry
from projections.runner.status import status
from projections.verify import verify

_UNBOUNDED_SECONDS = 24 * 3600.0
"""For statements that may build everything anew."""

Names = Collection[str]
"""Of the projections that are meant."""
Rows = Sequence[dict[str, Any]]
Advance = Callable[[str, int, int], None]
"""Told of a projection which position is reached, and which is to be reached."""


class _Opened(NamedTuple):
    """A projection, and what it takes to work at it."""

    projection: Projection
    connection: Connection
    log: Log
    codec: Codec


async def projection_status(settings: Settings, names: Names) -> Rows:
    """Per projection: where it stands, how far behind, what is parked."""
    found = []
    async with aclosing(_opened(settings, names)) as opened:
        async for at in opened:
            one = await status(at.projection, connection=at.connection, log=at.log, now=datetime.now(UTC))
            found.append(one._asdict() | {"parked": [parked._asdict() for parked in one.parked]})
    return found


async def verify_projections(settings: Settings, names: Names, advance: Advance) -> Rows:
    """A1: per table, live against replayed rows."""
    rows: list[dict[str, Any]] = []
    async with aclosing(_opened(settings, names)) as opened:
        async for at in opened:
            found = await verify(
                at.projection, connection=at.connection, log=at.log, codec=at.codec, progress=_of(at.projection, "verify", advance)
            )
            rows += [
                {
                    "projection": at.projection.name,
                    "table": table.table,
                    "rows": table.rows,
                    "replayed": table.replayed_rows,
                    "equal": table.equal,
                    "differing": ", ".join(map(str, table.differing)),
                    "position": found.position,
                }
                for table in found.tables
            ]
    return rows


async def rebuild_projections(settings: Settings, names: Names, advance: Advance) -> Rows:
    """Replace the live tables by what a replay gives; per projection: up to which position, and how many organizations are parked."""
    rows = []
    async with aclosing(_opened(settings, names)) as opened:
        async for at in opened:
            built = await rebuild(
                at.projection, connection=at.connection, log=at.log, codec=at.codec, progress=_of(at.projection, "rebuild", advance)
            )
            rows.append({"projection": at.projection.name, "position": built.position, "parked": len(built.parked)})
    return rows


async def retry_projections(settings: Settings, names: Names) -> Rows:
    """Apply again, in order, what was parked; returns what is parked still."""
    stuck: list[dict[str, Any]] = []
    async with aclosing(_opened(settings, names)) as opened:
        async for at in opened:
            found = await retry(at.projection, connection=at.connection, log=at.log, codec=at.codec)
            stuck += [{"projection": at.projection.name, **parked._asdict()} for parked in found.values()]
    return stuck


async def pause_projections(settings: Settings, names: Names) -> Rows:
    """Hold them still until `resume_projections`; per projection: its state."""
    async with aclosing(_opened(settings, names)) as opened:
        async for at in opened:
            await pausing.pause(at.connection, at.projection.name)
    return await _states(settings, names)


async def resume_projections(settings: Settings, names: Names) -> Rows:
    """Let them go on; per projection: its state."""
    async with aclosing(_opened(settings, names)) as opened:
        async for at in opened:
            await pausing.resume(at.connection, at.projection.name)
    return await _states(settings, names)


async def _states(settings: Settings, names: Names) -> Rows:
    return [{name: one[name] for name in ("projection", "state", "position")} for one in await projection_status(settings, names)]


async def _opened(settings: Settings, names: Names) -> AsyncGenerator[_Opened]:
    """The named projections one after the other, each on a connection of its own."""
    async with open_core(settings) as core, await open_pool(settings.database_url, role=PROJECTOR, timeout=_UNBOUNDED_SECONDS) as pool:
        for projection in PROJECTIONS:
            if projection.name in names:
                async with pool.acquire() as connection:
                    yield _Opened(projection, connection, core.log, core.codec)


def _of(projection: Projection, what: str, advance: Advance) -> Callable[[int, int], None]:
    """What a projection says of its progress."""
    return lambda position, upto: advance(f"{what} {projection.name}", position, upto)
