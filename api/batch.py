"""Many commands in one request: all or nothing as one unit, or each on its own; at once, or as an operation in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler

from api.answers import JSON, PRIVATE, Answer
from api.batch_items import Readers, Sender, answered
from api.body import decode_object, field_error
from api.call import Call
from api.commands import encode_body, reply_body
from api.endpoints import Endpoint, failed, handler
from api.operations.batch import begin
from api.operations.prefer import prefers_async
from api.refusals import FieldError, InvalidHeader, InvalidInput
from api.services import Services
from application.registry import Command, CommandSpec
from domain.refusals import Refusal

COMMANDS_LIMIT = 500
"""Commands of one batch that is answered at once."""


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commands by name, each with the fields of its path and body side by side."""

    commands: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(min_length=1, max_length=COMMANDS_LIMIT)]
    atomic: bool = True
    """True: all of them succeed, or nothing is recorded. False: each on its own, at the same time, in no order."""


def batch_route(commands: Mapping[str, CommandSpec], services: Services) -> HTTPRouteHandler:
    """`POST /v1/batch`."""
    return post("/v1/batch", status_code=200, name="batch")(handler("batch", batch_endpoint(commands, services), services))


def batch_endpoint(commands: Mapping[str, CommandSpec], services: Services) -> Endpoint:
    """All kinds of batch."""
    readers = Readers(commands)

    async def run(call: Call) -> Answer:
        principal = await services.credentials.principal(call.headers.get(b"authorization"))
        if b"if-match" in call.headers:
            raise InvalidHeader(header="if-match", expected="left out of a batch: it addresses many resources")
        sender = Sender(principal, call.correlation_id, call.client_address(services.settings.trusted_proxies))
        if prefers_async(call):
            return await begin(call, sender, commands, services)
        batch = _read_batch(decode_object(await call.body()))
        if batch.atomic:
            return await _all_or_nothing(call, sender, _read_all(batch, readers), services)
        return await _each(call, sender, batch, readers, services)

    return run


async def _all_or_nothing(call: Call, sender: Sender, commands: tuple[Command, ...], services: Services) -> Answer:
    try:
        outcome = await services.bus.submit(sender.request(commands, command_id=call.id, key=call.idempotency_key))
    except Refusal as refusal:
        # The bus says which command it was; what refuses the unit as a whole names none.
        at = f"/commands/{refusal.command_index}" if "command_index" in vars(refusal) else ""
        return failed(refusal, "batch", call.correlation_id, at=at)
    body = {"position": outcome.position, "replies": [reply_body(reply, outcome.position) for reply in outcome.replies]}
    headers = [JSON, PRIVATE, (b"stagebook-position", b"%d" % outcome.position)]
    if outcome.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    return Answer(200, headers, encode_body(body))


async def _each(call: Call, sender: Sender, batch: BatchRequest, readers: Readers, services: Services) -> Answer:
    key = call.idempotency_key
    answers = await asyncio.gather(
        *(
            answered(index, partial(readers.read, item), sender, services.bus, command_id=services.new_id(), key=key)
            for index, item in enumerate(batch.commands)
        )
    )
    position = max(each.position for each in answers)
    body = {"position": position, "replies": [{"status": each.status, "body": each.body(secrets=True)} for each in answers]}
    return Answer(200, [JSON, PRIVATE, (b"stagebook-position", b"%d" % position)], encode_body(body))


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
            commands.append(readers.read(item, f"/commands/{index}")[0])
        except InvalidInput as invalid:
            errors.extend(invalid.errors)
    if errors:
        raise InvalidInput(*errors)
    return tuple(commands)
