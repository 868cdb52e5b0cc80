"""One process tree: PostgreSQL, migrations, the API, the worker. Started together, looked after, ended in order."""

from __future__ import annotations

import asyncio
import errno
import http
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from tempfile import TemporaryFile
from types import FrameType
from typing import Final

import msgspec
import structlog

from infrastructure.demo.begun import Company, is_unfinished
from infrastructure.faults import Fault
from infrastructure.postgres.embedded import PostgresServer
from infrastructure.postgres.prepare import Prepared, prepare
from infrastructure.processes import end, kill_session, process_name, spawn
from infrastructure.settings import Settings, new_platform_key

_TICK_SECONDS: Final = 0.05
_READY_SECONDS: Final = 60.0
_DEMO_SECONDS: Final = 300.0
_END_SECONDS: Final = 10.0
"""For one child to end by itself before it is killed."""
_CRASHES_A_MINUTE: Final = 5
"""More of one child end everything."""
_LONGEST_PAUSE_SECONDS: Final = 8.0
_PLATFORM_KEY: Final = "STAGEBOOK_PLATFORM_KEY"
"""Environment variable of the demo's command."""

_logger = structlog.get_logger(__name__)


class PortUnusable(Fault):
    """The API cannot listen where it should."""


class ChildFailed(Fault):
    """A child process did not start, or keeps ending."""

    exit_code = 1


class StopRequested(Exception):
    """A signal asked to stop."""


class Started(msgspec.Struct, frozen=True):
    """What there is to know once everything is ready. The keys are set at the first start alone."""

    url: str
    docs_url: str
    database_url: str
    platform_key: str | None = None
    owner_key: str | None = None


