"""Migrations: applied once, in order, by one process at a time; a history that is not ours is refused."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from application.ports import Committed
from infrastructure.postgres import migrate as module
from infrastructure.postgres.log import PostgresLog
from infrastructure.postgres.migrate import ChangedMigration, MigrationError, NewerDatabase, NoDatabase, migrate, migrations
from infrastructure.postgres.pool import APPENDER, PROJECTOR, Connection
from tests.support.databases import Databases
from tests.support.records import single

ALL = [f"{each.number:04}_{each.name}" for each in migrations()]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Our migrations, to be tampered with."""
    shutil.copytree(Path(module.__file__).parent / "migrations", tmp_path / "migrations")
    return tmp_path / "migrations"


@pytest.fixture
async def administrator(databases: Databases) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(databases.administration_url)
    yield connection
    await connection.close()


def as_user(url: str, name: str) -> str:
    """The same database, as another user."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{name}:{name}@{parts.netloc.rpartition('@')[2]}").geturl()


async def test_a_missing_database_is_made_once_by_many_processes(databases: Databases, administrator: Connection) -> None:
    name = 'Made "by" migrate-1'
    url = databases.url("Made%20%22by%22%20migrate-1")
    try:
        applied = await asyncio.gather(*(migrate(url) for _ in range(3)))
        assert sorted(applied) == [[], [], ALL]
        assert await migrate(url) == []
    finally:
        quoted = name.replace('"', '""')
        await administrator.execute(f'drop database if exists "{quoted}"')


async def test_roles_of_the_cluster_are_made_by_many_databases_at_once(databases: Databases, administrator: Connection) -> None:
    names = [f"stagebook_roles_{n}" for n in range(4)]
    try:
        await asyncio.gather(*(migrate(databases.url(name)) for name in names))
        roles = await administrator.fetch("select rolname from pg_roles where rolname in ($1, $2)", APPENDER, PROJECTOR)
        assert len(roles) == 2
    finally:
        for name in names:
            await administrator.execute(f"drop database if exists {name}")


async def test_new_migrations_are_applied_on_top(empty_database_url: str, directory: Path) -> None:
    await migrate(empty_database_url, directory)
    (directory / f"{len(ALL) + 1:04}_more.sql").write_text("create table log.more (); create table log.most ()")
    assert await migrate(empty_database_url, directory) == [f"{len(ALL) + 1:04}_more"]


async def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str, directory: Path) -> None:
    broken = directory / f"{len(ALL) + 1:04}_broken.sql"
    broken.write_text("create table log.half (); select 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_database_url, directory)
    broken.write_text("create table log.half ()")
    assert await migrate(empty_database_url, directory) == [broken.stem]


async def test_a_changed_migration_is_refused(empty_database_url: str, directory: Path) -> None:
    await migrate(empty_database_url, directory)
    with (directory / f"{ALL[0]}.sql").open("a") as file:
        file.write("-- one more line")
    with pytest.raises(ChangedMigration, match=f"^migration {ALL[0]}.sql was changed after it had been applied$"):
        await migrate(empty_database_url, directory)


async def test_a_database_of_a_newer_program_is_refused(empty_database_url: str, directory: Path) -> None:
    (directory / f"{len(ALL) + 1:04}_later.sql").write_text("select 1")
    await migrate(empty_database_url, directory)
    with pytest.raises(NewerDatabase, match=rf"^the database is at migration {len(ALL) + 1} \(later\), this program knows {len(ALL)}"):
        await migrate(empty_database_url)


def test_a_gap_in_the_numbers_is_refused(directory: Path) -> None:
    (directory / f"{len(ALL) + 2:04}_gap.sql").write_text("select 1")
    with pytest.raises(MigrationError, match="without gaps"):
        migrations(directory)


async def test_a_database_that_may_not_be_made_is_one_clear_line(databases: Databases, administrator: Connection) -> None:
    await administrator.execute("create role poor login password 'poor'")
    try:
        with pytest.raises(NoDatabase, match=r"^database nowhere does not exist and cannot be created: permission denied"):
            await migrate(as_user(databases.url("nowhere"), "poor"))
    finally:
        await administrator.execute("drop role poor")


async def test_without_the_right_to_make_roles_all_runs_as_the_user(
    empty_database_url: str, administrator: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a server where the roles exist and belong to somebody else."""
    database = urlsplit(empty_database_url).path[1:]
    await administrator.execute("create role tenant login password 'tenant'")
    await administrator.execute(f"alter database {database} owner to tenant")
    url = as_user(empty_database_url, "tenant")
    try:
        assert await migrate(url) == ALL
        assert "roles are not used" in "".join(capsys.readouterr())
        log = await PostgresLog.open(url)
        async with log.locked([]) as session:
            assert await session.connection.fetchval("select current_user") == "tenant"
        assert await log.append([single(uuid4())]) == [Committed([1])]
        await log.close()
        connection = await asyncpg.connect(url)
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute("delete from log.records")
        await connection.close()
    finally:
        await administrator.execute(f"drop database {database} with (force)")
        await administrator.execute(f"create database {database}")
        await administrator.execute("drop role tenant")
