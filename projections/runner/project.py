"""From records to changes: reading ahead, decoding, projecting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import suppress
from uuid import UUID

from application.ports import Codec, Log, Record
from projections.changes import Erase, Projection
from projections.runner.fold import Entry


class Source:
    """What one projection sees of the log."""

    def __init__(self, projection: Projection, log: Log, codec: Codec) -> None:
        self.projection = projection
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

    def entries(self, records: Sequence[Record]) -> Iterator[Entry]:
        """What these records do, one after the other. Keys of persons who were erased are forgotten on the way."""
        for record in records:
            if record.type in self.projection.projectors:
                changes = self.projection.changes(self._codec.decode(record), record)
                if persons := [change.subject for change in changes if isinstance(change, Erase)]:
                    self._codec.forget(persons)
                yield record, changes

    def erased(self, records: Sequence[Record]) -> set[UUID]:
        """The persons whom these records erase; records that cannot be read say nothing."""
        persons: set[UUID] = set()
        for record in records:
            with suppress(Exception):
                for _, changes in self.entries([record]):
                    persons.update(change.subject for change in changes if isinstance(change, Erase))
        return persons
