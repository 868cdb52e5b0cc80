"""Load over HTTP on loopback: `wrk` where it is installed, else a plain client on asyncio, which takes more of the machine for itself."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Load(NamedTuple):
    """What was measured."""

    rate: float
    """Answers per second."""
    p50: float
    """Milliseconds."""
    p99: float
    """Milliseconds."""
    refused: int
    """Answers other than 2xx."""


class Target(NamedTuple):
    """What is sent: one POST route, with a body per request."""

    url: str
    headers: dict[str, str]
    lua_body: str
    """A Lua expression that makes the body; `n` is the number of the request."""
    body: Callable[[int], str]
    """The same in Python."""


def generator() -> str:
    """Which load generator is used here."""
    return "wrk" if shutil.which("wrk") else "asyncio"


def load(target: Target, connections: int, seconds: int) -> Load:
    """Keep so many connections busy for so long."""
    return (
        _wrk(target, connections, seconds)
        if generator() == "wrk"
        else asyncio.run(_streams(target.url, posted(target), connections, seconds))
    )


class Reads(NamedTuple):
    """What is read: GET routes of one server, one after the other."""

    url: str
    headers: dict[str, str]
    paths: Sequence[str]


def read_load(reads: Reads, connections: int, seconds: int) -> Load:
    """Keep so many connections busy with reading for so long."""
    if generator() != "wrk":
        heads = [_head("GET", path, {"Host": urlsplit(reads.url).netloc, **reads.headers}) for path in reads.paths]
        return asyncio.run(_streams(reads.url, lambda n: heads[n % len(heads)], connections, seconds))
    listed = ", ".join(f'"{path}"' for path in reads.paths)
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in reads.headers.items())
    return _run_wrk(
        f"""{headers}
local paths, n = {{{listed}}}, 0
function request()
  n = n + 1
  return wrk.format("GET", paths[n % #paths + 1])
end
""",
        reads.url,
        connections,
        seconds,
    )


def _wrk(target: Target, connections: int, seconds: int) -> Load:
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in target.headers.items())
    script = f"""wrk.method = "POST"
{headers}
local n = 0
local run = tostring(os.time()) .. tostring(math.random(1, 1000000000))
function request()
  n = n + 1
  wrk.headers["Idempotency-Key"] = run .. "-" .. n
  return wrk.format(nil, nil, nil, {target.lua_body})
end
"""
    return _run_wrk(script, target.url, connections, seconds)


def _run_wrk(script: str, url: str, connections: int, seconds: int) -> Load:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "load.lua"
        path.write_text(script)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(path), url]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # our own arguments
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return Load(
        float(_found(r"Requests/sec:\s+([\d.]+)", said)[0]),
        _milliseconds(_found(r"50%\s+([\d.]+)(us|ms|s)", said)),
        _milliseconds(_found(r"99%\s+([\d.]+)(us|ms|s)", said)),
        int(refused[1]) if refused else 0,
    )


def _found(pattern: str, text: str) -> tuple[str, ...]:
    match = re.search(pattern, text)
    if match is None:
        msg = f"wrk did not say {pattern}: {text}"
        raise ValueError(msg)
    return match.groups()


def _milliseconds(parts: tuple[str, ...]) -> float:
    return float(parts[0]) * _MILLISECONDS[parts[1]]


def _head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


def posted(target: Target) -> Callable[[int], bytes]:
    """The requests by number, each with an idempotency key that was never used."""
    parts, began = urlsplit(target.url), time.perf_counter()

    def request(n: int) -> bytes:
        body = target.body(n).encode()
        headers = {"Host": parts.netloc, "Content-Length": str(len(body)), "Idempotency-Key": f"{began}-{n}", **target.headers}
        return _head("POST", parts.path, headers) + body

    return request


async def _streams(url: str, request: Callable[[int], bytes], connections: int, seconds: int) -> Load:
    parts = urlsplit(url)
    taken: list[float] = []
    refused = 0
    began = time.perf_counter()

    order = count(1)

    async def client() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while (now := time.perf_counter()) < began + seconds:
            writer.write(request(next(order)))
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
            await reader.readexactly(int(length[1]) if length else 0)
            refused += not answer.startswith(b"HTTP/1.1 2")
            taken.append(time.perf_counter() - now)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    taken.sort()
    rate = len(taken) / (time.perf_counter() - began)
    return Load(rate, 1000 * taken[len(taken) // 2], 1000 * taken[int(len(taken) * 0.99)], refused)
