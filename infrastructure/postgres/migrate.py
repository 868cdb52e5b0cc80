"""Forward-only migrations: numbered SQL files, applied once each, in order, by one process at a time."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg
import structlog

from infrastructure.faults import Fault
from infrastructure.postgres.pool import APPENDER, PROJECTOR, Connection

_DIRECTORY = Path(__file__).parent / "migrations"
_LOCK = "pg_advisory_lock(1937006946, 0)"
_RACED = (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError, asyncpg.InternalServerError)
"""What concurrent changes of the cluster's catalogues by other databases' migrations look like."""

_logger = structlog.get_logger(__name__)


class MigrationError(Fault):
    """The database cannot be brought to the schema of this program; the message is one line that says why."""


class ChangedMigration(MigrationError):
    """A migration file was changed after it had been applied."""


class NewerDatabase(MigrationError):
    """The database has migrations that this program does not know."""


class NoDatabase(MigrationError):
    """The database does not exist and may not be created."""


class Migration(NamedTuple):
    """One numbered SQL file."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Of the file's text, as hexadecimal."""
        return sha256(self.sql.encode()).hexdigest()


def migrations(directory: Path = _DIRECTORY) -> list[Migration]:
    """The files `NNNN_name.sql` in order; a gap or a number used twice is a `MigrationError`."""
    files = sorted(directory.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    found = [Migration(int(file.stem[:4]), file.stem[5:], file.read_text("utf-8")) for file in files]
    if [each.number for each in found] != list(range(1, len(found) + 1)):
        msg = f"migrations must be numbered 1 to {len(found)} without gaps: {[each.number for each in found]}"
        raise MigrationError(msg)
    return found


async def migrate(url: str, directory: Path = _DIRECTORY) -> list[str]:
    """Bring the database to this program's schema and say which migrations that took.

    Makes the database when it is missing and the user may create it (else `NoDatabase`). Raises `ChangedMigration` or
    `NewerDatabase` when its history is not ours.

    The connecting user is the owner. Two more roles are made, `stagebook_appender` (writes the log) and
    `stagebook_projector` (owns the read models), which the pools take with SET ROLE. Where the user may not create roles,
    a warning says so and all parts of the program run as the connecting user: then a fault in a projector, or a stolen
    connection, is no longer kept by the database from inserting into the log, nor the API from changing read models.
    The log's triggers against UPDATE, DELETE and TRUNCATE hold in either case.
    """
    connection = await _connect(url)
    try:
        await connection.execute(f"select {_LOCK}")
        applied = await _apply(connection, migrations(directory))
        await _prepare_roles(connection)
    finally:
        await connection.close()
    return applied


async def _connect(url: str) -> Connection:
    try:
        return await asyncpg.connect(url)
    except asyncpg.InvalidCatalogNameError:
        await _create_database(url)
        return await asyncpg.connect(url)


async def _create_database(url: str) -> None:
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    quoted = name.replace('"', '""')
    try:
        maintenance = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))
        try:
            await maintenance.execute(f"create database \"{quoted}\" encoding 'UTF8' template template0")
        finally:
            await maintenance.close()
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        return  # another process was faster
    except asyncpg.PostgresError as error:
        msg = f"database {name} does not exist and cannot be created: {error}"
        raise NoDatabase(msg) from error


async def _apply(connection: Connection, known: list[Migration]) -> list[str]:
    await connection.execute(
        "create schema if not exists log;"
        "create table if not exists log.migrations ("
        " number int primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now())"
    )
    history = await connection.fetch("select number, name, sha256 from log.migrations order by number")
    if len(history) > len(known):
        newest = history[-1]
        msg = f"the database is at migration {newest['number']} ({newest['name']}), this program knows {len(known)}: use a newer program"
        raise NewerDatabase(msg)
    for old, migration in zip(history, known, strict=False):
        if old["sha256"] != migration.sha256:
            msg = f"migration {migration.number:04}_{migration.name}.sql was changed after it had been applied"
            raise ChangedMigration(msg)
    pending = known[len(history) :]
    for migration in pending:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "insert into log.migrations (number, name, sha256) values ($1, $2, $3)", migration.number, migration.name, migration.sha256
            )
        _logger.info("migrated", number=migration.number, name=migration.name)
    return [f"{migration.number:04}_{migration.name}" for migration in pending]


async def _prepare_roles(connection: Connection) -> None:
    """Make the roles, let this user take them, and grant them what they need."""
    try:
        for role in (APPENDER, PROJECTOR):
            await _prepare_role(connection, role)
        async with connection.transaction():
            await connection.execute((_DIRECTORY / "roles.sql").read_text("utf-8"))
    except asyncpg.InsufficientPrivilegeError as error:
        _logger.warning("roles are not used: the server's user may not create or take them", reason=str(error))
        async with connection.transaction():
            await connection.execute("create schema if not exists read; create schema if not exists deadlines")


async def _prepare_role(connection: Connection, role: str) -> None:
    """Roles belong to the whole cluster, where migrations of other databases may be making them now: try again then."""
    for attempt in range(10):
        try:
            async with connection.transaction():
                if not await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role):
                    await connection.execute(f"create role {role} nologin")
                if not await connection.fetchval("select pg_has_role($1, 'member')", role):
                    await connection.execute(f"grant {role} to current_user")
                await connection.execute(f"set local role {role}")
        except _RACED:
            if attempt == 9:  # noqa: PLR2004
                raise
        else:
            return
