"""Rows on their way to a running API, several at a time. Each has a key of its own: what came in before does not come in again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import msgspec

import client
from application.registry import Command
from client import Problem, Stagebook, commands
from infrastructure.imports.reading import Row

IN_FLIGHT: Final = 16
_OTHER_SAID: Final = "idempotency_mismatch"
_NOBODY_MAY: Final = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
)
"""What is refused for these reasons is refused for every row."""


class Sent(NamedTuple):
    """What became of a row."""

    row: Row
    outcome: Literal["new", "already there", "refused"]
    id: UUID | None
    reason: str
    """Why it was refused."""


async def send(stagebook: Stagebook, rows: Sequence[Row], tell: Callable[[Sent], object]) -> None:
    """Send every row, in no order, and tell what became of it.

    Raises `client.StagebookError` when there is no use in going on: what was told until then is done, and sending all of it once more
    does nothing twice.
    """
    waiting = iter(rows)
    workers = [asyncio.create_task(_send_each(stagebook, waiting, tell)) for _ in range(IN_FLIGHT)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _send_each(stagebook: Stagebook, waiting: Iterator[Row], tell: Callable[[Sent], object]) -> None:
    for row in waiting:
        try:
            reply = await stagebook.send(_told(row.command), idempotency_key=row.idempotency_key)
        except Problem as problem:
            if problem.status in _NOBODY_MAY:
                raise
            tell(Sent(row, "refused", None, _reason(problem)))
        else:
            tell(Sent(row, "already there" if reply.replayed else "new", reply.id, ""))


def _told(command: Command) -> client.Command[Any]:
    """The client's form of a command: the same names, and the same JSON."""
    kind = getattr(commands, type(command).__name__)
    told: client.Command[Any] = kind(**{name: value for name, value in msgspec.structs.asdict(command).items() if value is not None})
    return told


def _reason(problem: Problem) -> str:
    if problem.code == _OTHER_SAID:
        return "came in before, and the file says something else about it now: change what is there"
    if problem.errors:
        return "; ".join(f"{(error.pointer or '').strip('/')}: {error.detail}".removeprefix(": ") for error in problem.errors)
    return problem.detail
