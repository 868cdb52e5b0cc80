"""Batches of many commands as an operation: sent a hundred at a time, with an answer each that is kept for a while."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from api.answers import JSON, PRIVATE, Answer
from api.batch_items import Answered, Readers, Sender, answered
from api.body import decode_object, field_error
from api.call import BODY_LIMIT, Call
from api.commands import encode_body
from api.endpoints import Endpoint
from api.operations.prefer import APPLIED
from api.operations.view import accepted, check_readable, found, output_stream, require
from api.queries.accept import accepted as accepted_type
from api.queries.parameters import DEFAULT_LIMIT, Parameters, limited
from api.queries.reader import READ_PERMISSION
from api.queries.values import position
from api.refusals import BodyTooLarge, FieldError, InvalidInput, MalformedJson
from api.services import Services
from api.streams import Stream
from application.bus.messages import Busy, IdempotencyInFlight, Unavailable
from application.bus.port import CommandBus
from application.operations.model import NewOperation, Operation, Run, Work
from application.registry import Command, CommandSpec

KIND: Final = "batch"
COMMANDS_LIMIT: Final = 10_000
"""Commands of one batch."""
BATCH_LIMIT: Final = 16 * 1_048_576
"""Bytes of the request."""
COMMAND_LIMIT: Final = BODY_LIMIT
"""Bytes of one command: what it could have when it is sent alone."""
PIECE: Final = 100
"""Commands that are sent at the same time, and whose answers are kept together."""

T = TypeVar("T")

_COME_AGAIN: Final = (Busy, Unavailable, IdempotencyInFlight)
"""No answers of commands: sent again a little later, with the same keys."""

_MEDIA_TYPES: Final = ("application/json", "application/x-ndjson")


class _Named(msgspec.Struct, frozen=True, gc=False):
    """Of a command, what must be known before anything is done."""

    command: Any = None


class _Names(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request, with the names of its commands alone."""

    commands: Annotated[list[_Named], Meta(min_length=1, max_length=COMMANDS_LIMIT)]
    atomic: bool = True


class _Texts(msgspec.Struct, frozen=True, kw_only=True):
    """The request, with its commands as they were written: what is wrong with one is said in its answer."""

    commands: list[msgspec.Raw]


class _Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What the sending needs to know besides the commands."""

    key: str
    client_address: str | None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of one command."""

    index: Annotated[int, Meta(description="Of the command in the batch, from 0", ge=0)]
    status: Annotated[int, Meta(description="As if the command had been sent alone", ge=200, le=599)]
    body: Annotated[Any, Meta(description="The same; without what is shown once, for nothing keeps that")]


async def begin(call: Call, sender: Sender, commands: Mapping[str, CommandSpec], services: Services) -> Answer:
    """202, for a batch that is not atomic. The sender needs the permissions of all its commands now, and of each when it is sent."""
    body = await call.body(BATCH_LIMIT)
    names = _decoded(body, _Names)
    if names.atomic:
        detail = "Expected false: what is done in the background (Prefer: respond-async) is each command on its own"
        raise InvalidInput(FieldError(pointer="/atomic", detail=detail))
    specs = {name: commands[name] for each in names.commands if isinstance(name := each.command, str) and name in commands}
    permissions = tuple(sorted({spec.permission for spec in specs.values()})) or (READ_PERMISSION,)
    await require(sender.principal, permissions, services)
    texts = _decoded(body, _Texts).commands
    # A key of the client's makes the keys that the same batch would have had, had it been answered at once.
    key = call.idempotency_key
    parameters = _Parameters(key=key or f"\x1foperation {call.id}", client_address=sender.client_address)
    new = NewOperation(
        id=call.id,
        kind=KIND,
        principal=sender.principal,
        permissions=permissions,
        correlation_id=call.correlation_id,
        parameters=msgspec.json.encode(parameters),
        inputs=[b"[%b]" % b",".join(map(bytes, texts[at : at + PIECE])) for at in range(0, len(texts), PIECE)],
        total=len(texts),
        idempotency_key=key,
        fingerprint=body,
    )
    operation, replayed = await services.operations.create(new)
    return accepted(operation, replayed=replayed, headers=[APPLIED])


