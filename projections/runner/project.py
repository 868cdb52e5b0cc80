"""From records to changes: reading ahead, decoding, projecting."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from application.ports import Codec, Log, Record
from domain.aggregate import DomainEvent
from projections.changes import Erase, Projection
from projections.runner.feed import Feed
from projections.runner.fold import Entry


class _Projected(ABC):
    """What records do to one projection, once they have been read."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection

    def entries(self, records: Sequence[Record]) -> Iterator[Entry]:
        """What these records do, one after the other. Keys of persons who were erased are forgotten on the way."""
        for record in records:
            if record.type in self.projection.projectors:
                changes = self.projection.changes(self._decoded(record), record)
                if persons := [change.subject for change in changes if isinstance(change, Erase)]:
                    self._forget(persons)
                yield record, changes

    def erased(self, records: Sequence[Record]) -> set[UUID]:
        """The persons whom these records erase; records that cannot be read say nothing."""
        persons: set[UUID] = set()
        for record in records:
            with suppress(Exception):
                for _, changes in self.entries([record]):
                    persons.update(change.subject for change in changes if isinstance(change, Erase))
        return persons

    @abstractmethod
    def _decoded(self, record: Record) -> DomainEvent:
        """The record's event. Raises whatever is wrong with the record."""

    @abstractmethod
    def _forget(self, persons: Collection[UUID]) -> None:
        """Drop what these persons' data could be read with."""


class Source(_Projected):
    """What one projection sees of the log, from anywhere on."""

    def __init__(self, projection: Projection, log: Log, codec: Codec) -> None:
        super().__init__(projection)
        self.log = log
        self._codec = codec

    async def read(self, after: int, limit: int, slots: Collection[int] | None = None) -> Sequence[Record]:
        """The next records, ready to be decoded."""
        records = await self.log.read(after, limit, slots)
        await self._codec.prepare([record for record in records if record.type in self.projection.projectors])
        return records

    async def batches(self, after: int, upto: int, limit: int, slots: Collection[int] | None = None) -> AsyncIterator[Sequence[Record]]:
        """All records after one position up to another; the next batch is read while the caller works on one."""
        following = asyncio.ensure_future(self.read(after, limit, slots))
        try:
            while after < upto and (records := await following):
                after = records[-1].position
                following = asyncio.ensure_future(self.read(after, limit, slots))
                yield records if after <= upto else [record for record in records if record.position <= upto]
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    def _decoded(self, record: Record) -> DomainEvent:
        return self._codec.decode(record)

    def _forget(self, persons: Collection[UUID]) -> None:
        self._codec.forget(persons)


class LiveSource(_Projected):
    """What one projection sees of the feed that it shares with others: one batch after the other."""

    def __init__(self, projection: Projection, feed: Feed) -> None:
        super().__init__(projection)
        self._feed = feed
        self._events: Mapping[int, DomainEvent | Exception] = {}
        """Of the batch that was read last."""

    async def read(self, after: int, limit: int) -> Sequence[Record]:
        """The next records, decoded. What was read before can no longer be projected."""
        self._events = {}
        records = await self._feed.read(after, limit)
        self._events = await self._feed.decoded(records, self.projection.projectors)
        return records

    def _decoded(self, record: Record) -> DomainEvent:
        event = self._events[record.position]
        if isinstance(event, Exception):
            raise event
        return event

    def _forget(self, persons: Collection[UUID]) -> None:
        self._feed.forget(persons)
