"""The loop that sends what has fallen due: in the API process, on its bus, in one process at a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from application.bus.messages import Busy, Request, Unavailable
from application.bus.port import CommandBus
from application.deadlines import command_for, idempotency_key
from application.ids import fresh_uuid7
from application.principal import system
from domain.refusals import Refusal
from infrastructure.postgres.pool import PROJECTOR, Connection, take_role

_LEASE: Final = 1937006947
"""Advisory lock of the process that sends deadlines; PostgreSQL frees it when that process is gone."""
_EVERY: Final = 0.5
"""Seconds between two looks."""
_MOST: Final = 500
_SENT_SECONDS: Final = 30.0
"""A deadline that was sent is not sent again for so long: its row goes when the projection has seen the answer."""

_DUE: Final = "select id, organization_id, kind, subject_id from deadlines.deadlines where due_at <= $1 order by due_at limit $2"

_logger = structlog.get_logger("stagebook.deadlines")


async def send_due(url: str, bus: CommandBus) -> None:
    """Run until cancelled; whatever the database does, go on when it is back."""
    while True:
        try:
            connection = await asyncpg.connect(url, server_settings={"application_name": "stagebook_deadlines"})
            try:
                await take_role(connection, PROJECTOR)
                await _serve(connection, bus)
            finally:
                connection.terminate()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _logger.warning("deadlines interrupted", reason=str(error))
            await asyncio.sleep(_EVERY)


async def _serve(connection: Connection, bus: CommandBus) -> None:
    # Nobody says when an advisory lock is free without queueing for it.
    while not await connection.fetchval("select pg_try_advisory_lock($1)", _LEASE):  # noqa: ASYNC110
        await asyncio.sleep(_EVERY)
    sent: dict[UUID, float] = {}
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_EVERY)
        sent = {deadline: until for deadline, until in sent.items() if until > loop.time()}
        if not await connection.fetchval("select to_regclass('deadlines.deadlines') is not null"):
            continue
        due = [row for row in await connection.fetch(_DUE, datetime.now(UTC), _MOST) if row["id"] not in sent]
        answers = await asyncio.gather(*(_send(bus, row) for row in due))
        sent |= {row["id"]: loop.time() + _SENT_SECONDS for row, done in zip(due, answers, strict=True) if done}


async def _send(bus: CommandBus, row: asyncpg.Record) -> bool:
    """Whether the command has got its answer, be it a refusal: the command decides, sending it twice is harmless."""
    request = Request(
        commands=[command_for(row["kind"], row["subject_id"])],
        principal=system("deadlines", row["organization_id"]),
        command_id=fresh_uuid7(),
        idempotency_key=idempotency_key(row["kind"], row["subject_id"]),
        correlation_id=f"deadline:{row['id']}",
    )
    try:
        await bus.submit(request)
    except Refusal as refusal:
        _logger.debug("deadline refused", kind=row["kind"], code=refusal.code)
    except (Busy, Unavailable):
        return False
    return True
