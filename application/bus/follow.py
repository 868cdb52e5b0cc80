"""Following the log: what other processes append reaches the cached aggregates of this one."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from application.bus.activity import Activity
from application.bus.cache import Cache
from application.ports import Codec, Log, Record
from domain.aggregate import EVENT_TYPES

_READ = 1_000
_MOMENT = 0.005
_POLL = 1.0
"""Seconds after which the log is looked at even if nobody said that it grew."""


class _Own(NamedTuple):
    first: int
    last: int


class Follower:
    """Reads the log behind this process's own appends and applies foreign records to the cache."""

    def __init__(self, log: Log, codec: Codec, cache: Cache, activity: Activity) -> None:
        self._log = log
        self._activity = activity
        self._codec = codec
        self._cache = cache
        self._own: deque[_Own] = deque()
        self.position = 0
        """All records up to here are in the cached aggregates."""

    async def start(self) -> None:
        """Begin at the log's end: nothing older can be in the empty cache."""
        self.position = await self._log.head()
        self._activity.begin(self.position)

    def wrote(self, first: int, last: int) -> None:
        """This process appended these positions; it need not read them."""
        self._own.append(_Own(first, last))

    async def rest(self) -> None:
        """Wait for news, or for a while: news may get lost."""
        self._skip_own()
        while await self._log.wait(self.position, _POLL):
            # Mostly it is this process itself that wrote: a moment later its positions are known as its own.
            await asyncio.sleep(_MOMENT)
            self._skip_own()
            if await self._log.wait(self.position, 0):
                return
            self._activity.looked()

    async def catch_up(self) -> None:
        """Take in what is new."""
        while records := await self._log.read(self.position, _READ):
            cached = [record for record in records if record.stream_id in self._cache]
            await self._codec.prepare(cached)
            for record in cached:
                self._cache.apply(record)
            self._cache.erase(record.stream_id for record in records if _erases(record))
            self._activity.recorded((record.organization_id, record.position) for record in records)
            self.position = max(self.position, records[-1].position)
            self._skip_own()
        self._activity.looked()

    def _skip_own(self) -> None:
        while self._own and self._own[0].first <= self.position + 1:
            self.position = max(self.position, self._own.popleft().last)


def _erases(record: Record) -> bool:
    """A type that only a newer process knows touches nothing that is cached here."""
    kind = EVENT_TYPES.get(record.type)
    return kind is not None and kind.erases_person
