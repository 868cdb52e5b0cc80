"""The newest part of the log, read and decoded once for all projections of a process."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Final
from uuid import UUID

from application.ports import Codec, Log, Record
from domain.aggregate import DomainEvent

_KEPT: Final = 10_000
"""Records that stay in memory."""


class Feed:
    """What several runners ask for at their own pace is read, its keys are fetched, and it is decoded, once.

    Whoever is further behind than what is kept reads for itself.
    """

    def __init__(self, log: Log, codec: Codec, *, kept: int = _KEPT) -> None:
        self.log = log
        self.codec = codec
        self._kept = kept
        self._records: list[Record] = []
        """Without gaps."""
        self._events: dict[int, DomainEvent | Exception] = {}
        """By position, of kept records."""
        self._growing = asyncio.Lock()
        """Whoever comes meanwhile finds what is being read, or decoded, when it is there."""

    async def read(self, after: int, limit: int) -> Sequence[Record]:
        """As `Log.read`; of what is kept only what is at hand, which may be less than there is."""
        async with self._growing:
            if not self._records or after >= self._records[-1].position:
                records = await self.log.read(after, limit)
                self._keep(records)
                return records
            begin = after + 1 - self._records[0].position
            if begin >= 0:
                return self._records[begin : begin + limit]
        return await self.log.read(after, limit)

    async def decoded(self, records: Iterable[Record], types: Collection[str]) -> dict[int, DomainEvent | Exception]:
        """By position, the domain events of those records that are of these types, or what goes wrong when one is decoded."""
        wanted = [record for record in records if record.type in types]
        async with self._growing:
            found = {record.position: self._events[record.position] for record in wanted if record.position in self._events}
            if missing := [record for record in wanted if record.position not in found]:
                await self.codec.prepare(missing)
                fresh = {record.position: self._decode(record) for record in missing}
                kept_from = self._records[0].position if self._records else 0
                self._events.update((position, event) for position, event in fresh.items() if position >= kept_from)
                found |= fresh
        return found

    def forget(self, persons: Collection[UUID]) -> None:
        """Drop the keys of erased persons, and whatever was read with them."""
        self.codec.forget(persons)
        self._events.clear()

    def _keep(self, records: Sequence[Record]) -> None:
        if records and self._records and records[0].position != self._records[-1].position + 1:
            self._records = []
            self._events.clear()
        kept = [*self._records, *records]
        for record in kept[: -self._kept]:
            self._events.pop(record.position, None)
        self._records = kept[-self._kept :]

    def _decode(self, record: Record) -> DomainEvent | Exception:
        try:
            return self.codec.decode(record)
        except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to who applies the record
            return error
