"""Bringing a database to the point where the API and the worker can use it."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlsplit

import asyncpg

from infrastructure.faults import Fault
from infrastructure.postgres.migrate import MigrationError, migrate

OLDEST: Final = 15
"""The oldest PostgreSQL that has all we use."""

_CONNECT_SECONDS: Final = 10.0


class DatabaseUnusable(Fault):
    """The database cannot be reached, is too old, or is not ours."""


class Prepared(NamedTuple):
    """What was found and done."""

    migrations: list[str]
    """Applied just now, in order."""
    log_is_empty: bool
    """Nothing was ever recorded."""


async def prepare(url: str) -> Prepared:
    """Make the database if it is missing, apply migrations. Raises `DatabaseUnusable` with one line that says why."""
    await _check_server(url)
    try:
        migrations = await migrate(url)
    except MigrationError as error:
        raise DatabaseUnusable(str(error)) from None
    connection = await asyncpg.connect(url)
    try:
        return Prepared(migrations, log_is_empty=not await connection.fetchval("select exists (select from log.records)"))
    finally:
        await connection.close()


async def _check_server(url: str) -> None:
    try:
        try:
            connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
        except asyncpg.InvalidCatalogNameError:  # to be made
            connection = await asyncpg.connect(url, database="postgres", timeout=_CONNECT_SECONDS)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = "no answer" if isinstance(error, TimeoutError) else str(error)
        message = f"DATABASE_URL: no connection to PostgreSQL at {_place(url)}: {reason}"
        raise DatabaseUnusable(message) from None
    major = connection.get_server_version().major
    await connection.close()
    if major < OLDEST:
        message = f"DATABASE_URL: PostgreSQL {major} at {_place(url)} is too old; {OLDEST} or later is needed"
        raise DatabaseUnusable(message)


def _place(url: str) -> str:
    """Host and port alone: the rest may hold a password."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or "its socket"
