"""What every provider of `application.operations.model.Operations` and `Claims` promises."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from application.bus.messages import IdempotencyMismatch
from application.operations.model import (
    OPEN_LIMIT,
    Claim,
    Claims,
    Lost,
    NewOperation,
    OperationEnded,
    Operations,
    Progress,
    TooManyOperations,
)
from application.principal import PLATFORM, Principal
from application.unit import PLATFORM_ID
from infrastructure.postgres.claims import PostgresClaims
from infrastructure.postgres.keys import PostgresKeys
from infrastructure.postgres.operations import PostgresOperations
from infrastructure.postgres.pool import APPENDER, close_pool, open_pool
from tests.support.operations import MemoryOperations

ORGANIZATION, OTHER = uuid4(), uuid4()
SENDER = Principal(organization_id=ORGANIZATION, key_id=uuid4(), user_id=uuid4())
_ids = itertools.count(1)
"""Newer ones are greater; those of the same millisecond would be in any order."""
LEASE = timedelta(seconds=0.15)


class Ports(NamedTuple):
    operations: Operations
    claims: Claims


Opened = Callable[[timedelta], "Ports"]


@pytest.fixture(params=["memory", "postgres"])
def server(request: pytest.FixtureRequest) -> str | None:
    url: str | None = request.getfixturevalue("database_url") if request.param == "postgres" else None
    return url


@pytest.fixture
async def opened(server: str | None) -> AsyncIterator[Opened]:
    """Opens the ports, for a time that results are kept."""
    if server is None:

        def in_memory(kept: timedelta) -> Ports:
            memory = MemoryOperations(kept=kept, lease=LEASE)
            return Ports(memory, memory)

        yield in_memory
        return
    async with AsyncExitStack() as resources:
        keys = await PostgresKeys.open(server, b"k" * 32)
        resources.push_async_callback(keys.close)
        pool = await open_pool(server, role=APPENDER)
        resources.push_async_callback(close_pool, pool)
        queued = asyncio.Event()

        def in_postgres(kept: timedelta) -> Ports:
            return Ports(PostgresOperations(pool, keys, queued, kept=kept), PostgresClaims(pool, keys, queued, kept=kept, lease=LEASE))

        yield in_postgres


@pytest.fixture
def ports(opened: Opened) -> Ports:
    return opened(timedelta(hours=1))


def new(principal: Principal = SENDER, **fields: Any) -> NewOperation:
    defaults: dict[str, Any] = {"kind": "count", "permissions": ("data.read",), "correlation_id": "c", "parameters": b"{}"}
    return NewOperation(id=UUID(int=next(_ids)), principal=principal, **(defaults | fields))


def progress(done: int, outputs: int = 0, **result: Any) -> Progress:
    return Progress(done=done, total=None, result=result, outputs=outputs)


async def claimed(ports: Ports) -> Claim:
    claim = await ports.claims.claim(["count"])
    assert claim is not None
    return claim


async def made(ports: Ports, **fields: Any) -> UUID:
    operation, known = await ports.operations.create(new(**fields))
    assert not known
    return operation.id


async def state(ports: Ports, operation_id: UUID) -> str:
    operation = await ports.operations.get(ORGANIZATION, operation_id)
    assert operation is not None
    return operation.state


async def test_an_operation_waits_until_it_is_claimed(ports: Ports) -> None:
    asked = new(total=7, parameters=b"secret", inputs=[b"one", b"two"])
    operation, _ = await ports.operations.create(asked)
    assert (operation.state, operation.done, operation.total, operation.started_at) == ("queued", 0, 7, None)
    assert (operation.actor, operation.permissions) == (SENDER.actor, ("data.read",))
    claim = await claimed(ports)
    assert (claim.id, claim.principal, claim.attempt, claim.total) == (asked.id, SENDER, 1, 7)
    assert await ports.claims.parameters(claim) == b"secret"
    assert [await ports.claims.input(claim, number) for number in range(2)] == [b"one", b"two"]
    running = await ports.operations.get(ORGANIZATION, asked.id)
    assert running is not None
    assert (running.state, running.started_at is not None) == ("running", True)
    assert await ports.claims.claim(["count"]) is None


async def test_another_organization_has_no_such_operation(ports: Ports) -> None:
    operation_id = await made(ports)
    assert await ports.operations.get(OTHER, operation_id) is None
    assert await ports.operations.cancel(OTHER, operation_id) is None
    assert await ports.operations.page(OTHER, limit=5) == []
    assert await state(ports, operation_id) == "queued"


async def test_the_platform_has_operations_of_its_own(ports: Ports) -> None:
    operation, _ = await ports.operations.create(new(PLATFORM))
    assert (operation.organization_id, operation.actor) == (PLATFORM_ID, "platform")
    assert (await claimed(ports)).principal == PLATFORM


async def test_a_kind_that_a_process_does_not_know_is_left_to_others(ports: Ports) -> None:
    await made(ports, kind="later")
    assert await ports.claims.claim(["count"]) is None


async def test_t21_the_same_key_gives_the_same_operation(ports: Ports) -> None:
    first, _ = await ports.operations.create(new(idempotency_key="k", fingerprint=b"body"))
    again, known = await ports.operations.create(new(idempotency_key="k", fingerprint=b"body"))
    assert known
    assert again.id == first.id
    with pytest.raises(IdempotencyMismatch):
        await ports.operations.create(new(idempotency_key="k", fingerprint=b"other"))
    with pytest.raises(IdempotencyMismatch):
        await ports.operations.create(new(idempotency_key="k", fingerprint=b"body", kind="other"))
    elsewhere, known = await ports.operations.create(new(Principal(organization_id=OTHER), idempotency_key="k", fingerprint=b"body"))
    assert (known, elsewhere.organization_id) == (False, OTHER)


async def test_t21_the_same_key_sent_twice_at_once_gives_one_operation(ports: Ports) -> None:
    answers = await asyncio.gather(*(ports.operations.create(new(idempotency_key="k", inputs=[b"x"])) for _ in range(5)))
    assert len({operation.id for operation, _ in answers}) == 1
    assert sum(not known for _, known in answers) == 1


async def test_an_organization_has_no_more_than_so_many_under_way(ports: Ports) -> None:
    ids = [await made(ports) for _ in range(OPEN_LIMIT)]
    with pytest.raises(TooManyOperations):
        await ports.operations.create(new())
    await ports.operations.create(new(Principal(organization_id=OTHER)))
    await ports.operations.cancel(ORGANIZATION, ids[0])
    await made(ports)


async def test_the_list_is_newest_first_in_pages_and_by_state_and_kind(ports: Ports) -> None:
    ids = [await made(ports, kind=kind) for kind in ("count", "other", "count")]
    await ports.operations.cancel(ORGANIZATION, ids[2])

    async def listed(limit: int = 9, **options: Any) -> list[UUID]:
        return [each.id for each in await ports.operations.page(ORGANIZATION, limit=limit, **options)]

    assert await listed() == ids[::-1]
    assert await listed(2) == [ids[2], ids[1]]
    assert await listed(before=ids[1]) == [ids[0]]
    assert await listed(state="queued") == [ids[1], ids[0]]
    assert await listed(kind="count", state="cancelled") == [ids[2]]


async def test_a_step_keeps_progress_and_output_together(ports: Ports) -> None:
    operation_id = await made(ports, total=3)
    claim = await claimed(ports)
    assert not await ports.claims.step(claim, progress(1, 1, seen=1), b"first")
    assert not await ports.claims.step(claim, Progress(done=2, total=2, result={"seen": 2}, outputs=2), b"second")
    operation = await ports.operations.get(ORGANIZATION, operation_id)
    assert operation is not None
    assert (operation.done, operation.total, operation.result, operation.outputs) == (2, 2, {"seen": 2}, 2)
    assert [piece async for piece in ports.operations.outputs(operation)] == [b"first", b"second"]
    assert [piece async for piece in ports.operations.outputs(operation, 1)] == [b"second"]
    await ports.claims.end(claim, "succeeded")
    assert await state(ports, operation_id) == "succeeded"


async def test_what_a_dead_process_had_is_taken_over_where_it_was(ports: Ports) -> None:
    operation_id = await made(ports)
    dead = await claimed(ports)
    await ports.claims.step(dead, progress(5, 1, seen=5), b"piece")
    assert await ports.claims.claim(["count"]) is None
    await asyncio.sleep(LEASE.total_seconds() + 0.05)
    claim = await claimed(ports)
    assert (claim.id, claim.done, claim.result, claim.outputs, claim.attempt) == (operation_id, 5, {"seen": 5}, 1, 2)


async def test_who_lost_its_claim_writes_nothing_more(ports: Ports) -> None:
    operation_id = await made(ports)
    old = await claimed(ports)
    await asyncio.sleep(LEASE.total_seconds() + 0.05)
    claim = await claimed(ports)
    for write in (
        ports.claims.step(old, progress(9, 1), b"x"),
        ports.claims.begin_again(old),
        ports.claims.put_back(old, pause=0, counts=False),
        ports.claims.end(old, "failed"),
    ):
        with pytest.raises(Lost):
            await write
    await ports.claims.renew(old)
    await ports.claims.end(claim, "succeeded")
    operation = await ports.operations.get(ORGANIZATION, operation_id)
    assert operation is not None
    assert (operation.state, operation.done, operation.outputs) == ("succeeded", 0, 0)
    with pytest.raises(Lost):
        await ports.claims.step(claim, progress(1), None)


async def test_a_claim_that_is_renewed_is_held(ports: Ports) -> None:
    await made(ports)
    claim = await claimed(ports)
    for _ in range(4):
        await asyncio.sleep(LEASE.total_seconds() / 2)
        await ports.claims.renew(claim)
    assert await ports.claims.claim(["count"]) is None


async def test_what_is_put_back_rests_first_and_may_count_as_an_attempt(ports: Ports) -> None:
    operation_id = await made(ports)
    await ports.claims.put_back(await claimed(ports), pause=0, counts=False)
    assert await state(ports, operation_id) == "queued"
    claim = await claimed(ports)
    assert claim.attempt == 1
    await ports.claims.put_back(claim, pause=0.1, counts=True)
    assert await ports.claims.claim(["count"]) is None
    await asyncio.sleep(0.15)
    assert (await claimed(ports)).attempt == 2


async def test_cancelling_ends_what_nobody_has_begun(ports: Ports) -> None:
    operation_id = await made(ports, inputs=[b"x"])
    cancelled = await ports.operations.cancel(ORGANIZATION, operation_id)
    assert cancelled is not None
    assert (cancelled.state, cancelled.ended_at is not None, cancelled.results_until is not None) == ("cancelled", True, True)
    assert await ports.claims.claim(["count"]) is None
    assert await ports.operations.cancel(ORGANIZATION, operation_id) == cancelled


async def test_cancelling_is_heard_of_at_the_next_step_and_by_the_next_holder(ports: Ports) -> None:
    operation_id = await made(ports)
    claim = await claimed(ports)
    asked = await ports.operations.cancel(ORGANIZATION, operation_id)
    assert asked is not None
    assert asked.state == "running"
    assert await ports.claims.step(claim, progress(1), None)
    await asyncio.sleep(LEASE.total_seconds() + 0.05)
    assert (await claimed(ports)).cancelled


async def test_what_has_ended_is_not_cancelled(ports: Ports) -> None:
    operation_id = await made(ports)
    await ports.claims.end(await claimed(ports), "failed", {"code": "sold_out"})
    with pytest.raises(OperationEnded):
        await ports.operations.cancel(ORGANIZATION, operation_id)
    operation = await ports.operations.get(ORGANIZATION, operation_id)
    assert operation is not None
    assert (operation.state, operation.problem) == ("failed", {"code": "sold_out"})


async def test_beginning_again_drops_what_there_was(ports: Ports) -> None:
    operation_id = await made(ports, total=3)
    claim = await claimed(ports)
    await ports.claims.step(claim, progress(2, 1, seen=2), b"old")
    await ports.claims.begin_again(claim)
    await ports.claims.step(claim, progress(1, 1), b"new")
    operation = await ports.operations.get(ORGANIZATION, operation_id)
    assert operation is not None
    assert (operation.done, operation.total) == (1, None)
    assert [piece async for piece in ports.operations.outputs(operation)] == [b"new"]


async def test_results_are_removed_after_their_time_and_a_reader_notices(opened: Opened) -> None:
    ports = opened(timedelta(seconds=0.1))
    operation_id = await made(ports)
    claim = await claimed(ports)
    await ports.claims.step(claim, progress(1, 1, seen=1), b"piece")
    await ports.claims.tidy()
    await ports.claims.end(claim, "succeeded")
    before = await ports.operations.get(ORGANIZATION, operation_id)
    await asyncio.sleep(0.15)
    await ports.claims.tidy()
    after = await ports.operations.get(ORGANIZATION, operation_id)
    assert before is not None
    assert after is not None
    assert (before.outputs, after.outputs, after.state, after.result) == (1, None, "succeeded", {"seen": 1})
    assert before.results_until == after.results_until
    assert [piece async for piece in ports.operations.outputs(after)] == []
    with pytest.raises(LookupError):
        [piece async for piece in ports.operations.outputs(before)]


async def test_an_organization_with_nothing_running_goes_first(ports: Ports) -> None:
    await made(ports)
    await made(ports)
    theirs, _ = await ports.operations.create(new(Principal(organization_id=OTHER)))
    assert (await claimed(ports)).principal == SENDER
    assert (await claimed(ports)).id == theirs.id
    assert (await claimed(ports)).principal == SENDER


async def test_each_operation_is_claimed_once_by_many(ports: Ports) -> None:
    ids = [await made(ports) for _ in range(6)]
    claims = await asyncio.gather(*(ports.claims.claim(["count"]) for _ in range(9)))
    taken = [claim.id for claim in claims if claim is not None]
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(ids)


async def test_waiting_ends_when_something_was_queued(ports: Ports) -> None:
    waiting = asyncio.create_task(ports.claims.wait(30))
    await asyncio.sleep(0.01)
    await made(ports)
    async with asyncio.timeout(5):
        await waiting
    await ports.claims.wait(0.01)
