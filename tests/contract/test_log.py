"""What every provider of `application.ports.Log` promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from uuid import UUID, uuid4

import pytest

from application.ports import Committed, KeyTaken, Log, Moved, Replayed
from infrastructure.postgres.log import PostgresLog
from tests.support.memory import MemoryLog
from tests.support.records import OTHER_ORGANIZATION, claim, component, entry, record, single, snapshot, unit


@pytest.fixture(params=["memory", "postgres"])
def server(request: pytest.FixtureRequest) -> str | None:
    url: str | None = request.getfixturevalue("database_url") if request.param == "postgres" else None
    return url


@pytest.fixture
async def log(server: str | None) -> AsyncIterator[Log]:
    if server is None:
        yield MemoryLog()
        return
    log = await PostgresLog.open(server)
    yield log
    await log.close()


@pytest.fixture
def stream() -> UUID:
    return uuid4()


async def test_positions_and_organization_sequences_have_no_gaps(log: Log) -> None:
    here, there = uuid4(), uuid4()
    await log.append([single(here), single(there, organization=OTHER_ORGANIZATION), single(uuid4())])
    await log.append([single(there, 2, organization=OTHER_ORGANIZATION), single(here, 2)])
    records = await log.read(0, 10)
    assert [each.position for each in records] == [1, 2, 3, 4, 5]
    assert [(each.organization_id == OTHER_ORGANIZATION, each.organization_seq) for each in records] == [
        (False, 1),
        (True, 1),
        (False, 2),
        (True, 2),
        (False, 3),
    ]


async def test_a_record_is_stored_as_it_was_given(log: Log, stream: UUID) -> None:
    new = record(stream, data='{"name":"Käthe"}'.encode())
    await log.append([component(unit(new))])
    (stored,) = await log.read(0, 10)
    assert stored[3:12] == new[1:]
    assert stored.organization_id == new.organization_id


async def test_units_learn_the_position_of_their_last_record(log: Log, stream: UUID) -> None:
    several = component(unit(record(stream), record(stream, 2)), unit(record(stream, 3)))
    assert await log.append([several, single(uuid4())]) == [Committed([2, 3]), Committed([4])]


async def test_a_unit_without_records_gets_the_head(log: Log, stream: UUID) -> None:
    await log.append([single(stream)])
    assert await log.append([component(unit(), reads={stream: 1})]) == [Committed([1])]


async def test_nothing_to_append_gives_no_verdicts(log: Log) -> None:
    assert await log.append([]) == []


@pytest.mark.parametrize("expected", [0, 1, 3])
async def test_a_stream_at_another_version_is_moved_and_nothing_is_written(log: Log, stream: UUID, expected: int) -> None:
    await log.append([component(unit(record(stream), record(stream, 2)))])
    other = uuid4()
    failing = component(unit(record(other), ledger=entry(b"k"), claims=[claim(b"slug", other)]), reads={stream: expected})
    assert await log.append([failing]) == [Moved([stream])]
    assert await log.head() == 2
    fine = component(unit(record(other), ledger=entry(b"k"), claims=[claim(b"slug", stream)]), reads={stream: 2})
    assert await log.append([fine]) == [Committed([3])]


async def test_a_stream_that_was_read_and_does_not_exist_is_at_version_0(log: Log, stream: UUID) -> None:
    assert await log.append([component(unit(record(uuid4())), reads={stream: 0})]) == [Committed([1])]
    assert await log.append([component(unit(record(uuid4())), reads={stream: 1})]) == [Moved([stream])]


async def test_all_moved_streams_are_named(log: Log) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    await log.append([single(first), single(second), single(third)])
    (verdict,) = await log.append([component(unit(record(uuid4())), reads={first: 0, second: 1, third: 2})])
    assert isinstance(verdict, Moved)
    assert set(verdict.streams) == {first, third}


async def test_a_failed_component_does_not_spoil_the_others(log: Log, stream: UUID) -> None:
    await log.append([single(stream), component(unit(ledger=entry(b"old")), unit(claims=[claim(b"taken", stream)]))])
    first, last = uuid4(), uuid4()
    verdicts = await log.append(
        [
            component(unit(record(first), record(first, 2), ledger=entry(b"first"))),
            component(unit(record(uuid4())), reads={stream: 0}),
            component(unit(record(uuid4())), unit(record(uuid4()), ledger=entry(b"old"))),
            component(unit(record(uuid4()), claims=[claim(b"free", first), claim(b"taken", first)])),
            component(unit(record(last, organization=OTHER_ORGANIZATION)), unit(record(last, 2), ledger=entry(b"last")), reads={stream: 1}),
        ]
    )
    assert verdicts == [Committed([3]), Moved([stream]), Replayed(1, b"request", b"[]", 1), KeyTaken(0, 1), Committed([4, 5])]
    records = await log.read(1, 10)
    places = [(each.stream_id, each.position, each.organization_seq) for each in records]
    assert places == [(first, 2, 2), (first, 3, 3), (last, 4, 1), (last, 5, 4)]
    replays = await log.append([component(unit(ledger=entry(key))) for key in (b"first", b"last")])
    assert [replay.position for replay in replays if isinstance(replay, Replayed)] == [3, 5]
    assert await log.append([component(unit(claims=[claim(b"free", last)]))]) == [Committed([5])]


async def test_components_that_read_the_same_stream_each_get_their_verdict(log: Log, stream: UUID) -> None:
    await log.append([single(stream)])
    verdicts = await log.append([component(unit(record(uuid4())), reads={stream: version}) for version in (1, 0, 1, 2)])
    assert verdicts == [Committed([2]), Moved([stream]), Committed([3]), Moved([stream])]


async def test_t21_a_key_in_the_ledger_answers_and_writes_nothing(log: Log, stream: UUID) -> None:
    keyed = component(unit(record(stream), ledger=entry(b"k", request=b"hash", reply=b'[{"id":1}]')))
    assert await log.append([keyed]) == [Committed([1])]
    again = component(unit(record(uuid4())), unit(record(uuid4()), ledger=entry(b"k", request=b"other")))
    assert await log.append([again]) == [Replayed(1, b"hash", b'[{"id":1}]', 1)]
    assert await log.head() == 1


async def test_t21_looking_a_key_up_does_not_enter_it(log: Log) -> None:
    lookup = component(unit(ledger=entry(b"k"), writes_ledger=False))
    assert await log.append([lookup]) == [Committed([0])]
    assert await log.append([lookup]) == [Committed([0])]


async def test_t21_a_unit_that_changes_nothing_is_entered_with_the_head(log: Log, stream: UUID) -> None:
    await log.append([single(stream)])
    assert await log.append([component(unit(ledger=entry(b"k", reply=b"same")))]) == [Committed([1])]
    await log.append([single(stream, 2)])
    assert await log.append([component(unit(ledger=entry(b"k")))]) == [Replayed(0, b"request", b"same", 1)]


async def test_t21_the_ledger_remembers_the_position_that_was_answered(log: Log, stream: UUID) -> None:
    idle, writing = component(unit(ledger=entry(b"idle"))), component(unit(record(stream), ledger=entry(b"writing")))
    verdicts = await log.append([idle, writing, single(uuid4())])
    answered = [verdict.positions[0] for verdict in verdicts[:2] if isinstance(verdict, Committed)]
    again = await log.append([component(unit(ledger=entry(key))) for key in (b"idle", b"writing")])
    assert [verdict.position for verdict in again if isinstance(verdict, Replayed)] == answered


async def test_the_ledger_is_asked_first_then_streams_then_unique_keys(log: Log, stream: UUID) -> None:
    await log.append([component(unit(record(stream), ledger=entry(b"k"), claims=[claim(b"slug", stream)]))])
    taken = [claim(b"slug", uuid4())]
    verdicts = await log.append(
        [
            component(unit(ledger=entry(b"k"), claims=taken), reads={stream: 0}),
            component(unit(ledger=entry(b"new"), claims=taken), reads={stream: 0}),
            component(unit(ledger=entry(b"newer"), claims=taken), reads={stream: 1}),
        ]
    )
    assert verdicts == [Replayed(0, b"request", b"[]", 1), Moved([stream]), KeyTaken(0, 0)]


async def test_a_unique_key_of_another_stream_is_taken(log: Log) -> None:
    first, second = uuid4(), uuid4()
    await log.append([component(unit(record(first), claims=[claim(b"slug", first)]))])
    late = component(unit(record(second)), unit(claims=[claim(b"free", second), claim(b"slug", second)]))
    assert await log.append([late]) == [KeyTaken(1, 1)]
    assert await log.append([component(unit(claims=[claim(b"slug", second, scope="e-mail"), claim(b"slug", first)]))]) == [Committed([1])]


async def test_a_released_unique_key_can_be_taken(log: Log) -> None:
    first, second = uuid4(), uuid4()
    await log.append([component(unit(claims=[claim(b"slug", first)]))])
    await log.append([component(unit(releases=[claim(b"slug", first)]))])
    assert await log.append([component(unit(claims=[claim(b"slug", second)]))]) == [Committed([0])]


async def test_only_the_owner_releases_a_unique_key(log: Log) -> None:
    first, second = uuid4(), uuid4()
    await log.append([component(unit(claims=[claim(b"slug", first)]))])
    assert await log.append([component(unit(releases=[claim(b"slug", second)], claims=[claim(b"slug", second)]))]) == [KeyTaken(0, 0)]
    await log.append([component(unit(releases=[claim(b"slug", second)]))])
    assert await log.append([component(unit(claims=[claim(b"slug", second)]))]) == [KeyTaken(0, 0)]


async def test_a_unique_key_passes_from_stream_to_stream_in_one_unit(log: Log) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    await log.append([component(unit(claims=[claim(b"slug", first)]))])
    pass_on = unit(record(second), releases=[claim(b"slug", first)], claims=[claim(b"slug", second), claim(b"more", second)])
    assert await log.append([component(pass_on)]) == [Committed([1])]
    assert await log.append([component(unit(claims=[claim(b"slug", third)]))]) == [KeyTaken(0, 0)]


async def test_the_release_of_a_failed_component_frees_nothing(log: Log, stream: UUID) -> None:
    await log.append([component(unit(record(stream), claims=[claim(b"slug", stream)]))])
    failing = component(unit(releases=[claim(b"slug", stream)]), reads={stream: 0})
    verdicts = await log.append([failing, component(unit(claims=[claim(b"slug", uuid4())]))])
    assert verdicts == [Moved([stream]), KeyTaken(0, 0)]
    assert await log.append([component(unit(claims=[claim(b"slug", uuid4())]))]) == [KeyTaken(0, 0)]


async def test_a_unique_key_that_a_later_unit_gives_back_is_free(log: Log) -> None:
    first, second = uuid4(), uuid4()
    back_and_forth = component(unit(claims=[claim(b"slug", first)]), unit(releases=[claim(b"slug", first)]))
    assert await log.append([back_and_forth]) == [Committed([0, 0])]
    assert await log.append([component(unit(claims=[claim(b"slug", second)]))]) == [Committed([0])]
    assert await log.append([back_and_forth]) == [KeyTaken(0, 0)]


async def test_the_first_finding_of_its_kind_is_named(log: Log) -> None:
    owner, late = uuid4(), uuid4()
    await log.append([component(unit(ledger=entry(b"one", reply=b"1"), claims=[claim(b"a", owner), claim(b"b", owner)]))])
    await log.append([component(unit(ledger=entry(b"two", reply=b"2")))])
    taken = component(unit(claims=[claim(b"free", late), claim(b"b", late)]), unit(claims=[claim(b"a", late)]))
    replayed = component(unit(ledger=entry(b"two")), unit(ledger=entry(b"one")))
    assert await log.append([taken, replayed]) == [KeyTaken(0, 1), Replayed(0, b"request", b"2", 0)]


async def test_load_gives_what_is_later_than_the_named_version(log: Log) -> None:
    first, second, missing = sorted(uuid4() for _ in range(3))
    for stream, version in ((second, 1), (first, 1), (second, 2), (first, 2), (second, 3)):
        await log.append([single(stream, version)])
    loaded = await log.load({second: 1, missing: 0, first: 0})
    assert loaded.snapshots == {}
    assert [(each.stream_id, each.version) for each in loaded.records] == [(first, 1), (first, 2), (second, 2), (second, 3)]
    assert (await log.load({})) == ({}, [])


async def test_load_begins_with_the_snapshot(log: Log, stream: UUID) -> None:
    other = uuid4()
    await log.append([component(unit(*(record(stream, version) for version in (1, 2, 3)))), single(other)])
    folded = snapshot(stream, 2, state=b"two")
    await log.save_snapshots([folded])
    loaded = await log.load({stream: 0, other: 0})
    assert loaded.snapshots == {stream: folded}
    assert {(each.stream_id, each.version) for each in loaded.records} == {(stream, 3), (other, 1)}
    from_version = await log.load({stream: 1})
    assert (from_version.snapshots, [each.version for each in from_version.records]) == ({}, [2, 3])
    without = await log.load({stream: 0}, snapshots=False)
    assert (without.snapshots, [each.version for each in without.records]) == ({}, [1, 2, 3])


async def test_a_snapshot_replaces_an_older_one_only(log: Log, stream: UUID) -> None:
    other = uuid4()
    newer, older = snapshot(stream, 3, state=b"three"), snapshot(stream, 2, state=b"two")
    await log.save_snapshots([snapshot(other, 1), newer])
    await log.save_snapshots([older, snapshot(other, 1, state=b"again", state_version="2")])
    loaded = await log.load({stream: 0, other: 0})
    assert loaded.snapshots == {stream: newer, other: snapshot(other, 1, state=b"again", state_version="2")}
    await log.save_snapshots([])


async def test_read_follows_in_order_and_by_slot(log: Log) -> None:
    organizations = [UUID(int=(1 << 96) + last) for last in (5, 6, 5 + 64)]
    await log.append([single(uuid4(), organization=organizations[n % 3]) for n in range(9)])
    assert [each.position for each in await log.read(3, 4)] == [4, 5, 6, 7]
    assert [each.position for each in await log.read(1, 3, slots=[5])] == [3, 4, 6]
    assert [each.position for each in await log.read(0, 9, slots={6, 7})] == [2, 5, 8]
    assert await log.read(9, 5) == []
    assert await log.head() == 9


async def test_waiting_ends_when_the_log_grows(log: Log, stream: UUID) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(log.wait(0, 30))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await log.append([single(stream)])
    assert waiting.result()
    async with asyncio.timeout(5):
        assert await log.wait(0, 30)


async def test_waiting_ends_after_the_time(log: Log) -> None:
    started = monotonic()
    assert not await log.wait(0, 0.05)
    assert 0.04 < monotonic() - started < 5


async def test_a_locked_session_reads_and_appends(log: Log, stream: UUID) -> None:
    await log.append([single(stream)])
    async with log.locked({stream, uuid4()}) as session:
        loaded = await session.load({stream: 0})
        assert [each.version for each in loaded.records] == [1]
        assert await session.append([component(unit(record(uuid4())), reads={stream: 0})]) == [Moved([stream])]
        assert await session.append([single(stream, 2)]) == [Committed([2])]
    assert await log.head() == 2
