"""One running system for all tests that talk to it over HTTP; each has an organization of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stack import Stack, Tenant, running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """API, worker and PostgreSQL as processes."""
    with running(tmp_path_factory.mktemp("stack") / "data") as started:
        yield started


@pytest.fixture
def tenant(stack: Stack) -> Iterator[Tenant]:
    """The owner of a new organization."""
    with stack.tenant() as owner:
        yield owner


@pytest.fixture
def stranger(stack: Stack) -> Iterator[Tenant]:
    """The owner of another organization."""
    with stack.tenant() as owner:
        yield owner
