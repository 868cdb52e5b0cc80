"""What only these tests need beside the running system."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stack import Stack


@pytest.fixture(scope="session")
def other_api(stack: Stack) -> Iterator[str]:
    """The URL of a second API process on the same database."""
    with stack.another_api() as url:
        yield url
