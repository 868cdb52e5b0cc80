"""Secrets are made once, the same in every process, and worth nothing without the master key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from infrastructure.postgres.keys import PostgresKeys, WrongMasterKey
from infrastructure.postgres.log import PostgresLog
from infrastructure.postgres.pool import Connection
from tests.support.records import ORGANIZATION, OTHER_ORGANIZATION, component, unit

MASTER = bytes(range(32))
ANNA, BERT = b"a" * 32, b"b" * 32


@pytest.fixture
async def stores(database_url: str) -> AsyncIterator[list[PostgresKeys]]:
    """Four processes."""
    stores = [await PostgresKeys.open(database_url, MASTER) for _ in range(4)]
    yield stores
    for store in stores:
        await store.close()


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_all_processes_get_the_same_organization_secret(stores: list[PostgresKeys]) -> None:
    organizations = [uuid4() for _ in range(20)]
    found = await asyncio.gather(*(store.organization_secrets(order) for store in stores for order in (organizations, organizations[::-1])))
    assert all(each == found[0] for each in found)
    assert len(set(found[0].values())) == 20
    assert {len(secret) for secret in found[0].values()} == {32}
    assert await stores[0].organization_secrets([]) == {}


async def test_all_processes_get_the_same_person_key(stores: list[PostgresKeys]) -> None:
    subjects = [(organization, bytes([n]) * 32) for organization in (ORGANIZATION, OTHER_ORGANIZATION) for n in range(20)]
    found = await asyncio.gather(*(store.current_person_keys(order) for store in stores for order in (subjects, subjects[::-1])))
    assert all(each == found[0] for each in found)
    assert len({key.id for key in found[0].values()}) == len({key.secret for key in found[0].values()}) == 40
    assert await stores[0].person_secrets([key.id for key in found[0].values()]) == {key.id: key.secret for key in found[0].values()}


async def test_an_erased_person_who_comes_back_gets_a_new_key(stores: list[PostgresKeys], database_url: str) -> None:
    subjects = [(ORGANIZATION, ANNA), (ORGANIZATION, BERT)]
    before = await stores[0].current_person_keys(subjects)
    log = await PostgresLog.open(database_url)
    await log.append([component(unit(erases=[before[subjects[0]].id]))])
    await log.close()
    assert await stores[1].person_secrets([key.id for key in before.values()]) == {before[subjects[1]].id: before[subjects[1]].secret}
    after = await stores[1].current_person_keys(subjects)
    assert after[subjects[1]] == before[subjects[1]]
    assert after[subjects[0]].id != before[subjects[0]].id
    assert after[subjects[0]].secret != before[subjects[0]].secret


async def test_no_secret_stands_in_the_database(stores: list[PostgresKeys], owner: Connection) -> None:
    subject = (ORGANIZATION, ANNA)
    secrets = (await stores[0].organization_secrets([ORGANIZATION]), await stores[0].current_person_keys([subject]))
    stored: list[bytes] = [
        row["wrapped"]
        for row in await owner.fetch("select wrapped from log.organization_secrets union all select wrapped from log.person_keys")
    ]
    assert len(stored) == 2
    assert not any(secret in wrapped for wrapped in stored for secret in (secrets[0][ORGANIZATION], secrets[1][subject].secret))


async def test_another_master_key_opens_nothing(stores: list[PostgresKeys], database_url: str) -> None:
    await stores[0].organization_secrets([ORGANIZATION])
    stranger = await PostgresKeys.open(database_url, bytes(32))
    with pytest.raises(WrongMasterKey, match=f"^the secret of organization {ORGANIZATION} cannot be unwrapped"):
        await stranger.organization_secrets([ORGANIZATION])
    await stranger.close()
    with pytest.raises(ValueError, match="32 bytes, not 5"):
        await PostgresKeys.open(database_url, b"short")


async def test_a_wrapped_secret_belongs_to_its_owner(stores: list[PostgresKeys], owner: Connection) -> None:
    keys = await stores[0].current_person_keys([(ORGANIZATION, ANNA), (ORGANIZATION, BERT)])
    first, second = (key.id for key in keys.values())
    await owner.execute(
        "update log.person_keys set wrapped = (select wrapped from log.person_keys where id = $2) where id = $1", first, second
    )
    with pytest.raises(WrongMasterKey):
        await stores[0].person_secrets([first])
    assert UUID(bytes=second.bytes) in await stores[0].person_secrets([second])
