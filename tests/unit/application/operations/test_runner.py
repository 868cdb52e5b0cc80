"""Operations are carried out, and none stays `running` for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.bus.messages import Busy, Unavailable
from application.ids import fresh_uuid7
from application.operations import runner as module
from application.operations.model import ENDED, NewOperation, Operation, Run, Work
from application.operations.runner import MOST_ATTEMPTS, GivenUp, Runner
from application.principal import Principal
from domain.refusals import NotFound
from tests.support.operations import MemoryOperations

SENDER = Principal(organization_id=uuid4(), user_id=uuid4())
LEASE = timedelta(seconds=0.2)

Started = Callable[[Run], Runner]


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> MemoryOperations:
    """With short pauses."""
    for pause in ("_LOOK_SECONDS", "_BUSY_SECONDS", "_AGAIN_SECONDS", "_TIDY_SECONDS", "_FAULT_SECONDS"):
        monkeypatch.setattr(module, pause, 0.01)
    monkeypatch.setattr(module, "_RENEW_SECONDS", LEASE.total_seconds() / 4)
    return MemoryOperations(lease=LEASE)


@pytest.fixture
async def started(operations: MemoryOperations) -> AsyncIterator[Started]:
    """Starts runners that do this work, as processes would."""
    runners = []

    def start(run: Run) -> Runner:
        runners.append(Runner(operations, {"count": run}, describe=describe))
        runners[-1].start()
        return runners[-1]

    yield start
    operations.away = False
    for runner in runners:
        await runner.close()


def describe(fault: Exception, correlation_id: str) -> dict[str, Any]:
    return {"code": type(fault).__name__, "correlation_id": correlation_id}


async def ask(operations: MemoryOperations, **fields: Any) -> UUID:
    new = NewOperation(id=fresh_uuid7(), kind="count", principal=SENDER, permissions=(), correlation_id="c", parameters=b"5", **fields)
    await operations.create(new)
    return new.id


async def until(operations: MemoryOperations, operation_id: UUID, holds: Callable[[Operation], bool]) -> Operation:
    assert SENDER.organization_id is not None
    async with asyncio.timeout(5):
        while True:
            if not operations.away:
                operation = await operations.get(SENDER.organization_id, operation_id)
                assert operation is not None
                if holds(operation):
                    return operation
            await asyncio.sleep(0.005)


async def ended(operations: MemoryOperations, operation_id: UUID) -> Operation:
    return await until(operations, operation_id, lambda operation: operation.state in ENDED)


async def count(work: Work) -> None:
    """Counts to the number that the parameters say, and keeps every number."""
    for number in range(work.done + 1, int(await work.parameters()) + 1):
        await asyncio.sleep(0.01)
        await work.step(done=number, result={"sum": work.result.get("sum", 0) + number}, output=b"%d" % number)


async def output(operations: MemoryOperations, operation: Operation) -> list[bytes]:
    return [piece async for piece in operations.outputs(operation)]


async def test_work_is_done_step_by_step(operations: MemoryOperations, started: Started) -> None:
    started(count)
    operation_id = await ask(operations, total=5)
    await until(operations, operation_id, lambda operation: operation.state == "running" and operation.done == 2)
    operation = await ended(operations, operation_id)
    assert (operation.state, operation.done, operation.result, operation.problem) == ("succeeded", 5, {"sum": 15}, None)
    assert await output(operations, operation) == [b"1", b"2", b"3", b"4", b"5"]


async def test_who_stops_puts_back_and_another_goes_on_where_it_was(operations: MemoryOperations, started: Started) -> None:
    operation_id = await ask(operations)
    first = started(count)
    await until(operations, operation_id, lambda operation: operation.done >= 2)
    await first.close()
    stopped = await until(operations, operation_id, lambda _: True)
    assert stopped.state == "queued"
    started(count)
    operation = await ended(operations, operation_id)
    assert (operation.state, operation.result) == ("succeeded", {"sum": 15})
    assert await output(operations, operation) == [b"1", b"2", b"3", b"4", b"5"]


async def test_cancelling_stops_at_the_next_step_and_what_was_done_stays_done(operations: MemoryOperations, started: Started) -> None:
    operation_id = await ask(operations)
    started(count)
    running = await until(operations, operation_id, lambda operation: operation.done == 2)
    await operations.cancel(running.organization_id, operation_id)
    operation = await ended(operations, operation_id)
    assert (operation.state, operation.done, operation.result) == ("cancelled", 3, {"sum": 6})


async def test_what_is_cancelled_while_nobody_holds_it_ends_with_the_next_holder(operations: MemoryOperations, started: Started) -> None:
    operation_id = await ask(operations)
    assert await operations.claim(["count"]) is not None
    assert SENDER.organization_id is not None
    asked = await operations.cancel(SENDER.organization_id, operation_id)
    assert asked is not None
    assert asked.state == "running"
    started(count)
    operation = await ended(operations, operation_id)
    assert (operation.state, operation.done) == ("cancelled", 0)


async def test_a_refusal_is_the_end(operations: MemoryOperations, started: Started) -> None:
    async def refused(work: Work) -> None:
        await work.step(done=1)
        raise NotFound(what="event")

    started(refused)
    operation = await ended(operations, await ask(operations))
    assert (operation.state, operation.done, operation.problem) == ("failed", 1, {"code": "NotFound", "correlation_id": "c"})


async def test_a_fault_is_tried_again_a_few_times(operations: MemoryOperations, started: Started) -> None:
    attempts: list[int] = []

    async def recovers(work: Work) -> None:
        attempts.append(work.claim.attempt)
        if len(attempts) < 3:
            raise ZeroDivisionError
        await count(work)

    started(recovers)
    assert (await ended(operations, await ask(operations))).state == "succeeded"
    assert attempts == [1, 2, 3]


async def test_a_fault_that_stays_is_the_end(operations: MemoryOperations, started: Started) -> None:
    attempts: list[int] = []

    async def poisoned(work: Work) -> None:
        attempts.append(work.claim.attempt)
        raise ZeroDivisionError

    started(poisoned)
    operation = await ended(operations, await ask(operations))
    assert (operation.state, operation.problem) == ("failed", {"code": "ZeroDivisionError", "correlation_id": "c"})
    assert attempts == list(range(1, MOST_ATTEMPTS + 1))


async def test_what_has_ended_its_processes_again_and_again_is_given_up(operations: MemoryOperations, started: Started) -> None:
    operation_id = await ask(operations)
    for _ in range(MOST_ATTEMPTS):
        assert await operations.claim(["count"]) is not None  # and is not heard of again
        await asyncio.sleep(LEASE.total_seconds())
    started(count)
    operation = await ended(operations, operation_id)
    assert (operation.state, operation.done) == ("failed", 0)
    assert operation.problem == {"code": GivenUp.__name__, "correlation_id": "c"}


@pytest.mark.parametrize("fault", [Busy, Unavailable])
async def test_who_cannot_be_reached_is_waited_for(operations: MemoryOperations, started: Started, fault: type[Exception]) -> None:
    attempts: list[int] = []

    async def waits(work: Work) -> None:
        attempts.append(work.claim.attempt)
        if len(attempts) < 2 * MOST_ATTEMPTS:
            raise fault
        await count(work)

    started(waits)
    assert (await ended(operations, await ask(operations))).state == "succeeded"
    assert set(attempts) == {1}


async def test_while_the_database_is_away_work_waits_and_then_goes_on(operations: MemoryOperations, started: Started) -> None:
    attempts: list[int] = []

    async def counting(work: Work) -> None:
        attempts.append(work.claim.attempt)
        await count(work)

    operation_id = await ask(operations)
    started(counting)
    await until(operations, operation_id, lambda operation: operation.done == 2)
    operations.away = True
    await asyncio.sleep(LEASE.total_seconds() / 2)
    operations.away = False
    operation = await ended(operations, operation_id)
    assert (operation.state, operation.result) == ("succeeded", {"sum": 15})
    assert attempts == [1, 1]


async def test_an_end_that_cannot_be_written_down_is_written_down_later(operations: MemoryOperations, started: Started) -> None:
    dark = asyncio.Event()

    async def ends_in_the_dark(_: Work) -> None:
        assert not dark.is_set(), "done twice"
        operations.away = True
        dark.set()

    operation_id = await ask(operations)
    started(ends_in_the_dark)
    async with asyncio.timeout(5):
        await dark.wait()
    await asyncio.sleep(0.05)
    operations.away = False
    assert (await ended(operations, operation_id)).state == "succeeded"


async def test_long_steps_do_not_lose_the_claim(operations: MemoryOperations, started: Started) -> None:
    runs = 0

    async def slow(work: Work) -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(LEASE.total_seconds() * 2)
        await work.step(done=1)

    operation_id = await ask(operations)
    started(slow)
    started(slow)
    assert (await ended(operations, operation_id)).done == 1
    assert runs == 1


async def test_who_was_overtaken_leaves_the_work_alone(operations: MemoryOperations, started: Started) -> None:
    async def overtaken(work: Work) -> None:
        operations._all[work.claim.id].epoch += 1  # as another process's claim does
        await work.step(done=99)

    operation_id = await ask(operations)
    runner = started(overtaken)
    await until(operations, operation_id, lambda operation: operation.state == "running")
    await asyncio.sleep(0.05)
    await runner.close()
    operation = await until(operations, operation_id, lambda _: True)
    assert (operation.state, operation.done) == ("running", 0)


async def test_no_more_than_two_at_a_time(operations: MemoryOperations, started: Started) -> None:
    running = most = 0

    async def counted(work: Work) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await count(work)
        running -= 1

    ids = [await ask(operations) for _ in range(5)]
    started(counted)
    for operation_id in ids:
        await ended(operations, operation_id)
    assert most == 2


async def test_work_that_cannot_go_on_in_the_middle_begins_again(operations: MemoryOperations, started: Started) -> None:
    faults = [ZeroDivisionError]

    async def all_or_nothing(work: Work) -> None:
        if work.done:
            await work.begin_again()
        assert (work.done, work.result) == (0, {})
        await work.step(done=1, output=b"1")
        if faults:
            raise faults.pop()
        await work.step(done=2, output=b"2")

    started(all_or_nothing)
    operation = await ended(operations, await ask(operations))
    assert (operation.state, operation.done) == ("succeeded", 2)
    assert await output(operations, operation) == [b"1", b"2"]


async def test_a_kind_that_this_process_does_not_know_is_left_alone(operations: MemoryOperations) -> None:
    known: Mapping[str, Run] = {"other": count}
    operation_id = await ask(operations)
    runner = Runner(operations, known, describe=describe)
    runner.start()
    await asyncio.sleep(0.05)
    await runner.close()
    assert (await until(operations, operation_id, lambda _: True)).state == "queued"
