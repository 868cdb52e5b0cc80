"""Fixtures of all tests, the order in which tests run, and Hypothesis' profile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from infrastructure.postgres.embedded import PostgresServer
from tests.support.databases import Databases

# Shared machines stall now and then: a slow example is no failure.
hypothesis.settings.register_profile("stagebook", deadline=None, print_blob=True)
hypothesis.settings.load_profile("stagebook")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that take milliseconds first: a mistake there shows at once."""
    items.sort(key=lambda item: "unit" not in item.path.parts)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """A server for the whole session: the embedded one, or the one that STAGEBOOK_TEST_DATABASE_URL names."""
    url = os.environ.get("STAGEBOOK_TEST_DATABASE_URL")
    if url:
        yield Databases(url)
        return
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    server.start()
    try:
        yield Databases(server.url("postgres"))
    finally:
        server.stop()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A database of this test's own, migrated and empty."""
    with databases.migrated() as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A database of this test's own, not migrated."""
    with databases.empty() as url:
        yield url


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder that does not exist yet."""
    return tmp_path / "data"
