"""Learning that the log has grown, and saying so: LISTEN and NOTIFY on a connection of their own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import asyncpg
import structlog

from infrastructure.postgres.pool import LOST, Connection, take_role

_CHANNEL: Final = "stagebook_log"
_PAUSE: Final = 0.01
"""Seconds between notifications: every NOTIFY takes a lock of the whole database while it commits."""
_RETRY: Final = 0.25
"""Seconds between attempts to connect."""
_CONNECT: Final = 5
"""Seconds that one attempt may take."""
_SETTINGS: Final = {"application_name": "stagebook_growth", "synchronous_commit": "off"}
"""A NOTIFY has a commit record, but a lost one costs nothing: it need not wait for the disk."""

_logger = structlog.get_logger(__name__)


class Growth:
    """The highest position that this process knows of; waiting for a higher one; telling the other processes.

    Positions come over LISTEN, from this process's own appends, and after every (re)connection from the log itself, so
    that none is missed for good. Without a connection, waiting only times out.
    """

    def __init__(self, url: str, role: str) -> None:
        self._url = url
        self._role = role
        self._known = 0
        self._own = 0
        self._told = 0
        self._waiting: dict[asyncio.Future[None], int] = {}
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def wait(self, after: int, timeout: float) -> bool:
        """Return when a position above `after` is known (True), or after `timeout` seconds (False)."""
        self._start()
        if self._known <= after:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting[waiting] = after
            try:
                # Not `wait_for`, which forgets a cancellation that comes together with the result.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(timeout):
                        await waiting
            finally:
                del self._waiting[waiting]
        return self._known > after

    def notify(self, position: int) -> None:
        """Say that this process has written up to `position`: here at once, elsewhere soon; many calls make few notifications."""
        self._start()
        self._own = max(self._own, position)
        self._news.set()
        self._learn(position)

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="log growth")

    def _learn(self, position: int) -> None:
        """Wake those who wait for this."""
        if position > self._known:
            self._known = position
            for waiting, after in self._waiting.items():
                if after < position and not waiting.done():
                    waiting.set_result(None)

    async def _run(self) -> None:
        """Be connected, whatever happens."""
        while True:
            try:
                connection = await asyncpg.connect(self._url, timeout=_CONNECT, server_settings=_SETTINGS)
                try:
                    await self._serve(connection)
                finally:
                    connection.terminate()
            except (*LOST, asyncpg.PostgresError) as error:
                _logger.warning("not listening to the log", reason=str(error))
                await asyncio.sleep(_RETRY)

    async def _serve(self, connection: Connection) -> None:
        """Listen, and send what `notify` collects, until the connection is lost."""
        await take_role(connection, self._role)
        connection.add_termination_listener(self._lost)
        await connection.add_listener(_CHANNEL, self._heard)
        self._learn(await connection.fetchval("select coalesce(max(position), 0) from log.records"))
        self._news.set()
        while not connection.is_closed():
            await self._news.wait()
            self._news.clear()
            if self._own > self._told:
                told = self._own
                await connection.execute("select pg_notify($1, $2)", _CHANNEL, str(told))
                self._told = told
                await asyncio.sleep(_PAUSE)

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: Any) -> None:
        self._learn(int(payload))

    def _lost(self, _connection: Any) -> None:
        """Let `_serve` notice."""
        self._news.set()
