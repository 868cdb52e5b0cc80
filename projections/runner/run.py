"""The loop that keeps one projection in step with the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter
from typing import Final, Protocol
from uuid import UUID

import asyncpg

from application.ports import Record
from projections import ddl
from projections.changes import Projection
from projections.rebuild import rebuild
from projections.runner import model
from projections.runner.cascade import blank
from projections.runner.checkpoint import PROJECTED, Fenced, Standing, acquire, advance, is_current, release, renew, slot_of
from projections.runner.feed import Feed
from projections.runner.park import Parked, apply_bisecting, is_fault_of_record, park
from projections.runner.project import LiveSource
from projections.runner.target import Target
from projections.runner.values import Connection, Pool, keep_plans, speak
from projections.runner.write import apply

_BATCH: Final = 5_000
_PACE_SECONDS: Final = 0.06
"""From the begin of one live batch to the next, at least."""
_LEASE_SECONDS: Final = 15.0
_TURN_SECONDS: Final = 1.0
"""Between two attempts to take a lease that is held by somebody else."""
_REST_SECONDS: Final = 0.5
"""Between two looks of a paused projection."""
_PATIENCE: Final = (0.1, 0.5, 2.0, 10.0)
"""Seconds to wait after the first, second, … failure in a row."""


class NewerVersion(Exception):
    """The tables belong to a newer version of the projection than this program knows."""


class Observer(Protocol):
    """Who wants to know how a projection fares: log lines, metrics, alarms."""

    def advanced(self, projection: str, records: Sequence[Record], seconds: float) -> None:
        """A batch was committed, so many seconds after it had been read: what these records say is visible."""
        ...

    def parked(self, projection: str, parked: Parked) -> None:
        """An organization was set aside: an alarm, somebody must see to it."""
        ...

    def interrupted(self, projection: str, error: Exception) -> None:
        """Something else than a record failed; it will be tried again."""
        ...

    def rebuilt(self, projection: str, position: int) -> None:
        """The tables were made anew."""
        ...


class Runner:
    """Runs one projection for as long as its task lives."""

    def __init__(self, projection: Projection, *, pool: Pool, feed: Feed, owner: str, observer: Observer) -> None:
        """Of the process, `owner` is a unique name; `pool` runs in the projector's role and admits statements of any length.

        All runners of a process share a `feed`.
        """
        self.projection = projection
        self._pool = pool
        self._feed = feed
        self._owner = owner
        self._observer = observer
        self._source = LiveSource(projection, feed)
        self._model = model.read(projection.metadata)
        self._failures = 0

    async def run(self) -> None:
        """Follow the log until cancelled. Faults of connection or server are waited out; raises `NewerVersion`."""
        try:
            while not _is_cancelled():
                try:
                    async with self._pool.acquire() as connection:
                        await self._serve(connection)
                except NewerVersion:
                    raise
                except Fenced:
                    self._failures = 0
                except Exception as error:  # noqa: BLE001  # whatever failed is reported, and a projection must not stand still for good
                    if _is_cancelled():
                        break
                    self._observer.interrupted(self.projection.name, error)
                    await asyncio.sleep(_PATIENCE[min(self._failures, len(_PATIENCE) - 1)])
                    self._failures += 1
        finally:
            with suppress(Exception):
                async with asyncio.timeout(1), self._pool.acquire() as connection:
                    await release(connection, self.projection.name, self._owner)

    async def _serve(self, connection: Connection) -> None:
        """Run the projection from taking the lease until it is lost."""
        await speak(connection)
        standing = await acquire(connection, self.projection.name, self._owner, seconds=_LEASE_SECONDS)
        if standing is None:
            await asyncio.sleep(_TURN_SECONDS)
            return
        keeping = asyncio.create_task(self._keep())
        try:
            if standing.version > self.projection.version:
                msg = f"{self.projection.name} is at version {standing.version}, this program knows {self.projection.version}"
                raise NewerVersion(msg)
            if standing.version < self.projection.version or not await ddl.is_fit(connection, self.projection.metadata):
                await self._rebuild(connection)
            elif standing.paused:
                await self._rest(connection, standing)
            else:
                await self._follow(connection, standing)
        finally:
            keeping.cancel()

    async def _keep(self) -> None:
        """Renew the lease while batches, or a rebuild, take their time."""
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                async with self._pool.acquire() as connection:
                    await renew(connection, self.projection.name, self._owner, seconds=_LEASE_SECONDS)

    async def _rebuild(self, connection: Connection) -> None:
        replay = await rebuild(self.projection, connection=connection, log=self._feed.log, codec=self._feed.codec)
        self._observer.rebuilt(self.projection.name, replay.position)
        for parked in replay.parked.values():
            self._observer.parked(self.projection.name, parked)

    async def _follow(self, connection: Connection, standing: Standing) -> None:
        await keep_plans(connection)
        target = Target(connection, self._model)
        loop = asyncio.get_running_loop()
        busy_until = 0.0
        while not _is_cancelled():
            records = await self._source.read(standing.scanned_to, _BATCH)
            if records:
                busy_until = loop.time() + _PACE_SECONDS
                await self._advance(target, standing, records)
            else:
                await self._feed.log.wait(standing.scanned_to, _LEASE_SECONDS)
            if len(records) < _BATCH:
                # At once after a rest; under load in batches that are worth a transaction.
                await asyncio.sleep(busy_until - loop.time())

    async def _advance(self, target: Target, standing: Standing, records: Sequence[Record]) -> None:
        """Take one batch, and tell those who wait for it or watch."""
        began = perf_counter()
        faults = await self._take(target, standing, records)
        self._failures = 0
        await target.connection.execute("select pg_notify($1, $2)", PROJECTED, f"{self.projection.name} {standing.scanned_to}")
        self._observer.advanced(self.projection.name, records, perf_counter() - began)
        for parked in faults:
            self._observer.parked(self.projection.name, parked)

    async def _rest(self, connection: Connection, standing: Standing) -> None:
        """Hold still until somebody intervenes. Only persons are erased meanwhile, by records that the rows do not contain yet."""
        target = Target(connection, self._model)
        seen = standing.scanned_to
        while not _is_cancelled() and await is_current(connection, standing):
            records = await self._source.read(seen, _BATCH)
            await self._blank(target, records)
            seen = records[-1].position if records else seen
            self._failures = 0
            if len(records) < _BATCH:
                await asyncio.sleep(_REST_SECONDS)

    async def _take(self, target: Target, standing: Standing, records: Sequence[Record]) -> Sequence[Parked]:
        """Commit one batch, rows and checkpoint together; says whose records could not be applied."""
        fresh = [record for record in records if record.position > standing.slots[slot_of(record.organization_id)]]
        slots = {slot_of(record.organization_id): record.position for record in fresh}
        due = [record for record in fresh if record.organization_id not in standing.parked]
        waiting = [record for record in fresh if record.organization_id in standing.parked]
        faults: dict[UUID, Parked] = {}
        try:
            async with target.connection.transaction():
                await self._apply(target, due)
                await self._blank(target, waiting)
                await advance(target.connection, standing, records[-1].position, slots)
        except Exception as error:
            if isinstance(error, Fenced) or not is_fault_of_record(error):
                raise
            async with target.connection.transaction():
                faults = await apply_bisecting(target.connection, due, lambda part: self._apply(target, part))
                await park(target.connection, self.projection.name, list(faults.values()))
                await self._blank(target, [*waiting, *(record for record in due if record.organization_id in faults)])
                await advance(target.connection, standing, records[-1].position, slots)
        standing.scanned_to = records[-1].position
        standing.slots.update(slots)
        standing.parked.update({organization: parked.position for organization, parked in faults.items()})
        return list(faults.values())

    async def _apply(self, target: Target, records: Sequence[Record]) -> None:
        await apply(target, self._source.entries(records))

    async def _blank(self, target: Target, records: Sequence[Record]) -> None:
        """Of records that are not applied yet, do what must not wait: erase persons."""
        if persons := self._source.erased(records):
            await blank(target, persons)


def _is_cancelled() -> bool:
    """Whether the running task was asked to end: an answer or an error that comes at the same moment hides the exception."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
