"""Fetching what units lack: streams, secrets and persons' keys of a whole batch at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from uuid import UUID

from application.bus.cache import Cache, fold
from application.ports import Codec, KeyStore, Loaded, LogSession, Record
from application.unit import NotLoaded
from domain.aggregate import Aggregate

_FOLD_SLICE = 1_000
"""Records folded before other work gets its turn."""


class Loader:
    """Brings streams, secrets and keys into the cache."""

    def __init__(self, cache: Cache, codec: Codec, keys: KeyStore) -> None:
        self._cache = cache
        self._codec = codec
        self._keys = keys

    async def load(self, session: LogSession, missing: Iterable[NotLoaded]) -> None:
        """All that these signals ask for: one query for the streams, one per kind of key."""
        wanted = list(missing)
        if secrets := {lack.secret for lack in wanted if lack.secret is not None}:
            self._cache.learn_secrets((await self._keys.organization_secrets(secrets)).items())
        if persons := {lack.person for lack in wanted if lack.person is not None}:
            self._cache.learn_persons((await self._keys.current_person_keys(persons)).items())
        if key_ids := {lack.person_key for lack in wanted if lack.person_key is not None}:
            await self._codec.fetch(key_ids)
        if streams := {lack.stream for lack in wanted if lack.stream is not None}:
            await self.refresh(session, streams)

    async def refresh(self, session: LogSession, streams: Iterable[UUID]) -> set[UUID]:
        """Bring these streams up to the log, from their cached state on. Returns those that had moved."""
        bases = {stream_id: self._cache.peek(stream_id) for stream_id in streams}
        loaded = await self._read(session, {stream_id: base.version if base else 0 for stream_id, base in bases.items()})
        outdated = []
        for stream_id, snapshot in loaded.snapshots.items():
            bases[stream_id] = self._codec.decode_snapshot(snapshot)
            if bases[stream_id] is None:
                outdated.append(stream_id)
        records = list(loaded.records)
        if outdated:
            records = [record for record in records if record.stream_id not in outdated]
            records += (await self._read(session, dict.fromkeys(outdated, 0), snapshots=False)).records
        by_stream: dict[UUID, list[Record]] = {}
        for record in records:
            by_stream.setdefault(record.stream_id, []).append(record)
        moved = set()
        for stream_id, base in bases.items():
            aggregate = await self._fold(base, by_stream.get(stream_id, ()))
            self._cache.put(stream_id, aggregate)
            if aggregate is not base:
                moved.add(stream_id)
        return moved

    async def _read(self, session: LogSession, versions: dict[UUID, int], *, snapshots: bool = True) -> Loaded:
        loaded = await session.load(versions, snapshots=snapshots)
        await self._codec.prepare([*loaded.snapshots.values(), *loaded.records])
        return loaded

    async def _fold(self, base: Aggregate | None, records: Sequence[Record]) -> Aggregate | None:
        if not records:
            return base
        aggregate = base.fork() if base is not None else None
        for start in range(0, len(records), _FOLD_SLICE):
            aggregate = fold(aggregate, map(self._codec.decode, records[start : start + _FOLD_SLICE]))
            await asyncio.sleep(0)
        return aggregate
