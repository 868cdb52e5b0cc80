"""The baseline of HTTP benchmarks: a bare Litestar route on the same server, answering with the body it was sent."""

from __future__ import annotations

import sys
from typing import Any

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, Response, post


@post("/echo", status_code=201)
async def echo(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer with the body."""
    return Response(await request.body(), media_type="application/json")


async def serve(port: int) -> None:
    """Run until killed."""
    app = Litestar([echo], openapi_config=None, logging_config=None)
    await Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, backlog=1024, websockets=False, log_enabled=False).serve()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