class _Child:
    """A process that shall run until everything ends."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], start_again: Callable[[], subprocess.Popen[bytes]]) -> None:
        self.name = name
        self.process = process
        self._start_again = start_again
        self._crashes: list[float] = []
        self._start_at: float | None = None

    def look_after(self) -> None:
        """Start it again when it has ended, after a pause that doubles. Raises `ChildFailed` when that happens too often."""
        now = time.monotonic()
        if self._start_at is not None:
            if now >= self._start_at:
                self._start_at = None
                self.process = self._start_again()
        elif (code := self.process.poll()) is not None:
            _logger.error("child ended", child=self.name, exit_code=code)
            kill_session(self.process)
            self._crashes = [*(at for at in self._crashes if at > now - 60), now]
            if len(self._crashes) > _CRASHES_A_MINUTE:
                message = f"{self.name} ended {len(self._crashes)} times within a minute, last with exit code {code}"
                raise ChildFailed(message)
            self._start_at = now + min(_LONGEST_PAUSE_SECONDS, 0.125 * 2 ** len(self._crashes))


class Supervisor:
    """Runs everything until SIGINT, SIGTERM or SIGHUP, or until something cannot be kept running.

    `program` is the command line that takes `serve`, `work` and `demo`; `on_step` is told what the start is about. Signals set a flag
    that is looked at between steps, so no child is ever started and then forgotten.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        program: Sequence[str],
        demo: bool,
        announce: Callable[[Started], None],
        on_step: Callable[[str], None] = lambda _step: None,
    ) -> None:
        self._settings = settings
        self._program = program
        self._demo = demo
        self._announce = announce
        self._on_step = on_step
        self._server: PostgresServer | None = None
        self._children: list[_Child] = []
        self._demo_process: subprocess.Popen[bytes] | None = None
        self._stop = False

    def run(self) -> None:
        """Return after a clean stop. Raises a `Fault` when the start fails or a child keeps ending; nothing is left running either way."""
        for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(asked, self._on_signal)
        try:
            self._start()
            while True:
                self._pause()
                for child in self._children:
                    child.look_after()
        except StopRequested:
            _logger.info("stopping")
        finally:
            self._end()

    def _start(self) -> None:
        check_port(self._settings.host, self._settings.port)
        if not self._settings.database_url:
            self._on_step("starting PostgreSQL")
            self._start_postgres()
        self._on_step("bringing the database to this program's schema")
        prepared = asyncio.run(prepare(self._settings.database_url))
        platform_key = None if self._settings.with_keys().platform_key_sha256 else new_platform_key()
        if platform_key:
            self._settings = self._settings.with_platform_key(platform_key)
        # The same for every worker that is started here: one takes over from the one that died without waiting.
        self._settings = self._settings.with_options(worker_name=self._settings.worker_name or process_name())
        self._on_step("starting the API and the worker")
        for name, command in (("api", "serve"), ("worker", "work")):
            self._pause()
            self._children.append(_Child(name, self._spawn(command), partial(self._spawn, command)))
        self._wait_until_ready()
        owner_key = self._load_demo(platform_key) if self._demo and self._has_demo_to_load(prepared) else None
        self._settings.keep_platform_key_hash()
        url = _base_url(self._settings)
        self._announce(Started(url, f"{url}/docs", self._settings.database_url, platform_key, owner_key))

    def _start_postgres(self) -> None:
        self._server = PostgresServer(self._settings.data_dir)
        self._children.append(_Child("postgres", self._server.start(), self._server.restart))
        self._settings = self._settings.with_options(database_url=self._server.url())

    def _spawn(self, *command: str, output: int | None = None, **environment: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self._settings.environment(), **environment}
        return spawn([*self._program, *command], environment=environment, on_parent_death=signal.SIGTERM, output=output)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not _answers(self._settings):
            self._pause()
            for child in self._children:
                if (code := child.process.poll()) is not None:
                    message = f"{child.name} ended with exit code {code} before everything was ready; its log above says why"
                    raise ChildFailed(message)
            if time.monotonic() > deadline:
                message = f"the API did not answer within {_READY_SECONDS:.0f} seconds"
                raise ChildFailed(message)

    def _has_demo_to_load(self, prepared: Prepared) -> bool:
        """An example to look at belongs into an empty log; one whose loading was interrupted is completed."""
        return prepared.log_is_empty or is_unfinished(self._settings.data_dir)

    def _load_demo(self, platform_key: str | None) -> str | None:
        """The key of the demo organization's owner, which the command writes to its standard output."""
        platform_key = platform_key or os.environ.get(_PLATFORM_KEY, "")
        if not platform_key and not is_unfinished(self._settings.data_dir):
            _logger.warning("no demo: its organization is made with the platform key", set=_PLATFORM_KEY)
            return None
        self._on_step("loading the example organization")
        with TemporaryFile() as output:
            command = ("demo", "--json", "--url", _base_url(self._settings))
            self._demo_process = self._spawn(*command, output=output.fileno(), **{_PLATFORM_KEY: platform_key})
            deadline = time.monotonic() + _DEMO_SECONDS
            while self._demo_process.poll() is None and time.monotonic() < deadline:
                self._pause()
            if self._demo_process.poll() != 0:
                message = "the demo could not be loaded; the log above says why"
                raise ChildFailed(message)
            output.seek(0)
            return msgspec.json.decode(output.read(), type=Company).owner_key

    def _pause(self) -> None:
        """The one place where a signal takes effect."""
        if self._stop:
            raise StopRequested
        time.sleep(_TICK_SECONDS)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True

    def _end(self) -> None:
        """The API first, so that it takes no more commands; the database last."""
        if self._demo_process is not None:
            end(self._demo_process, signal.SIGTERM, patience=_END_SECONDS)
        for child in self._children:
            if child.name != "postgres":
                end(child.process, signal.SIGTERM, patience=_END_SECONDS)
        if self._server is not None:
            self._server.stop()


def check_port(host: str, port: int) -> None:
    """Raise `PortUnusable` when nothing could listen there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        in_use = f"port {port} on {host} is in use; choose another with --port or STAGEBOOK_PORT"
        message = in_use if error.errno == errno.EADDRINUSE else f"cannot listen on {host}, port {port}: {error.strerror}"
        raise PortUnusable(message) from None


def _base_url(settings: Settings) -> str:
    return f"http://{_own_address(settings.host, brackets=True)}:{settings.port}"


def _own_address(host: str, *, brackets: bool = False) -> str:
    """Where this machine reaches what listens on `host`."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"[{address}]" if brackets and ":" in address else address


def _answers(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(_own_address(settings.host), settings.port, timeout=1)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
