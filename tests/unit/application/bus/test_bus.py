"""The bus against a log in memory: what is promised of units, groups, conflicts, keys and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

import pytest

from application.bus.messages import Busy, IdempotencyMismatch
from application.ports import Component, Verdict
from application.principal import Principal
from application.unit import IdTaken, PreconditionNotSupported
from domain.refusals import NotFound, Refusal, Stale
from tests.unit.application.bus.tills import (
    MEMBER,
    OTHER_ORG,
    NameTaken,
    OpenTestTill,
    PayTestTill,
    PayTwoTestTills,
    PeekTestTill,
    Till,
    TillEmpty,
    World,
    a_till,
    send,
)


async def test_a_unit_is_in_the_log_with_its_reply_and_position(world: World) -> None:
    bus = await world.process()
    outcome = await send(bus, OpenTestTill())
    assert outcome.position == 1
    assert world.log.records[0].stream_id == outcome.replies[0].id
    assert world.log.records[0].type == "testtill.opened"
    assert b'"actor":"system:test"' in world.log.records[0].meta


async def test_concurrent_units_are_committed_in_one_append(world: World) -> None:
    bus = await world.process()
    till = await a_till(bus, coins=100)
    before = len(world.log.appends)
    await asyncio.gather(*(send(bus, PayTestTill(till_id=till)) for _ in range(50)))
    assert len(world.log.appends) - before <= 2
    assert world.log.version(till) == 51


async def test_each_unit_is_decided_on_top_of_the_ones_before_it(world: World) -> None:
    bus = await world.process()
    till = await a_till(bus, coins=3)
    results = await asyncio.gather(*(send(bus, PayTestTill(till_id=till)) for _ in range(5)), return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["Outcome"] * 3 + ["TillEmpty"] * 2


async def test_t7_a_unit_over_several_aggregates_is_all_or_nothing(world: World) -> None:
    bus = await world.process()
    rich, poor = await a_till(bus, 5), await a_till(bus, 0)
    with pytest.raises(TillEmpty):
        await send(bus, PayTwoTestTills(first_id=rich, second_id=poor))
    assert world.log.version(rich) == 1
    assert (await send(bus, PayTestTill(till_id=rich, coins=5))).replies[0].version == 2


async def test_a_list_of_commands_is_one_unit(world: World) -> None:
    bus = await world.process()
    till = await a_till(bus, 3)
    with pytest.raises(TillEmpty) as refused:
        await send(bus, PayTestTill(till_id=till, coins=2), PayTestTill(till_id=till, coins=2))
    assert refused.value.command_index == 1
    assert world.log.version(till) == 1
    outcome = await send(bus, PayTestTill(till_id=till, coins=2), PayTestTill(till_id=till, coins=1))
    assert [reply.version for reply in outcome.replies] == [2, 3]


async def test_what_was_read_is_a_precondition_also_when_it_is_not_written(world: World) -> None:
    bus = await world.process()
    first, second = await a_till(bus), await a_till(bus)
    await send(bus, PayTwoTestTills(first_id=first, second_id=second, coins=0))
    assert world.log.appends[-1][0].preconditions == {first: 1, second: 1}


async def test_a_unit_that_lost_to_another_process_is_decided_again_under_the_lock(world: World) -> None:
    here, there = await world.process(), await world.process()
    till = await a_till(here, 1)
    await send(here, PeekTestTill(till_id=till))
    await send(there, PayTestTill(till_id=till))
    with pytest.raises(TillEmpty):
        await send(here, PayTestTill(till_id=till))
    assert world.log.version(till) == 2


async def test_a_conflict_takes_the_stream_lock_before_the_next_attempt(world: World) -> None:
    here, there = await world.process(), await world.process()
    till = await a_till(here, 100)
    for bus in (here, there):
        await send(bus, PeekTestTill(till_id=till))
    await asyncio.gather(*(send(bus, PayTestTill(till_id=till)) for bus in (here, there) for _ in range(20)))
    assert world.log.version(till) == 41
    assert {till} in world.log.locked_streams
    assert here.statistics.conflicts + there.statistics.conflicts > 0


async def test_a_refusal_on_old_knowledge_is_decided_again(world: World) -> None:
    here, there = await world.process(), await world.process()
    stranger = uuid4()
    with pytest.raises(NotFound):
        await send(here, PayTestTill(till_id=stranger))
    await send(there, OpenTestTill(id=stranger))
    assert (await send(here, PayTestTill(till_id=stranger))).replies[0].version == 2


async def test_o1_an_aggregate_of_another_organization_does_not_exist(world: World) -> None:
    bus = await world.process()
    till = await a_till(bus)
    with pytest.raises(NotFound):
        await send(bus, PayTestTill(till_id=till), principal=Principal(organization_id=OTHER_ORG, system="test"))
    with pytest.raises(IdTaken):
        await send(bus, OpenTestTill(id=till), principal=Principal(organization_id=OTHER_ORG, system="test"))


async def test_t21_the_same_key_and_request_get_the_same_reply_without_secrets(world: World) -> None:
    bus = await world.process()
    first = await send(bus, OpenTestTill(), key="k")
    again = await send(bus, OpenTestTill(), key="k")
    assert (again.replayed, again.replies[0].id, again.position) == (True, first.replies[0].id, first.position)
    assert (first.replies[0].secrets, again.replies[0].secrets) == ({"word": "hush"}, {})
    assert len(world.log.records) == 1


async def test_t21_another_request_under_the_same_key_is_refused(world: World) -> None:
    bus = await world.process()
    await send(bus, OpenTestTill(), key="k")
    with pytest.raises(IdempotencyMismatch):
        await send(bus, OpenTestTill(coins=3), key="k")


async def test_t21_a_retry_gets_its_reply_also_when_the_state_would_now_refuse_it(world: World) -> None:
    bus = await world.process()
    till = await a_till(bus, 1)
    first = await send(bus, PayTestTill(till_id=till), key="k")
    again = await send(bus, PayTestTill(till_id=till), key="k")
    assert (again.replayed, again.replies) == (True, first.replies)


async def test_t21_a_concurrent_retry_waits_for_the_first(world: World) -> None:
    bus = await world.process()
    till = await a_till(bus, 10)
    outcomes = await asyncio.gather(*(send(bus, PayTestTill(till_id=till), key="k") for _ in range(5)))
    assert sorted(outcome.replayed for outcome in outcomes) == [False, True, True, True, True]
    assert world.log.version(till) == 2


async def test_t21_a_refusal_is_not_remembered(world: World) -> None:
    bus = await world.process()
    till = uuid4()
    with pytest.raises(NotFound):
        await send(bus, PayTestTill(till_id=till), key="k")
    await send(bus, OpenTestTill(id=till))
    assert not (await send(bus, PayTestTill(till_id=till), key="k")).replayed


async def test_a_command_that_changes_nothing_enters_the_ledger(world: World) -> None:
    bus = await world.process()
    till = await a_till(bus)
    await send(bus, PeekTestTill(till_id=till), key="k")
    assert (await send(bus, PeekTestTill(till_id=till), key="k")).replayed


async def test_a_key_in_the_ledger_spares_the_other_units_of_its_group(world: World) -> None:
    here, there = await world.process(), await world.process()
    till = await a_till(here, 10)
    await send(there, PayTestTill(till_id=till), key="k")
    outcomes = await asyncio.gather(send(here, PayTestTill(till_id=till), key="k"), send(here, PayTestTill(till_id=till)))
    assert [outcome.replayed for outcome in outcomes] == [True, False]
    assert world.log.version(till) == 3


async def test_o10_a_unique_key_is_taken_once_within_a_batch_and_across_batches(world: World) -> None:
    bus = await world.process()
    results = await asyncio.gather(*(send(bus, OpenTestTill(name="a")) for _ in range(3)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NameTaken", "NameTaken", "Outcome"]
    with pytest.raises(NameTaken):
        await send(bus, OpenTestTill(name="a"))


async def test_a_drawn_key_that_is_taken_is_drawn_again(world: World) -> None:
    bus = await world.process()
    await asyncio.gather(*(send(bus, OpenTestTill(number=7)) for _ in range(3)))
    await send(bus, OpenTestTill(number=7))
    assert len(world.log.keys) == 4


async def test_if_match_is_compared_and_never_ignored(world: World) -> None:
    bus = await world.process()
    till = await a_till(bus)
    with pytest.raises(Stale):
        await send(bus, PayTestTill(till_id=till), if_match=7)
    assert (await send(bus, PayTestTill(till_id=till), if_match=1)).replies[0].version == 2
    with pytest.raises(PreconditionNotSupported):
        await send(bus, PeekTestTill(till_id=till), if_match=2)


async def test_over_the_queue_limit_the_bus_says_busy(world: World) -> None:
    bus = await world.process(queue_limit=3)
    results = await asyncio.gather(*(send(bus, OpenTestTill()) for _ in range(5)), return_exceptions=True)
    assert [isinstance(result, Busy) for result in results] == [False, False, False, True, True]


async def test_a_fault_in_one_handler_does_not_touch_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = await world.process()
    till = await a_till(bus)
    honest = Till.pay

    def faulty(self: Till, coins: int, now: datetime) -> None:
        if coins == 4:
            msg = "a fault"
            raise RuntimeError(msg)
        honest(self, coins, now)

    monkeypatch.setattr(Till, "pay", faulty)
    results = await asyncio.gather(*(send(bus, PayTestTill(till_id=till, coins=n)) for n in (1, 4, 2)), return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["Outcome", "RuntimeError", "Outcome"]


async def test_a_fault_of_the_bus_itself_is_answered_and_the_next_command_is_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = await world.process()
    till = await a_till(bus)
    honest = world.log.append

    async def forgetful(_components: Sequence[Component]) -> Sequence[Verdict]:
        monkeypatch.setattr(world.log, "append", honest)
        return ()

    monkeypatch.setattr(world.log, "append", forgetful)
    with pytest.raises(ValueError, match="zip"):
        await asyncio.wait_for(send(bus, PayTestTill(till_id=till)), timeout=2)
    assert (await send(bus, PayTestTill(till_id=till))).replies[0].version == 2


async def test_units_that_share_only_reads_do_not_fail_together(world: World) -> None:
    bus = await world.process()
    shared, one, two = await a_till(bus), await a_till(bus), await a_till(bus)
    await asyncio.gather(
        send(bus, PeekTestTill(till_id=shared), PayTestTill(till_id=one)), send(bus, PeekTestTill(till_id=shared), PayTestTill(till_id=two))
    )
    assert len(world.log.appends[-1]) == 2


async def test_foreign_records_reach_the_cache_by_following_the_log(world: World) -> None:
    here, there = await world.process(), await world.process()
    till = await a_till(here, 10)
    await send(there, PayTestTill(till_id=till, coins=4))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert await here.ask(MEMBER, lambda unit: unit.get(Till, till).coins) == 6


async def test_every_process_knows_the_last_position_of_an_organization_its_own_at_once(world: World) -> None:
    here, there = await world.process(), await world.process()
    assert MEMBER.organization_id is not None
    outcome = await send(here, OpenTestTill())
    assert here.last_position(MEMBER.organization_id) == outcome.position
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert there.last_position(MEMBER.organization_id) == outcome.position
    assert there.last_position(UUID(int=99)) == 0, "an organization that nothing was heard of since the start"


async def test_a_long_stream_is_loaded_from_its_snapshot(world: World) -> None:
    here = await world.process()
    till = await a_till(here, 1000)
    await asyncio.gather(*(send(here, PayTestTill(till_id=till)) for _ in range(250)))
    await here._snapshots.write()
    assert world.log.snapshots[till].version >= 100
    there = await world.process()
    assert await there.ask(MEMBER, lambda unit: unit.get(Till, till).coins) == 750


async def test_a_snapshot_of_another_state_version_is_ignored(world: World) -> None:
    here = await world.process()
    till = await a_till(here, 1000)
    await asyncio.gather(*(send(here, PayTestTill(till_id=till)) for _ in range(120)))
    await here._snapshots.write()
    world.log.snapshots[till] = world.log.snapshots[till]._replace(state_version="old")
    there = await world.process()
    assert await there.ask(MEMBER, lambda unit: unit.get(Till, till).coins) == 880


async def test_refusals_are_typed_and_carry_their_rule(world: World) -> None:
    bus = await world.process()
    till = await a_till(bus, 1)
    with pytest.raises(Refusal) as refused:
        await send(bus, PayTestTill(till_id=till, coins=2))
    assert (refused.value.code, refused.value.rule, str(refused.value)) == ("till_empty", "X1", "Only 1 coins are left.")
