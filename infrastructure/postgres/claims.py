"""Long-running operations in PostgreSQL, for the processes that do the work."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

import asyncpg
import msgspec

from application.operations.model import Claim, Lost, Progress, State
from application.ports import KeyStore
from application.unit import PLATFORM_ID
from infrastructure.crypto.vault import Vault
from infrastructure.postgres.operations import open_vault, place, principal_of
from infrastructure.postgres.pool import Pool, reachable

LEASE: Final = timedelta(seconds=6)
"""What a process that dies has claimed is free again after so long."""
ROW_KEPT: Final = timedelta(days=30)
"""How long after its end an operation can be asked after."""

_CLAIM: Final = """
with free as (
    select o.id from operations.operations o
    where o.ended_at is null and o.free_at <= clock_timestamp() and o.kind = any ($1::text[])
    order by
        (select count(*) from operations.operations r
         where r.organization_id = o.organization_id and r.ended_at is null and r.state = 'running'),
        o.id
    limit 1
    for update skip locked
)
update operations.operations o set
    state = 'running',
    started_at = coalesce(o.started_at, clock_timestamp()),
    epoch = o.epoch + 1,
    attempt = o.attempt + 1,
    free_at = clock_timestamp() + $2::interval
from free where o.id = free.id
returning o.*
"""

_HELD: Final = "id = $1 and epoch = $2 and state = 'running'"

_RENEW: Final = f"update operations.operations set free_at = clock_timestamp() + $3::interval where {_HELD}"  # noqa: S608

_PARAMETERS: Final = "select parameters from operations.operations where id = $1 and epoch = $2"

_INPUT: Final = "select piece from operations.inputs where operation_id = $1 and number = $2"

_STEP: Final = f"""
with held as (
    update operations.operations set
        done = $3, total = coalesce($4, total), result = $5, outputs = $6, free_at = clock_timestamp() + $7::interval
    where {_HELD}
    returning id, outputs, cancelled
), written as (
    insert into operations.outputs (operation_id, number, piece) select id, outputs - 1, $8 from held where $8::bytea is not null
)
select cancelled from held
"""  # noqa: S608  # constants

_BEGIN_AGAIN: Final = f"""
with held as (update operations.operations set done = 0, total = null, result = '{{}}', outputs = 0 where {_HELD} returning id),
removed as (delete from operations.outputs o using held where o.operation_id = held.id)
select id from held
"""  # noqa: S608

_PUT_BACK: Final = f"""
update operations.operations set state = 'queued', attempt = attempt - (not $3)::int, free_at = clock_timestamp() + $4::interval
where {_HELD}
returning id
"""  # noqa: S608

_END: Final = f"""
with held as (
    update operations.operations set
        state = $3, problem = $4, ended_at = clock_timestamp(), results_until = clock_timestamp() + $5::interval, parameters = null
    where {_HELD}
    returning id
), removed as (
    delete from operations.inputs i using held where i.operation_id = held.id
)
select id from held
"""  # noqa: S608

_REMOVE_OUTPUTS: Final = """
with old as (
    update operations.operations set outputs = null where results_until < clock_timestamp() and outputs is not null returning id
)
delete from operations.outputs o using old where o.operation_id = old.id
"""

_REMOVE: Final = "delete from operations.operations where ended_at < clock_timestamp() - $1::interval"


class PostgresClaims:
    """`application.operations.model.Claims` on PostgreSQL."""

    def __init__(self, pool: Pool, keys: KeyStore, queued: asyncio.Event, *, kept: timedelta, lease: timedelta = LEASE) -> None:
        """`queued` is set by this process when there is something to do; `kept` says for how long results can be read."""
        self._pool = pool
        self._keys = keys
        self._queued = queued
        self._kept = kept
        self._lease = lease

    async def claim(self, kinds: Collection[str]) -> Claim | None:
        """See the port."""
        with reachable():
            row = await self._pool.fetchrow(_CLAIM, list(kinds), self._lease)
        if row is None:
            return None
        return Claim(
            id=row["id"],
            kind=row["kind"],
            epoch=row["epoch"],
            attempt=row["attempt"],
            principal=principal_of(row),
            correlation_id=row["correlation_id"],
            done=row["done"],
            total=row["total"],
            result=msgspec.json.decode(row["result"]),
            outputs=row["outputs"],
            cancelled=row["cancelled"],
        )

    async def renew(self, claim: Claim) -> None:
        """See the port."""
        with reachable():
            await self._pool.execute(_RENEW, claim.id, claim.epoch, self._lease)

    async def parameters(self, claim: Claim) -> bytes:
        """See the port."""
        with reachable():
            sealed = await self._pool.fetchval(_PARAMETERS, claim.id, claim.epoch)
        return await self._open(claim, sealed, place(claim.id, "parameters"))

    async def input(self, claim: Claim, number: int) -> bytes:
        """See the port."""
        with reachable():
            sealed = await self._pool.fetchval(_INPUT, claim.id, number)
        return await self._open(claim, sealed, place(claim.id, "input", number))

    async def step(self, claim: Claim, now: Progress, output: bytes | None) -> bool:
        """See the port."""
        sealed = None
        if output is not None:
            sealed = (await self._vault(claim)).seal(output, place(claim.id, "output", now.outputs - 1))
        result = msgspec.json.encode(now.result).decode()
        row = await self._held(_STEP, claim, now.done, now.total, result, now.outputs, self._lease, sealed)
        cancelled: bool = row["cancelled"]
        return cancelled

    async def begin_again(self, claim: Claim) -> None:
        """See the port."""
        await self._held(_BEGIN_AGAIN, claim)

    async def put_back(self, claim: Claim, *, pause: float, counts: bool) -> None:
        """See the port."""
        await self._held(_PUT_BACK, claim, counts, timedelta(seconds=pause))
        if not pause:
            self._queued.set()

    async def end(self, claim: Claim, state: State, problem: dict[str, Any] | None = None) -> None:
        """See the port."""
        described = None if problem is None else msgspec.json.encode(problem, enc_hook=str).decode()
        await self._held(_END, claim, state, described, self._kept)

    async def tidy(self) -> None:
        """See the port."""
        with reachable():
            await self._pool.execute(_REMOVE_OUTPUTS)
            await self._pool.execute(_REMOVE, ROW_KEPT)

    async def wait(self, timeout: float) -> None:
        """See the port."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._queued.wait()
        self._queued.clear()

    async def _held(self, statement: str, claim: Claim, *values: object) -> asyncpg.Record:
        with reachable():
            row = await self._pool.fetchrow(statement, claim.id, claim.epoch, *values)
        if row is None:
            raise Lost
        return row

    async def _open(self, claim: Claim, sealed: bytes | None, at: str) -> bytes:
        if sealed is None:  # it has ended in other hands, and what it worked on was removed
            raise Lost
        return (await self._vault(claim)).open(sealed, at)

    async def _vault(self, claim: Claim) -> Vault:
        return await open_vault(self._keys, claim.principal.organization_id or PLATFORM_ID)
