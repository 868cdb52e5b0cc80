"""What happens to a record that cannot be applied: its organization is set aside in that projection, the rest goes on."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg

from application.ports import Record
from projections.runner.values import Connection

_FAULTS_OF_DATA = ("22", "23", "54")
"""SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded."""


class Parked(NamedTuple):
    """An organization that a projection has set aside."""

    organization_id: UUID
    position: int
    """Of the record that could not be applied; it and all later ones of the organization wait."""
    error: str
    """What went wrong and where; never a value, which could be personal."""


def is_fault_of_record(error: BaseException) -> bool:
    """Whether the record is to blame, rather than the connection, the server or the table definitions: those are tried again."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_FAULTS_OF_DATA)
    return isinstance(error, Exception) and not isinstance(error, asyncpg.InterfaceError | OSError | TimeoutError)


def describe(error: BaseException) -> str:
    """An error without its message, which may quote personal data."""
    if isinstance(error, asyncpg.PostgresError):
        place = [str(detail) for name in ("table_name", "column_name", "constraint_name") if (detail := getattr(error, name, None))]
        return " ".join([type(error).__name__, *place])
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno} in {frame.name}"


async def apply_bisecting(
    connection: Connection, records: Sequence[Record], apply: Callable[[Sequence[Record]], Awaitable[None]]
) -> dict[UUID, Parked]:
    """Apply what can be applied, inside the caller's transaction, and say whose records cannot.

    Each part that is kept satisfies every constraint at its end: what a record breaks and a later one of the same part
    repairs goes unnoticed. Records of an organization after its first bad one are left out.
    """
    faults: dict[UUID, Parked] = {}

    async def attempt(part: Sequence[Record]) -> None:
        part = [record for record in part if record.organization_id not in faults]
        if not part:
            return
        try:
            async with connection.transaction():
                await apply(part)
                await connection.execute("set constraints all immediate")
            await connection.execute("set constraints all deferred")
        except Exception as error:
            if not is_fault_of_record(error):
                raise
            if len(part) == 1:
                faults[part[0].organization_id] = Parked(part[0].organization_id, part[0].position, describe(error))
                return
            middle = len(part) // 2
            await attempt(part[:middle])
            await attempt(part[middle:])

    await attempt(records)
    return faults


async def park(connection: Connection, projection: str, organizations: Sequence[Parked]) -> None:
    """Set organizations aside, or move them to a later record."""
    await connection.executemany(
        """
        insert into log.parked (projection, organization_id, position, error) values ($1, $2, $3, $4)
        on conflict (projection, organization_id) do update set position = excluded.position, error = excluded.error, parked_at = now()
        """,
        [(projection, *parked) for parked in organizations],
    )


async def unpark(connection: Connection, projection: str, organizations: Sequence[UUID]) -> None:
    """Let organizations take part again."""
    await connection.execute("delete from log.parked where projection = $1 and organization_id = any($2)", projection, organizations)
