"""Keeping long streams quick to load: snapshots are written behind the answers, at a distance that grows with their size."""

from __future__ import annotations

from uuid import UUID

from application.ports import Codec, Log
from domain.aggregate import Aggregate

EVERY = 100
"""Versions between two snapshots of a small aggregate."""

_BYTES_PER_VERSION = 500
"""A large state waits one version more for every so many bytes, so that snapshots never cost more than the records."""


_REMEMBERED = 100_000
"""Aggregates of which it is known when their next snapshot is due."""


class Snapshots:
    """Collects aggregates that are due and writes them when told to."""

    def __init__(self, codec: Codec, log: Log) -> None:
        self._codec = codec
        self._log = log
        self._due: dict[UUID, Aggregate] = {}
        self._next: dict[UUID, int] = {}

    def consider(self, aggregate: Aggregate) -> None:
        """Called with every committed aggregate."""
        if aggregate.version < EVERY:
            return
        due_at = self._next.setdefault(aggregate.id, aggregate.version - aggregate.version % EVERY)
        if aggregate.version >= due_at:
            self._due[aggregate.id] = aggregate

    async def write(self) -> None:
        """Write what is due."""
        due, self._due = self._due, {}
        await self._codec.prepare(due.values())
        stored = []
        for aggregate in due.values():
            snapshot = self._codec.encode_snapshot(aggregate)
            self._next[aggregate.id] = aggregate.version + EVERY + len(snapshot.state) // _BYTES_PER_VERSION
            stored.append(snapshot)
        if stored:
            await self._log.save_snapshots(stored)
        if len(self._next) > _REMEMBERED:
            self._next.clear()
