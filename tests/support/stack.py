"""The system as its users have it: `stagebook up` in a process tree of its own, spoken to over HTTP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self
from uuid import uuid4

import httpx
import msgspec
import psycopg

from client import Stagebook

PROGRAM = [sys.executable, "-P", "-m", "api.cli.main"]
PATIENCE = 60.0
"""Seconds for whatever should happen soon; the machine is shared."""


class Announced(msgspec.Struct):
    """What `stagebook up --json` prints when everything is ready."""

    url: str
    database_url: str
    platform_key: str | None = None
    owner_key: str | None = None


@dataclass
class Stack:
    """A running process tree."""

    data_dir: Path
    process: subprocess.Popen[bytes]
    announced: Announced
    platform_key: str

    @property
    def url(self) -> str:
        """Of the API."""
        return self.announced.url

    @property
    def database_url(self) -> str:
        """As the superuser."""
        return self.announced.database_url

    def head(self) -> int:
        """The last position of the log."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute("select coalesce(max(position), 0) from log.records").fetchone()
        assert row is not None
        position: int = row[0]
        return position

    def sequence(self, organization_id: str) -> int:
        """How many records the organization has (A6)."""
        with psycopg.connect(self.database_url) as connection:
            query = "select coalesce(max(organization_seq), 0) from log.records where organization_id = %s"
            row = connection.execute(query, [organization_id]).fetchone()
        assert row is not None
        number: int = row[0]
        return number

    def pid(self, child: str) -> int:
        """Of `serve`, `work` or `postgres`; waits while it is being started again."""
        found: list[int] = []

        def runs() -> bool:
            found[:] = [pid for pid in children_of(self.process.pid) if child in (Path(_arguments(pid)[0]).name, _arguments(pid)[-1])]
            return bool(found)

        until(runs)
        return found[0]

    def kill(self, child: str) -> None:
        """End it as a power cut would."""
        with suppress(ProcessLookupError):
            os.kill(self.pid(child), signal.SIGKILL)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run the command line on this data folder."""
        environment = clean_environment() | {"STAGEBOOK_DATA_DIR": str(self.data_dir)}
        return subprocess.run([*PROGRAM, *arguments], env=environment, capture_output=True, check=False, timeout=PATIENCE)

    @contextmanager
    def another_api(self) -> Iterator[str]:
        """A second API process on the same database and keys; its URL."""
        port = free_port()
        environment = clean_environment() | {"DATABASE_URL": self.database_url, "STAGEBOOK_LOG_LEVEL": "error"}
        arguments = ["serve", "--data-dir", str(self.data_dir), "--port", str(port)]
        with (self.data_dir / f"api-{port}.log").open("wb") as errors:
            process = subprocess.Popen([*PROGRAM, *arguments], env=environment, stderr=errors)
            try:
                url = f"http://127.0.0.1:{port}"
                until(lambda: _answers(url))
                yield url
            finally:
                process.terminate()
                process.wait(PATIENCE)

    def tenant(self) -> Tenant:
        """A new organization; close it."""
        with Tenant(self.url, self.platform_key) as platform:
            name = uuid4().hex[:12]
            made = platform.post(
                "/v1/organizations",
                {"name": name, "default_currency": "EUR", "owner_email": f"owner@{name}.example", "owner_name": "Owner"},
            )
        assert made.status_code == 201, made.text
        return Tenant(self.url, made.json()["owner_key"], made.json())


@dataclass
class Tenant:
    """Somebody with a key, over HTTP; with an empty one, without."""

    url: str
    key: str
    founded: dict[str, Any] = field(default_factory=dict)
    """The answer that made the organization."""

    def __post_init__(self) -> None:
        credential = {"authorization": f"Bearer {self.key}"} if self.key else {}
        self.http = httpx.Client(base_url=self.url, headers=credential, timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def client(self, **options: Any) -> Stagebook:
        """The typed client, with this key: for what is not about headers and bad input."""
        return Stagebook(self.url, self.key, **options)

    def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Send a command. Header names with underscores: `idempotency_key=…`."""
        return self.send("POST", path, body, **headers)

    def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Send anything."""
        content = None if body is None else msgspec.json.encode(body)
        more = {"content-type": "application/json"} if content is not None else {}
        return self.http.request(method, path, content=content, headers=more | _named(headers))

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask."""
        return self.http.get(path, headers=_named(headers))

    def made(self, path: str, body: object = None, **headers: str) -> dict[str, Any]:
        """Send a command that must succeed; its answer."""
        answer = self.post(path, body, **headers)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def row(self, path: str, position: int) -> dict[str, Any]:
        """A row as of this position or later."""
        answer = self.get(path, stagebook_min_position=str(position))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def show(self, *categories: dict[str, Any], hold_minutes: int = 15, **event: Any) -> Show:
        """A confirmed Event that sells these categories; by default one free category of ten."""
        body = {"name": "Show", "starts_at": "2099-06-12T19:30", "ends_at": "2099-06-13T02:00", "timezone": "Europe/Berlin"}
        made = self.made("/v1/events", body | {"online_url": "https://show.example"} | event)
        wanted = categories or ({},)
        free = {"name": "Stalls", "ticket_type": "free", "quantity_total": 10}
        ids = [self.made(f"/v1/events/{made['id']}/ticket-categories", free | category)["id"] for category in wanted]
        self.made(f"/v1/events/{made['id']}/confirm")
        self.made(f"/v1/events/{made['id']}/open-sales", {"hold_minutes": hold_minutes})
        return Show(made["id"], ids)


@dataclass(frozen=True)
class Show:
    """Something to buy tickets for."""

    id: str
    categories: list[str]

    @property
    def orders(self) -> str:
        """Where orders are placed."""
        return f"/v1/events/{self.id}/orders"

    def order(self, *quantities: int, **more: Any) -> dict[str, Any]:
        """The body of an order; by default one ticket of the first category."""
        wanted = zip(self.categories, quantities or (1,), strict=False)
        return {"lines": [{"ticket_category_id": category, "quantity": quantity} for category, quantity in wanted], **more}


@contextmanager
def running(data_dir: Path, *, demo: bool = False, **variables: str) -> Iterator[Stack]:
    """`stagebook up` on this folder, ended afterwards. `variables` are added to its environment."""
    with (data_dir.parent / f"{data_dir.name}.log").open("ab") as errors:
        process = start(data_dir, errors, demo=demo, **variables)
        try:
            announced = announced_by(process)
            assert announced.platform_key is not None
            yield Stack(data_dir, process, announced, announced.platform_key)
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def start(data_dir: Path, errors: IO[bytes], *, demo: bool = False, **variables: str) -> subprocess.Popen[bytes]:
    """Start `stagebook up` on a free port."""
    arguments = ["up", "--data-dir", str(data_dir), "--port", str(free_port()), "--json", "--demo" if demo else "--no-demo"]
    return subprocess.Popen([*PROGRAM, *arguments], env=clean_environment() | variables, stdout=subprocess.PIPE, stderr=errors)


def announced_by(process: subprocess.Popen[bytes]) -> Announced:
    """Wait until everything is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "stagebook up ended; its log says why"
    return msgspec.json.decode(line, type=Announced)


def clean_environment() -> dict[str, str]:
    """Ours, without what would lead the program elsewhere."""
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL" and not name.startswith(("STAGEBOOK_", "OTEL_"))}


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def children_of(pid: int) -> list[int]:
    """The living children of a process."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(status.parent.name))
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run."""
    found = set()
    for pid in pids:
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(pid)
    return found


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.02)


def _arguments(pid: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    return [""]


def _answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health/live", timeout=1).is_success
    return False


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
