"""Carrying operations out: claim one, do it step by step, end it; whatever happens, none stays `running` for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from application.bus.background import Background
from application.bus.messages import Busy, Unavailable
from application.operations.model import Claim, Claims, Lost, Progress, Run, State
from domain.refusals import Refusal

MOST_ATTEMPTS = 4
"""An operation whose process has died, or that has failed, so many times is not tried again."""

_LOOK_SECONDS = 1.0
_RENEW_SECONDS = 2.0
_TIDY_SECONDS = 60.0
_BUSY_SECONDS = 1.0
_AGAIN_SECONDS = 0.5
_FAULT_SECONDS = 2.0

_log = logging.getLogger("stagebook.operations")


class GivenUp(Exception):
    """The processes that worked on it ended, or it failed, again and again."""


class _Cancelled(Exception):
    """Somebody asked to stop it."""


class _Stopping(Exception):
    """This process ends; another one goes on."""


class Runner:
    """Carries operations out, a few at a time."""

    def __init__(
        self, claims: Claims, kinds: Mapping[str, Run], *, describe: Callable[[Exception, str], dict[str, Any]], at_once: int = 2
    ) -> None:
        """`describe` makes problem details of a fault and a correlation id, and notes the fault in the application's log."""
        self._claims = claims
        self._kinds = kinds
        self._describe = describe
        self._at_once = at_once
        self._stopping = False

    def start(self) -> None:
        """Begin."""
        self._background = [Background(self._rest, self._take_turns) for _ in range(self._at_once)]
        self._background.append(Background(lambda: asyncio.sleep(_TIDY_SECONDS), self._claims.tidy))

    async def close(self) -> None:
        """Stop at the next step; what is under way is put back, to be taken up by another process."""
        self._stopping = True
        await asyncio.gather(*(background.stop() for background in self._background))

    async def _rest(self) -> None:
        await self._claims.wait(_LOOK_SECONDS)

    async def _take_turns(self) -> None:
        while not self._stopping and (claim := await self._claims.claim(self._kinds.keys())) is not None:
            heartbeat = Background(lambda: asyncio.sleep(_RENEW_SECONDS), lambda held=claim: self._claims.renew(held))  # type: ignore[misc]
            try:
                await self._carry_out(claim)
            except Lost:
                _log.warning("operation %s was taken over by another process", claim.id)
            finally:
                await heartbeat.stop()

    async def _carry_out(self, claim: Claim) -> None:
        try:
            await self._run(claim)
        except _Cancelled:
            await self._end(claim, "cancelled")
        except _Stopping:
            await self._put_back(claim, pause=0, counts=False)
        except (Busy, Unavailable):
            await self._put_back(claim, pause=_BUSY_SECONDS, counts=False)
        except (Refusal, GivenUp) as reason:
            await self._end(claim, "failed", self._describe(reason, claim.correlation_id))
        except Lost:
            raise
        except Exception as fault:  # noqa: BLE001  # whatever it is: tried again, or the operation's end
            problem = self._describe(fault, claim.correlation_id)
            if claim.attempt < MOST_ATTEMPTS:
                await self._put_back(claim, pause=_FAULT_SECONDS * 2**claim.attempt, counts=True)
            else:
                await self._end(claim, "failed", problem)
        else:
            await self._end(claim, "succeeded")

    async def _put_back(self, claim: Claim, *, pause: float, counts: bool) -> None:
        await self._insist(lambda: self._claims.put_back(claim, pause=pause, counts=counts))

    async def _end(self, claim: Claim, state: State, problem: dict[str, Any] | None = None) -> None:
        await self._insist(lambda: self._claims.end(claim, state, problem))

    async def _insist(self, write: Callable[[], Awaitable[None]]) -> None:
        """What has become of it is written down when the database is back, so that nobody waits for the lease to end."""
        while True:
            try:
                return await write()
            except Unavailable:
                if self._stopping:
                    raise
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _run(self, claim: Claim) -> None:
        if claim.cancelled:
            raise _Cancelled
        if claim.attempt > MOST_ATTEMPTS:
            raise GivenUp
        await self._kinds[claim.kind](_Running(claim, self._claims, lambda: self._stopping))


class _Running:
    """`application.operations.model.Work`."""

    def __init__(self, claim: Claim, claims: Claims, stopping: Callable[[], bool]) -> None:
        self.claim = claim
        self.done = claim.done
        self.result = claim.result
        self._outputs = claim.outputs
        self._claims = claims
        self._stopping = stopping

    async def parameters(self) -> bytes:
        return await self._claims.parameters(self.claim)

    async def input(self, number: int) -> bytes:
        return await self._claims.input(self.claim, number)

    async def step(self, *, done: int, total: int | None = None, result: dict[str, Any] | None = None, output: bytes | None = None) -> None:
        self.done = done
        self.result = self.result if result is None else result
        self._outputs += output is not None
        progress = Progress(done=done, total=total, result=self.result, outputs=self._outputs)
        if await self._claims.step(self.claim, progress, output):
            raise _Cancelled
        if self._stopping():
            raise _Stopping

    async def begin_again(self) -> None:
        await self._claims.begin_again(self.claim)
        self.done, self.result, self._outputs = 0, {}, 0
