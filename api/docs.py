"""The documentation page: one file of the package, rendering `/schema/openapi.json` without any other host."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from importlib.resources import files

from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.answers import Answer
from api.call import Call
from api.endpoints import handler
from api.services import Services

_INLINE = re.compile(rb"<(script|style)>(.*?)</\1>", re.DOTALL)


def docs_route(services: Services) -> HTTPRouteHandler:
    """`GET /docs`."""
    page = files("api").joinpath("docs.html").read_bytes()
    policy = content_security_policy(page)

    async def docs(_: Call) -> Answer:
        return Answer(200, [(b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", policy)], page)

    return get("/docs", name="docs")(handler("docs", docs, services))


def content_security_policy(page: bytes) -> bytes:
    """The page's own script and style by their hashes, requests to this host, and nothing else."""
    hashes = {kind: base64.b64encode(sha256(text).digest()).decode() for kind, text in _INLINE.findall(page)}
    return (
        f"default-src 'none'; connect-src 'self'; script-src 'sha256-{hashes[b'script']}'; style-src 'sha256-{hashes[b'style']}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ).encode()
