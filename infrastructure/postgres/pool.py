"""Connection pools, each in the role of its purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from application.bus.messages import Unavailable

APPENDER: Final = "stagebook_appender"
"""May insert into the log and keep long-running operations, and nothing else."""

PROJECTOR: Final = "stagebook_projector"
"""Reads the log; owns the schemas of the read models."""

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg says to a query at the moment in which the server says good-bye
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""The server is gone, starting, stopping, full, or a standby; a time-out is an `OSError`."""

_CLOSE_SECONDS: Final = 5.0

_logger = structlog.get_logger(__name__)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


async def open_pool(
    url: str, *, role: str, min_size: int = 1, max_size: int = 8, timeout: float = 30, settings: Mapping[str, str] | None = None
) -> Pool:
    """A pool whose connections run as `role`, or as the connecting user where the role cannot be taken (see `migrate`).

    A statement may take `timeout` seconds; `settings` are server settings of each connection.
    """
    return await asyncpg.create_pool(
        url,
        min_size=min_size,
        max_size=max_size,
        command_timeout=timeout,
        max_cached_statement_lifetime=0,
        server_settings={"application_name": role, "default_transaction_isolation": "read committed", **(settings or {})},
        init=lambda connection: take_role(connection, role),
        reset=_keep,
    )


async def close_pool(pool: Pool) -> None:
    """Give back all connections; those that do not end in time are cut."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def take_role(connection: Connection, role: str) -> None:
    """Run this connection as `role` from here on, where that is possible."""
    try:
        await connection.execute(f"set role {role}")
    except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError) as error:
        _logger.warning("running without a role of its own", role=role, reason=str(error))


async def _keep(connection: Connection) -> None:
    """Nothing is left in a session by its users that would have to be reset, so a release costs no round trip."""


@contextmanager
def reachable() -> Iterator[None]:
    """Turn the loss of the server into `Unavailable`."""
    try:
        yield
    except LOST as error:
        raise Unavailable(str(error)) from error
