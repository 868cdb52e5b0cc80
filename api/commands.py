"""One route per command, derived from the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import delete, patch, post, put
from litestar.handlers import HTTPRouteHandler

from api.answers import JSON, PRIVATE, Answer
from api.body import CommandReader, decode_object
from api.call import Call
from api.endpoints import Endpoint, handler
from api.resources import collection
from api.services import Services
from application.bus.messages import Outcome, Request
from application.registry import CommandSpec, Reply

_METHODS: dict[str, Callable[..., Any]] = {"POST": post, "PUT": put, "PATCH": patch, "DELETE": delete}

_encode = msgspec.json.Encoder(enc_hook=str).encode


def command_route(spec: CommandSpec, services: Services) -> HTTPRouteHandler:
    """The route of one command."""
    path = "/v1" + spec.path.replace("}", ":str}")
    decorate = _METHODS[spec.method](path, status_code=spec.status, name=spec.name)
    route: HTTPRouteHandler = decorate(handler(spec.name, command_endpoint(spec, services), services))
    return route


def command_endpoint(spec: CommandSpec, services: Services) -> Endpoint:
    """Credential, command, bus, answer."""
    reader = CommandReader(spec, path_fields=spec.path_fields)
    credentials, bus, trusted_proxies = services.credentials, services.bus, services.settings.trusted_proxies

    async def run(call: Call) -> Answer:
        principal = await credentials.principal(call.headers.get(b"authorization"))
        command = reader.read(decode_object(await call.body()), call.path)
        request = Request(
            commands=(command,),
            principal=principal,
            command_id=call.id,
            idempotency_key=call.idempotency_key,
            if_match=call.if_match,
            correlation_id=call.correlation_id,
            client_address=call.client_address(trusted_proxies),
        )
        return _answer(spec.status, await bus.submit(request))

    return run


def reply_body(reply: Reply, position: int) -> dict[str, Any]:
    """The body of a command's answer."""
    return {"id": reply.id, "version": reply.version, "position": position, **reply.data, **reply.secrets}


def encode_body(body: object) -> bytes:
    """JSON of an answer."""
    return _encode(body)


def _answer(status: int, outcome: Outcome) -> Answer:
    reply = outcome.replies[0]
    headers = [
        JSON,
        PRIVATE,
        (b"etag", b'"%d"' % reply.version),
        (b"stagebook-position", b"%d" % outcome.position),
    ]
    if reply.collection is not None:
        headers.append((b"location", f"/v1/{collection(reply.collection)}/{reply.id}".encode()))
    if outcome.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    return Answer(status, headers, _encode(reply_body(reply, outcome.position)))
