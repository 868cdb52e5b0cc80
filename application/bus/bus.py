"""The bus as its users see it: send commands, ask questions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias, TypeVar
from uuid import UUID

from application.bus import encode
from application.bus.activity import Activity
from application.bus.background import Background
from application.bus.cache import Cache
from application.bus.follow import Follower
from application.bus.load import Loader
from application.bus.messages import Busy, IdempotencyInFlight, IdempotencyMismatch, Outcome, Request, Unavailable
from application.bus.pending import Pending
from application.bus.rounds import MOST_TRIES, Rounds
from application.bus.snapshots import Snapshots
from application.bus.statistics import Ending, Held, Statistics, Times
from application.ports import Codec, KeyStore, Log
from application.principal import Principal
from application.unit import PLATFORM_ID, AccessHook, NotLoaded, Unit

T = TypeVar("T")

Watch: TypeAlias = Callable[[Request, Times, Ending], None]
"""Is told of each request when it has its answer, in the context of who sent it; must not raise, and be quick."""

_SNAPSHOTS_EVERY = 1.0


class Bus:
    """Runs commands as serializable units of work, committed in groups. One per process, on one event loop."""

    def __init__(
        self,
        *,
        log: Log,
        codec: Codec,
        keys: KeyStore,
        authorize: AccessHook,
        clock: Callable[[], datetime],
        batch_limit: int = 256,
        queue_limit: int = 4096,
        cache_size: int = 50_000,
        watch: Watch | None = None,
    ) -> None:
        self._log = log
        self._clock = clock
        self._queue_limit = queue_limit
        self._watch = watch
        self._cache = Cache(codec, cache_size)
        self._loader = Loader(self._cache, codec, keys)
        self._activity = Activity()
        self._follower = Follower(log, codec, self._cache, self._activity)
        self._snapshots = Snapshots(codec, log)
        self._rounds = Rounds(
            log=log,
            codec=codec,
            cache=self._cache,
            loader=self._loader,
            follower=self._follower,
            activity=self._activity,
            snapshots=self._snapshots,
            authorize=authorize,
            batch_limit=batch_limit,
        )
        self._keyed: dict[tuple[UUID, str], Pending] = {}
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    @property
    def statistics(self) -> Statistics:
        """Counters since the start."""
        return self._rounds.statistics

    @property
    def held(self) -> Held:
        """What is in its hands now."""
        cache = self._cache
        return Held(self._rounds.waiting, self._open, self._queue_limit, len(cache), cache.persons, cache.hits, cache.misses)

    async def start(self) -> None:
        """Begin to take commands."""
        await self._follower.start()
        self._loop = asyncio.create_task(self._rounds.run())
        self._background = [
            Background(self._follower.rest, self._follower.catch_up),
            Background(lambda: asyncio.sleep(_SNAPSHOTS_EVERY), self._snapshots.write),
        ]

    async def close(self) -> None:
        """Refuse new commands, finish those that are here, stop."""
        self._closing = True
        await self._idle.wait()
        for background in self._background:
            await background.stop()
        with contextlib.suppress(Unavailable):
            await self._snapshots.write()
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)

    async def submit(self, request: Request) -> Outcome:
        """Run the commands as one unit. Raises a `Refusal`, `Busy` or `Unavailable`."""
        times = Times()
        try:
            outcome = await self._run(request, times)
        except Exception as fault:
            self._note(request, times, fault)
            raise
        self._note(request, times, outcome)
        return outcome

    async def ask(self, principal: Principal, question: Callable[[Unit], T]) -> T:
        """Run a pure read-only function in a unit of its own, loading what it needs; nothing is recorded."""
        for _ in range(MOST_TRIES):
            unit = Unit(now=self._clock(), principal=principal, command_id=PLATFORM_ID, state=self._cache)
            try:
                return question(unit)
            except NotLoaded as missing:
                await self._loader.load(self._log, [missing])
        raise Busy

    def _note(self, request: Request, times: Times, end: Ending) -> None:
        self.statistics.answered(request.commands, end)
        if self._watch is not None:
            self._watch(request, times, end)

    async def _run(self, request: Request, times: Times) -> Outcome:
        if request.idempotency_key is None:
            return await self._enqueue(request, None, times)
        place = (request.principal.organization_id or PLATFORM_ID, request.idempotency_key)
        while (first := self._keyed.get(place)) is not None:
            outcome = await _outcome_of(first, request)
            if outcome is not None:
                return outcome
        return await self._enqueue(request, place, times)

    def last_position(self, organization_id: UUID) -> int | None:
        """See `CommandBus.last_position`."""
        return self._activity.last(organization_id)

    async def _enqueue(self, request: Request, place: tuple[UUID, str] | None, times: Times) -> Outcome:
        if self._closing or self._open >= self._queue_limit:
            raise Busy
        pending = Pending(request, self._clock(), asyncio.get_running_loop().create_future(), times)
        if place is not None:
            self._keyed[place] = pending
        self._open += 1
        self._idle.clear()
        pending.answer.add_done_callback(lambda _: self._left(pending, place))
        self._rounds.add(pending)
        # Who stops waiting cancels the answer: a unit that waits is then left out, one that is on its way goes on unheard.
        return await pending.answer

    def _left(self, pending: Pending, place: tuple[UUID, str] | None) -> None:
        self._open -= 1
        if not self._open:
            self._idle.set()
        if place is not None and self._keyed.get(place) is pending:
            del self._keyed[place]


async def _outcome_of(first: Pending, request: Request) -> Outcome | None:
    """T21: the same key is under way here: wait for it. None when it was refused: refusals are not remembered."""
    await asyncio.wait([first.answer])
    if first.answer.cancelled():
        return None
    fault = first.answer.exception()
    if isinstance(fault, Busy | Unavailable):
        raise IdempotencyInFlight
    if fault is not None:
        await asyncio.sleep(0)
        return None
    if list(first.request.commands) != list(request.commands):
        raise IdempotencyMismatch
    done = first.answer.result()
    return Outcome(replies=[encode.without_secrets(reply) for reply in done.replies], position=done.position, replayed=True)
