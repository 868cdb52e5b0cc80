"""Many commands in one request: all or nothing as one unit, or each on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler

from api.answers import JSON, PRIVATE, Answer
from api.body import CommandReader, decode_object, field_error
from api.call import Call
from api.commands import encode_body, reply_body
from api.endpoints import Endpoint, failed, handler, note
from api.problems import problem_of
from api.refusals import FieldError, InvalidHeader, InvalidInput
from api.services import Services
from application.bus.messages import Request
from application.principal import Principal
from application.registry import Command, CommandSpec
from domain.refusals import Refusal

COMMANDS_LIMIT = 500
"""Commands of one batch."""

Readers: TypeAlias = Mapping[str, tuple[CommandReader, int]]
"""By command name: its reader and the status of its success."""


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commands by name, each with the fields of its path and body side by side."""

    commands: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(min_length=1, max_length=COMMANDS_LIMIT)]
    atomic: bool = True
    """True: all of them succeed, or nothing is recorded. False: each on its own, at the same time, in no order."""


def batch_route(commands: Mapping[str, CommandSpec], services: Services) -> HTTPRouteHandler:
    """`POST /v1/batch`."""
    return post("/v1/batch", status_code=200, name="batch")(handler("batch", batch_endpoint(commands, services), services))


def batch_endpoint(commands: Mapping[str, CommandSpec], services: Services) -> Endpoint:
    """Both kinds of batch."""
    readers: Readers = {name: (CommandReader(spec, path_fields=()), spec.status) for name, spec in commands.items()}

    async def run(call: Call) -> Answer:
        principal = await services.credentials.principal(call.headers.get(b"authorization"))
        if b"if-match" in call.headers:
            raise InvalidHeader(header="if-match", expected="left out of a batch: it addresses many resources")
        batch = _read_batch(decode_object(await call.body()))
        if batch.atomic:
            return await _all_or_nothing(call, principal, _read_all(batch, readers), services)
        return await _each(call, principal, batch, readers, services)

    return run


async def _all_or_nothing(call: Call, principal: Principal, commands: tuple[Command, ...], services: Services) -> Answer:
    request = _request(call, principal, commands, services, command_id=call.id, key=call.idempotency_key)
    try:
        outcome = await services.bus.submit(request)
    except Refusal as refusal:
        # The bus says which command it was; what refuses the unit as a whole names none.
        at = f"/commands/{refusal.command_index}" if "command_index" in vars(refusal) else ""
        return failed(refusal, "batch", call.correlation_id, at=at)
    body = {"position": outcome.position, "replies": [reply_body(reply, outcome.position) for reply in outcome.replies]}
    headers = [JSON, PRIVATE, (b"stagebook-position", b"%d" % outcome.position)]
    if outcome.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    return Answer(200, headers, encode_body(body))


async def _each(call: Call, principal: Principal, batch: BatchRequest, readers: Readers, services: Services) -> Answer:
    key = call.idempotency_key

    async def one(index: int, item: dict[str, Any]) -> tuple[int, int, object]:
        # No client can send a key with this separator, so these never meet another request's key.
        own_key = None if key is None else f"{key}\x1f{index}"
        try:
            command, status = _read_command(item, readers, f"/commands/{index}")
            request = _request(call, principal, (command,), services, command_id=services.new_id(), key=own_key)
            outcome = await services.bus.submit(request)
        except Exception as failure:  # noqa: BLE001  # each on its own: a fault of one is that one's answer
            at = "" if isinstance(failure, InvalidInput) else f"/commands/{index}"  # invalid input says by itself where it is
            problem = problem_of(failure, correlation_id=call.correlation_id, at=at)
            note(problem, failure, "batch")
            return problem.status, 0, problem
        return status, outcome.position, reply_body(outcome.replies[0], outcome.position)

    answers = await asyncio.gather(*(one(index, item) for index, item in enumerate(batch.commands)))
    position = max(position for _, position, _ in answers)
    body = {"position": position, "replies": [{"status": status, "body": answer} for status, _, answer in answers]}
    return Answer(200, [JSON, PRIVATE, (b"stagebook-position", b"%d" % position)], encode_body(body))


def _request(
    call: Call, principal: Principal, commands: tuple[Command, ...], services: Services, *, command_id: UUID, key: str | None
) -> Request:
    return Request(
        commands=commands,
        principal=principal,
        command_id=command_id,
        idempotency_key=key,
        correlation_id=call.correlation_id,
        client_address=call.client_address(services.settings.trusted_proxies),
    )


def _read_batch(body: dict[str, Any]) -> BatchRequest:
    try:
        return msgspec.convert(body, BatchRequest)
    except msgspec.ValidationError as error:
        raise InvalidInput(field_error(error)) from None


def _read_all(batch: BatchRequest, readers: Readers) -> tuple[Command, ...]:
    """Every command, or every error of every command."""
    commands: list[Command] = []
    errors: list[FieldError] = []
    for index, item in enumerate(batch.commands):
        try:
            commands.append(_read_command(item, readers, f"/commands/{index}")[0])
        except InvalidInput as invalid:
            errors.extend(invalid.errors)
    if errors:
        raise InvalidInput(*errors)
    return tuple(commands)


def _read_command(item: dict[str, Any], readers: Readers, at: str) -> tuple[Command, int]:
    """The command and the status of its success."""
    name = item.get("command")
    if not isinstance(name, str) or name not in readers:
        raise InvalidInput(FieldError(pointer=f"{at}/command", detail="Expected the name of a command, such as place_order"))
    reader, status = readers[name]
    return reader.read({field: value for field, value in item.items() if field != "command"}, {}, at), status
