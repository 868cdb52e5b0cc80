"""Many commands in one request: how they are packed, and how their answers are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from client.base import Command, Reply
from client.errors import Problem

LIMIT: Final = 500
"""Commands of one request."""
_BYTES: Final = 1_000_000
"""Of one request's body, a little less than the server takes."""

_ERROR: Final = 400


class Chunk(msgspec.Struct, frozen=True):
    """Commands that fit into one request."""

    commands: Sequence[Command[Any]]
    body: bytes


class _Each(msgspec.Struct):
    status: int
    body: msgspec.Raw


class _Answers(msgspec.Struct):
    replies: list[_Each]


class _Whole(msgspec.Struct):
    replies: list[msgspec.Raw]


def chunks(commands: Sequence[Command[Any]]) -> Iterator[Chunk]:
    """Requests for these commands, each on its own. The same commands give the same requests, so that they can be sent again."""
    taken: list[Command[Any]] = []
    texts: list[bytes] = []
    size = 0
    for command in commands:
        text = msgspec.json.encode(command)
        if taken and (len(taken) == LIMIT or size + len(text) > _BYTES):
            yield Chunk(taken, _body(texts, atomic=False))
            taken, texts, size = [], [], 0
        taken.append(command)
        texts.append(text)
        size += len(text) + 1
    if taken:
        yield Chunk(taken, _body(texts, atomic=False))


def whole(commands: Sequence[Command[Any]]) -> bytes:
    """One request for all of these commands or none."""
    return _body([msgspec.json.encode(command) for command in commands], atomic=True)


def read_each(commands: Sequence[Command[Any]], body: bytes) -> list[Reply | Problem]:
    """The answer of each command. Raises `msgspec.ValidationError`."""
    answers = msgspec.json.decode(body, type=_Answers).replies
    return [_reply_or_problem(command, answer) for command, answer in zip(commands, answers, strict=True)]


def read_whole(commands: Sequence[Command[Any]], body: bytes) -> list[Reply]:
    """The replies of all commands. Raises `msgspec.ValidationError`."""
    replies = msgspec.json.decode(body, type=_Whole).replies
    return [msgspec.json.decode(reply, type=command.REPLY) for command, reply in zip(commands, replies, strict=True)]


def _reply_or_problem(command: Command[Any], answer: _Each) -> Reply | Problem:
    if answer.status >= _ERROR:
        return Problem.read(answer.status, bytes(answer.body))
    return msgspec.json.decode(answer.body, type=command.REPLY)


def _body(texts: Sequence[bytes], *, atomic: bool) -> bytes:
    return b'{"atomic":%b,"commands":[%b]}' % (b"true" if atomic else b"false", b",".join(texts))
