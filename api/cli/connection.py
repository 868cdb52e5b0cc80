"""A running API, spoken to with the Python client, and what it means when it does not answer as hoped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from infrastructure.faults import Fault

if TYPE_CHECKING:
    from client import Stagebook


class NoApi(Fault):
    """There is no API to work with."""


class RefusedByApi(Fault):
    """The API does not do it."""

    exit_code = 1


@asynccontextmanager
async def connected(url: str, key: str) -> AsyncIterator[Stagebook]:
    """A client. Raises `NoApi` without a key and when nobody answers; `RefusedByApi` for what was refused."""
    from client import NoAnswer, NotUnderstood, Problem, Stagebook

    if not key:
        message = "an API key is needed: name it with --key, or set STAGEBOOK_KEY"
        raise NoApi(message)
    try:
        async with Stagebook(url, key) as stagebook:
            yield stagebook
    except NoAnswer as error:
        message = f"{error}; is it running? Start it with `stagebook up`, or say with --url where it is"
        raise NoApi(message) from None
    except NotUnderstood as error:
        raise NoApi(str(error)) from None
    except Problem as problem:
        raise RefusedByApi(str(problem)) from None
