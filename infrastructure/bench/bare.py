"""The baseline of reading benchmarks: a bare Litestar route on the same server, answering with the bytes of a file."""

from __future__ import annotations

import sys
from pathlib import Path

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Response, get


async def serve(port: int, body: bytes) -> None:
    """Run until killed."""

    @get("/bare")
    async def bare() -> Response[bytes]:
        return Response(body, media_type="application/json")

    app = Litestar([bare], openapi_config=None, logging_config=None)
    await Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, backlog=1024, websockets=False, log_enabled=False).serve()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes()))
