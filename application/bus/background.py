"""Work beside the rounds: rest, work, rest. Stopped while it rests, never in the middle of its work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from application.bus.messages import Unavailable
from application.unit import NotLoaded

_log = logging.getLogger("stagebook.bus")

_PAUSE_AFTER_FAULT = 0.2
"""Seconds."""


class Background:
    """Repeats `work` after each `rest`. Whatever fails, it goes on."""

    def __init__(self, rest: Callable[[], Awaitable[object]], work: Callable[[], Awaitable[object]]) -> None:
        self._rest = rest
        self._work = work
        self._resting = asyncio.Event()
        self._stopping = False
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End at the next rest."""
        self._stopping = True
        await asyncio.wait((asyncio.create_task(self._resting.wait()), self._task), return_when=asyncio.FIRST_COMPLETED)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        # Asked each time: a connection that breaks at the moment of the cancellation raises its own error in place of it.
        while not self._stopping:
            self._resting.set()
            try:
                await self._rest()
                self._resting.clear()
                await self._work()
            except (Exception, NotLoaded) as fault:  # noqa: BLE001  # it must go on; it is logged with its trace
                if not isinstance(fault, Unavailable):
                    _log.exception("work beside the rounds of the bus failed")
                self._resting.set()
                if not self._stopping:
                    await asyncio.sleep(_PAUSE_AFTER_FAULT)
