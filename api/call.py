"""One HTTP request as endpoints see it: its id, its headers, its body within limits."""

from __future__ import annotations

import re
from typing import Any, TypeAlias
from uuid import UUID

from litestar import Request

from api.refusals import BodyTooLarge, ClientGone, InvalidHeader, UnsupportedMediaType

HttpRequest: TypeAlias = Request[Any, Any, Any]

BODY_LIMIT = 1_048_576
"""Bytes of a request body."""

_CORRELATION_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
"""Narrow on purpose: it is kept in the log in clear, so no e-mail address fits in."""
_TRACE_PARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_IDEMPOTENCY_KEY = re.compile(rb"[ -~]{1,255}")
_ENTITY_TAG = re.compile(rb'"([0-9]{1,9})"')
_POSITION = re.compile(rb"[0-9]{1,18}")


class Call:
    """A request with the id that was drawn for it. Headers are read as they came, without building header objects."""

    __slots__ = ("correlation_id", "headers", "id", "path", "request")

    def __init__(self, request: HttpRequest, id: UUID) -> None:  # noqa: A002  # the attribute's name
        self.request = request
        self.id = id
        self.headers: dict[bytes, bytes] = dict(request.scope["headers"])
        self.path: dict[str, str] = request.scope["path_params"]
        self.correlation_id = self._given_correlation_id() or str(id)
        """The client's `X-Correlation-Id`, else the trace of its `traceparent` (W3C Trace Context), else the request's own id."""

    @property
    def idempotency_key(self) -> str | None:
        """T21. Raises `InvalidHeader`."""
        key = self._header(b"idempotency-key", _IDEMPOTENCY_KEY, "1 to 255 printable ASCII characters")
        return None if key is None else key[0].decode()

    @property
    def if_match(self) -> int | None:
        """The version that the client has seen. Raises `InvalidHeader`."""
        tag = self._header(b"if-match", _ENTITY_TAG, 'one strong entity tag, a version in quotes such as "3"')
        return None if tag is None else int(tag[1])

    @property
    def min_position(self) -> int:
        """The position that the client has got from a command and wants to see; 0 when it does not care. Raises `InvalidHeader`."""
        position = self._header(b"stagebook-min-position", _POSITION, "a position in the log")
        return 0 if position is None else int(position[0])

    @property
    def trace_parent(self) -> str | None:
        """The `traceparent` header, where there is a valid one."""
        trace = _TRACE_PARENT.fullmatch(self.headers.get(b"traceparent", b""))
        return None if trace is None else trace[0].decode()

    def client_address(self, trusted_proxies: int) -> str | None:
        """The peer's address, or the one that the outermost of so many trusted proxies saw (`X-Forwarded-For`)."""
        if trusted_proxies:
            forwarded = self.headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
            if len(forwarded) >= trusted_proxies and (address := forwarded[-trusted_proxies].strip()):
                return address
        client = self.request.scope["client"]
        return client[0] if client else None

    async def body(self, limit: int = BODY_LIMIT) -> bytes:
        """The JSON text of at most `limit` bytes, or nothing. Raises `BodyTooLarge`, `UnsupportedMediaType`, `ClientGone`."""
        announced = self.headers.get(b"content-length", b"0")
        if len(announced) > len(str(limit)):
            raise BodyTooLarge(limit=limit)
        body = await self._received(limit)
        if body and self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
            raise UnsupportedMediaType
        return body

    async def _received(self, limit: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self.request.receive()
            if message["type"] != "http.request":
                raise ClientGone
            chunk = message["body"]
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(limit=limit)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks) if len(chunks) > 1 else chunk

    def _header(self, name: bytes, pattern: re.Pattern[bytes], expected: str) -> re.Match[bytes] | None:
        value = self.headers.get(name)
        if value is None:
            return None
        match = pattern.fullmatch(value)
        if match is None:
            raise InvalidHeader(header=name.decode(), expected=expected)
        return match

    def _given_correlation_id(self) -> str | None:
        given = self.headers.get(b"x-correlation-id")
        if given is not None and _CORRELATION_ID.fullmatch(given):
            return given.decode()
        trace = _TRACE_PARENT.fullmatch(self.headers.get(b"traceparent", b""))
        return None if trace is None else trace[1].decode()