def batch_run(commands: Mapping[str, CommandSpec], bus: CommandBus, new_id: Callable[[], UUID]) -> Run:
    """Sends the commands. One that was sent before a crash has its answer in the ledger."""
    readers = Readers(commands)

    def read(text: msgspec.Raw) -> tuple[Command, int]:
        if len(bytes(text)) > COMMAND_LIMIT:
            raise BodyTooLarge(limit=COMMAND_LIMIT)
        return readers.read(decode_object(bytes(text)))

    async def run(work: Work) -> None:
        parameters = msgspec.json.decode(await work.parameters(), type=_Parameters)
        sender = Sender(work.claim.principal, work.claim.correlation_id, parameters.client_address)
        while (first := work.done) < (work.claim.total or 0):
            texts = msgspec.json.decode(await work.input(first // PIECE), type=list[msgspec.Raw])
            answers = await _all(
                answered(index, partial(read, text), sender, bus, command_id=new_id(), key=parameters.key, passing=_COME_AGAIN)
                for index, text in enumerate(texts, first)
            )
            await work.step(done=first + len(texts), result=_counted(work.result, answers), output=_lines(first, answers))

    return run


def results_endpoint(services: Services) -> Endpoint:
    """The answers of the commands that were sent, in order: a page, or all of them as NDJSON."""

    async def run(call: Call) -> Answer | Stream:
        operation = await found(call, services)
        given = Parameters(call)
        media_type = accepted_type(call.headers.get(b"accept"), _MEDIA_TYPES)
        if media_type != _MEDIA_TYPES[0]:
            given.check(())
            check_readable(operation, KIND)
            return output_stream(call, operation, [(b"content-type", media_type.encode())], services)
        limit = given.take("limit", limited, DEFAULT_LIMIT)
        first = given.take("cursor", position, 0)
        given.check(("limit", "cursor"))
        check_readable(operation, KIND)
        last = min(first + limit, operation.done)
        lines = await _between(operation, first, last, services)
        cursor = b'"%d"' % last if last < operation.done else b"null"
        return Answer(200, [JSON, PRIVATE], b'{"data":[%b],"next_cursor":%b}' % (b",".join(lines), cursor))

    return run


async def _between(operation: Operation, first: int, last: int, services: Services) -> Sequence[bytes]:
    """These lines of the output."""
    lines: list[bytes] = []
    skipped = first // PIECE * PIECE
    if first < last:
        async for piece in services.operations.outputs(operation, first // PIECE):
            lines += piece.splitlines()
            if skipped + len(lines) >= last:
                break
    return lines[first - skipped : last - skipped]


async def _all(sent: Iterable[Awaitable[Answered]]) -> Sequence[Answered]:
    """The answers of all of them; raises what one of them raised when none is under way any more."""
    answers = await asyncio.gather(*sent, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


def _counted(result: dict[str, Any], answers: Sequence[Answered]) -> dict[str, Any]:
    counts = Counter(result.get("by_status", {}))
    counts.update(str(answer.status) for answer in answers)
    return {"by_status": counts, "position": max(result.get("position", 0), *(answer.position for answer in answers))}


def _lines(first: int, answers: Sequence[Answered]) -> bytes:
    lines = (Line(index=index, status=each.status, body=each.body(secrets=False)) for index, each in enumerate(answers, first))
    return b"".join(encode_body(line) + b"\n" for line in lines)


def _decoded(body: bytes, kind: type[T]) -> T:
    """The body, as far as this type looks into it. Raises `InvalidInput`, `MalformedJson`."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(field_error(error)) from None
    except msgspec.DecodeError as error:
        raise MalformedJson(reason=str(error).removeprefix("JSON is malformed: ")) from None
    except (UnicodeDecodeError, RecursionError):
        raise MalformedJson(reason="not UTF-8, or nested too deeply") from None
