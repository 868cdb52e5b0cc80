"""Long-running operations in PostgreSQL, for those who ask after them. Those who do the work: `claims.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from application.bus.messages import IdempotencyMismatch
from application.operations.model import OPEN_LIMIT, NewOperation, Operation, OperationEnded, State, TooManyOperations
from application.ports import KeyStore
from application.principal import Principal
from application.unit import PLATFORM_ID
from infrastructure.crypto.vault import Vault
from infrastructure.postgres.pool import Connection, Pool, reachable

_KNOWN: Final = "select * from operations.operations where organization_id = $1 and key = $2"

_OPEN: Final = "select count(*) from operations.operations where organization_id = $1 and ended_at is null"

_CREATE: Final = """
insert into operations.operations
    (id, organization_id, kind, total, principal, permissions, correlation_id, key, request, parameters)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (organization_id, key) do nothing
returning *
"""

_GET: Final = "select * from operations.operations where organization_id = $1 and id = $2"

_LIST: Final = """
select * from operations.operations
where organization_id = $1 and ($2::uuid is null or id < $2) and ($3::text is null or state = $3) and ($4::text is null or kind = $4)
order by id desc
limit $5
"""

_CANCEL: Final = """
with asked as (
    update operations.operations set
        cancelled = true,
        state = case state when 'queued' then 'cancelled' else state end,
        ended_at = case state when 'queued' then clock_timestamp() end,
        results_until = case state when 'queued' then clock_timestamp() + $3::interval end,
        parameters = case state when 'queued' then null else parameters end
    where organization_id = $1 and id = $2 and ended_at is null
    returning *
), removed as (
    delete from operations.inputs i using asked where i.operation_id = asked.id and asked.ended_at is not null
)
select * from asked
"""

_OUTPUT: Final = "select piece from operations.outputs where operation_id = $1 and number = $2"


class PostgresOperations:
    """`application.operations.model.Operations` on PostgreSQL."""

    def __init__(self, pool: Pool, keys: KeyStore, queued: asyncio.Event, *, kept: timedelta) -> None:
        """`queued` is set whenever there is something to do; `kept` says for how long results can be read."""
        self._pool = pool
        self._keys = keys
        self._queued = queued
        self._kept = kept

    async def create(self, new: NewOperation) -> tuple[Operation, bool]:
        """See the port."""
        organization_id = new.principal.organization_id or PLATFORM_ID
        vault = await open_vault(self._keys, organization_id)
        key = None if new.idempotency_key is None else vault.digest(new.idempotency_key.encode())
        request = vault.digest(new.kind.encode() + b"\0" + new.fingerprint)
        with reachable():
            async with self._pool.acquire() as connection, connection.transaction():
                while True:
                    if key is not None and (known := await connection.fetchrow(_KNOWN, organization_id, key)) is not None:
                        if known["request"] != request:
                            raise IdempotencyMismatch
                        return _operation(known), True
                    if await connection.fetchval(_OPEN, organization_id) >= OPEN_LIMIT:
                        raise TooManyOperations(limit=OPEN_LIMIT)
                    made = await connection.fetchrow(_CREATE, *_columns(new, organization_id, key, request, vault))
                    if made is not None:
                        break
                await _keep_inputs(connection, new, vault)
        self._queued.set()
        return _operation(made), False

    async def get(self, organization_id: UUID, operation_id: UUID) -> Operation | None:
        """See the port."""
        with reachable():
            row = await self._pool.fetchrow(_GET, organization_id, operation_id)
        return None if row is None else _operation(row)

    async def page(
        self, organization_id: UUID, *, limit: int, before: UUID | None = None, state: State | None = None, kind: str | None = None
    ) -> Sequence[Operation]:
        """See the port."""
        with reachable():
            return [_operation(row) for row in await self._pool.fetch(_LIST, organization_id, before, state, kind, limit)]

    async def cancel(self, organization_id: UUID, operation_id: UUID) -> Operation | None:
        """See the port."""
        with reachable():
            row = await self._pool.fetchrow(_CANCEL, organization_id, operation_id, self._kept)
        if row is not None:
            return _operation(row)
        operation = await self.get(organization_id, operation_id)
        if operation is not None and operation.state != "cancelled":
            raise OperationEnded(state=operation.state)
        return operation

    async def outputs(self, operation: Operation, first: int = 0) -> AsyncIterator[bytes]:
        """See the port."""
        vault = await open_vault(self._keys, operation.organization_id)
        for number in range(first, operation.outputs or 0):
            with reachable():
                piece = await self._pool.fetchval(_OUTPUT, operation.id, number)
            if piece is None:
                msg = f"output {number} of operation {operation.id} was removed"
                raise LookupError(msg)
            yield vault.open(piece, place(operation.id, "output", number))


async def open_vault(keys: KeyStore, organization_id: UUID) -> Vault:
    """What seals the organization's operations."""
    return Vault((await keys.organization_secrets([organization_id]))[organization_id])


def place(operation_id: UUID, what: str, number: int = 0) -> str:
    """What a piece is bound to."""
    return f"operation {operation_id} {what} {number}"


def principal_of(row: asyncpg.Record) -> Principal:
    """Who asked for the operation."""
    return msgspec.json.decode(row["principal"], type=Principal)


def _columns(new: NewOperation, organization_id: UUID, key: bytes | None, request: bytes, vault: Vault) -> Sequence[object]:
    return (
        new.id,
        organization_id,
        new.kind,
        new.total,
        msgspec.json.encode(new.principal).decode(),
        list(new.permissions),
        new.correlation_id,
        key,
        request,
        vault.seal(new.parameters, place(new.id, "parameters")),
    )


async def _keep_inputs(connection: Connection, new: NewOperation, vault: Vault) -> None:
    pieces = ((new.id, number, vault.seal(piece, place(new.id, "input", number))) for number, piece in enumerate(new.inputs))
    await connection.copy_records_to_table("inputs", schema_name="operations", records=pieces)


def _operation(row: asyncpg.Record) -> Operation:
    decoded: dict[str, Any] = {
        "actor": principal_of(row).actor,
        "permissions": tuple(row["permissions"]),
        "result": msgspec.json.decode(row["result"]),
        "problem": None if row["problem"] is None else msgspec.json.decode(row["problem"]),
    }
    return Operation(**{name: row[name] for name in Operation.__struct_fields__ if name not in decoded}, **decoded)
