"""Operations in PostgreSQL: sealed, in a role of their own, tidied up, and finished whatever happens to processes and connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest

from api.operations import batch
from api.operations.kinds import problem_details
from application.ids import fresh_uuid7
from application.operations import runner as runner_module
from application.operations.model import ENDED, NewOperation, Operation, Progress, Run
from application.operations.runner import MOST_ATTEMPTS, Runner
from application.principal import system
from application.registry import COMMANDS
from infrastructure.crypto.seal import Tampered
from infrastructure.postgres.claims import PostgresClaims
from infrastructure.postgres.operations import PostgresOperations
from infrastructure.postgres.pool import APPENDER, PROJECTOR, Connection, close_pool, open_pool, take_role
from tests.support.inprocess import Process

ORGANIZATION = uuid4()
SENDER = system("test", ORGANIZATION)
PRIVATE = b"some.body@mail.example"
LEASE = timedelta(seconds=0.5)


class Store(NamedTuple):
    """The two ports, and a process to work in."""

    operations: PostgresOperations
    claims: PostgresClaims
    process: Process

    async def ask(self, *, inputs: list[bytes], total: int | None = None, parameters: bytes = b"{}", kind: str = "batch") -> UUID:
        new = NewOperation(
            id=fresh_uuid7(),
            kind=kind,
            principal=SENDER,
            permissions=("venues.manage",),
            correlation_id="c",
            parameters=parameters,
            inputs=inputs,
            total=total,
            idempotency_key=PRIVATE.decode(),
            fingerprint=PRIVATE,
        )
        return (await self.operations.create(new))[0].id

    async def add_venues(self, number: int) -> UUID:
        """A batch that adds so many venues."""
        items = [b'{"command":"add_venue","name":"Hall %d","capacity":10}' % n for n in range(number)]
        pieces = [b"[%b]" % b",".join(items[at : at + batch.PIECE]) for at in range(0, number, batch.PIECE)]
        return await self.ask(inputs=pieces, total=number, parameters=b'{"key":"k","client_address":null}')

    async def shown(self, operation_id: UUID) -> Operation:
        operation = await self.operations.get(ORGANIZATION, operation_id)
        assert operation is not None
        return operation

    async def until(self, operation_id: UUID, holds: Callable[[Operation], bool]) -> Operation:
        async with asyncio.timeout(30):
            while not holds(operation := await self.shown(operation_id)):  # noqa: ASYNC110  # only the database knows
                await asyncio.sleep(0.01)
        return operation

    async def ended(self, operation_id: UUID) -> Operation:
        return await self.until(operation_id, lambda operation: operation.state in ENDED)


@pytest.fixture
async def store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    for pause in ("_LOOK_SECONDS", "_BUSY_SECONDS", "_AGAIN_SECONDS", "_FAULT_SECONDS"):
        monkeypatch.setattr(runner_module, pause, 0.02)
    monkeypatch.setattr(runner_module, "_RENEW_SECONDS", LEASE.total_seconds() / 4)
    async with AsyncExitStack() as resources:
        process = await Process.start(database_url, lambda: datetime.now(UTC))
        resources.push_async_callback(process.stop)
        pool = await open_pool(database_url, role=APPENDER)
        resources.push_async_callback(close_pool, pool)
        queued, kept = asyncio.Event(), timedelta(hours=1)
        operations = PostgresOperations(pool, process.core.keys, queued, kept=kept)
        yield Store(operations, PostgresClaims(pool, process.core.keys, queued, kept=kept, lease=LEASE), process)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def start(store: Store) -> AsyncIterator[Callable[[Run | None], Runner]]:
    """Starts runners: for batches, or for other work."""
    runners: list[Runner] = []

    def started(run: Run | None = None) -> Runner:
        work = run or batch.batch_run(COMMANDS, store.process.bus, fresh_uuid7)
        runners.append(Runner(store.claims, {"batch": work}, describe=problem_details))
        runners[-1].start()
        return runners[-1]

    yield started
    for runner in runners:
        await runner.close()


async def kill(runner: Runner) -> None:
    """As a process dies: without putting anything back."""
    for background in runner._background:
        background._stopping = True
        background._task.cancel()
        await asyncio.gather(background._task, return_exceptions=True)


async def rows(owner: Connection, table: str) -> int:
    number: int = await owner.fetchval(f"select count(*) from operations.{table}")  # noqa: S608
    return number


async def venues(owner: Connection) -> int:
    number: int = await owner.fetchval("select count(*) from log.records where type = 'venue.added'")
    return number


async def test_a5_nothing_lies_in_clear(store: Store, owner: Connection) -> None:
    operation_id = await store.ask(inputs=[PRIVATE], parameters=PRIVATE)
    claim = await store.claims.claim(["batch"])
    assert claim is not None
    await store.claims.step(claim, Progress(done=1, total=1, result={"n": 1}, outputs=1), PRIVATE)
    for table in ("operations", "inputs", "outputs"):
        for row in await owner.fetch(f"select t::text as text, t.* from operations.{table} t"):  # noqa: S608
            assert PRIVATE.decode() not in row["text"]
            assert all(PRIVATE not in value for value in row.values() if isinstance(value, bytes))
    assert await store.claims.parameters(claim) == await store.claims.input(claim, 0) == PRIVATE
    assert [piece async for piece in store.operations.outputs(await store.shown(operation_id))] == [PRIVATE]


async def test_a_piece_that_was_moved_or_changed_does_not_open(store: Store, owner: Connection) -> None:
    operation_id = await store.ask(inputs=[b"one", b"two"])
    claim = await store.claims.claim(["batch"])
    assert claim is not None
    await store.claims.step(claim, Progress(done=1, total=1, result={}, outputs=1), b"out")
    await owner.execute("update operations.inputs a set piece = b.piece from operations.inputs b where a.number = 0 and b.number = 1")
    await owner.execute("update operations.outputs set piece = set_byte(piece, 20, 255 - get_byte(piece, 20))")
    with pytest.raises(Tampered):
        await store.claims.input(claim, 0)
    with pytest.raises(Tampered):
        [piece async for piece in store.operations.outputs(await store.shown(operation_id))]


@pytest.mark.parametrize(
    ("role", "refused"),
    [
        (PROJECTOR, "select * from operations.operations"),
        (PROJECTOR, "select * from operations.outputs"),
        (APPENDER, "truncate operations.operations cascade"),
        (APPENDER, "create table operations.mine ()"),
    ],
)
async def test_a_role_has_no_more_rights_than_it_needs(owner: Connection, role: str, refused: str) -> None:
    await take_role(owner, role)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute(refused)


async def test_what_was_worked_on_is_removed_at_the_end_results_later_and_at_last_the_operation(store: Store, owner: Connection) -> None:
    operation_id = await store.ask(inputs=[b"one", b"two"])
    claim = await store.claims.claim(["batch"])
    assert claim is not None
    await store.claims.step(claim, Progress(done=1, total=1, result={}, outputs=1), b"out")
    await store.claims.end(claim, "succeeded")
    assert (await rows(owner, "inputs"), await rows(owner, "outputs")) == (0, 1)
    assert await owner.fetchval("select parameters from operations.operations") is None
    await store.claims.tidy()
    assert await rows(owner, "outputs") == 1
    await owner.execute("update operations.operations set results_until = now() - interval '1 second'")
    await store.claims.tidy()
    assert (await rows(owner, "outputs"), await rows(owner, "operations")) == (0, 1)
    assert (await store.shown(operation_id)).outputs is None
    await owner.execute("update operations.operations set ended_at = now() - interval '30 days 1 minute'")
    await store.claims.tidy()
    assert await rows(owner, "operations") == 0


async def test_cancelling_what_is_queued_removes_what_it_was_to_work_on(store: Store, owner: Connection) -> None:
    await store.operations.cancel(ORGANIZATION, await store.ask(inputs=[b"one"]))
    assert await rows(owner, "inputs") == 0
    assert await owner.fetchval("select parameters from operations.operations") is None


async def test_what_a_killed_process_had_begun_is_finished_by_another_and_nothing_is_done_twice(
    store: Store, owner: Connection, start: Callable[..., Runner]
) -> None:
    operation_id = await store.add_venues(800)
    first = start()
    await store.until(operation_id, lambda operation: operation.done >= 200)
    await kill(first)
    assert (await store.shown(operation_id)).state == "running"
    start()
    operation = await store.ended(operation_id)
    assert (operation.state, operation.done, operation.result["by_status"]) == ("succeeded", 800, {"201": 800})
    lines = b"".join([piece async for piece in store.operations.outputs(operation)]).splitlines()
    assert len(lines) == await venues(owner) == 800


async def test_connections_that_break_are_no_reason_to_give_up(store: Store, owner: Connection, start: Callable[..., Runner]) -> None:
    operation_id = await store.add_venues(600)
    start()
    for number in (100, 300, 400):
        await store.until(operation_id, lambda operation, number=number: operation.done >= number)  # type: ignore[misc]
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
        await asyncio.sleep(0.1)
    operation = await store.ended(operation_id)
    assert (operation.state, operation.result["by_status"]) == ("succeeded", {"201": 600})
    assert await venues(owner) == 600


async def test_what_can_never_be_done_ends_as_failed(store: Store, owner: Connection, start: Callable[..., Runner]) -> None:
    operation_id = await store.add_venues(1)
    await owner.execute("update operations.operations set parameters = set_byte(parameters, 15, 255 - get_byte(parameters, 15))")
    start()
    operation = await store.ended(operation_id)
    assert operation.state == "failed"
    assert operation.problem is not None
    assert (operation.problem["code"], operation.problem["correlation_id"]) == ("internal_error", "c")
    assert await owner.fetchval("select attempt from operations.operations") == MOST_ATTEMPTS


async def test_many_processes_do_each_operation_once(store: Store, start: Callable[..., Runner]) -> None:
    seen: list[UUID] = []

    async def noted(work: Any) -> None:
        seen.append(work.claim.id)
        await work.step(done=1)

    ids = []
    for number in range(12):
        new = NewOperation(id=fresh_uuid7(), kind="batch", principal=SENDER, permissions=(), correlation_id=str(number), parameters=b"")
        ids.append((await store.operations.create(new))[0].id)
    for _ in range(3):
        start(noted)
    for operation_id in ids:
        await store.ended(operation_id)
    assert sorted(seen) == sorted(ids)
