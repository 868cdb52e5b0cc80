"""What several projections read is read and decoded once, and nothing of an erased person stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import cast
from uuid import UUID

import pytest

from application.ports import Codec, Log, Record
from domain.aggregate import DomainEvent
from projections.changes import Erase, Projection
from projections.runner.feed import Feed
from projections.runner.project import LiveSource
from tests.unit.projections.runner.small import SMALL_METADATA, Broken, SmallWorld

ORGANIZATION, PERSON = UUID(int=1), UUID(int=2)
TYPES = {"small.changed"}


class _Counted:
    """A log and a codec that count what is asked of them."""

    def __init__(self, records: int) -> None:
        self.world = SmallWorld()
        self.read_positions: list[int] = []
        self.prepared: list[int] = []
        self.decoded: list[int] = []
        self.grow(records)

    def grow(self, records: int) -> None:
        for _ in range(records):
            self.world.happen(ORGANIZATION)

    def feed(self, kept: int = 100) -> Feed:
        return Feed(cast("Log", self), cast("Codec", self), kept=kept)

    async def read(self, after: int, limit: int, slots: Collection[int] | None = None) -> Sequence[Record]:
        records = await self.world.read(after, limit, slots)
        self.read_positions += [record.position for record in records]
        return records

    async def prepare(self, sources: Iterable[Record]) -> None:
        await asyncio.sleep(0)
        self.prepared += [record.position for record in sources]

    def decode(self, record: Record) -> DomainEvent:
        assert record.position in self.prepared
        self.decoded.append(record.position)
        if isinstance(self.world.changes[record.position], Exception):
            raise Broken
        return cast("DomainEvent", record.position)

    def forget(self, key_ids: Iterable[UUID]) -> None:
        self.world.forget(key_ids)


async def _all(feed: Feed, limit: int, upto: int) -> list[int]:
    """Read and decode to the end, in batches."""
    found: list[int] = []
    while not found or found[-1] < upto:
        records = await feed.read(found[-1] if found else 0, limit)
        assert sorted(await feed.decoded(records, TYPES)) == [record.position for record in records]
        found += [record.position for record in records]
    return found


async def test_readers_at_their_own_pace_share_one_reading_and_decoding_of_each_record() -> None:
    counted = _Counted(20)
    feed = counted.feed()
    found = await asyncio.gather(_all(feed, 3, 20), _all(feed, 7, 20), _all(feed, 1, 20))
    assert list(found) == [list(range(1, 21))] * 3
    assert counted.read_positions == list(range(1, 21))
    assert sorted(counted.decoded) == list(range(1, 21))


async def test_a_reader_that_is_far_behind_reads_for_itself_and_disturbs_nobody() -> None:
    counted = _Counted(20)
    feed = counted.feed(kept=5)
    assert await _all(feed, 4, 20) == list(range(1, 21))
    counted.read_positions.clear()
    assert await _all(feed, 4, 20) == list(range(1, 21))
    assert counted.read_positions == list(range(1, 17))  # from there on all was at hand
    assert [record.position for record in await feed.read(15, 9)] == [16, 17, 18, 19, 20]
    assert counted.read_positions == list(range(1, 17))


async def test_no_more_is_kept_than_was_said() -> None:
    counted = _Counted(20)
    feed = counted.feed(kept=5)
    await _all(feed, 20, 20)
    assert ([record.position for record in feed._records], sorted(feed._events)) == ([16, 17, 18, 19, 20],) * 2
    counted.grow(1)
    await feed.decoded(await feed.read(20, 9), TYPES)
    assert ([record.position for record in feed._records], sorted(feed._events)) == ([17, 18, 19, 20, 21],) * 2


async def test_a_reader_that_is_ahead_of_what_is_kept_leaves_no_gap() -> None:
    counted = _Counted(20)
    feed = counted.feed()
    await feed.decoded(await feed.read(0, 3), TYPES)
    assert [record.position for record in await feed.read(10, 4)] == [11, 12, 13, 14]
    assert [record.position for record in await feed.read(2, 2)] == [3, 4]
    assert [record.position for record in await feed.read(11, 9)] == [12, 13, 14]
    assert not feed._events


async def test_a_reader_that_falls_behind_what_is_kept_while_it_waits_misses_nothing() -> None:
    counted = _Counted(20)
    feed = counted.feed(kept=2)
    await feed.read(0, 2)
    ahead, behind = await asyncio.gather(feed.read(2, 5), feed.read(1, 3))
    assert [record.position for record in ahead] == [3, 4, 5, 6, 7]
    assert [record.position for record in behind] == [2, 3, 4]


async def test_only_what_somebody_wants_is_decoded() -> None:
    counted = _Counted(3)
    feed = counted.feed()
    assert await feed.decoded(await feed.read(0, 9), {"another.type"}) == {}
    assert not counted.prepared
    assert not counted.decoded


async def test_a_record_that_cannot_be_decoded_is_the_fault_of_each_projection_that_applies_it() -> None:
    counted = _Counted(1)
    counted.world.happen(ORGANIZATION, failing=True)
    feed = counted.feed()
    for _ in range(2):
        source = LiveSource(counted.world.projection, feed)
        records = await source.read(0, 9)
        assert len(list(source.entries(records[:1]))) == 1
        with pytest.raises(Broken):
            list(source.entries(records))
    assert counted.decoded == [1, 2]


async def test_nothing_that_was_read_with_a_key_outlives_the_erasure_of_its_person() -> None:
    counted = _Counted(2)
    feed = counted.feed()
    eraser, other = (LiveSource(counted.world.projection, feed) for _ in range(2))
    await eraser.read(0, 9)
    await other.read(0, 9)
    counted.world.happen(ORGANIZATION, Erase(PERSON))
    assert eraser.erased(await eraser.read(2, 9)) == {PERSON}
    assert PERSON in counted.world.forgotten
    assert not feed._events
    assert list(eraser._events) == [3]
    counted.decoded.clear()
    await other.read(0, 9)  # from the begin, as after an intervention: decoded anew, without the key
    assert counted.decoded == [1, 2, 3]


async def test_projections_with_types_of_their_own_share_what_they_have_in_common() -> None:
    counted = _Counted(2)
    feed = counted.feed()
    deaf = Projection("deaf", version=1, metadata=SMALL_METADATA)
    source = LiveSource(deaf, feed)
    assert not list(source.entries(await source.read(0, 9)))
    await LiveSource(counted.world.projection, feed).read(0, 9)
    assert (counted.read_positions, counted.decoded) == ([1, 2], [1, 2])
