"""The loop of the bus: decide what waits, append it in groups, answer.

While one batch is on its way into the log, the next is decided and encoded on top of it; it follows when the first is
there as a whole, and is decided again when it is not. What lost to another process is decided inside a transaction that holds
the locks of the contested streams; what touches streams that were contested lately goes that way at once. Refusals take
part without records: they stand only if what they were based on is what the log has.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from application.bus import encode
from application.bus.activity import Activity
from application.bus.batch import Batch, Decided
from application.bus.cache import Cache
from application.bus.components import component, components
from application.bus.follow import Follower
from application.bus.load import Loader
from application.bus.messages import Busy, IdempotencyMismatch, Outcome, Unavailable
from application.bus.pending import Pending
from application.bus.snapshots import Snapshots
from application.bus.statistics import Statistics
from application.ports import Codec, Committed, KeyTaken, Log, LogSession, Moved, Replayed, Verdict
from application.unit import AccessHook, NotLoaded

_log = logging.getLogger("stagebook.bus")

_HOT_SECONDS = 2.0
"""How long a stream counts as contested after another process last got there first."""

_STEP = 32
"""Units that are decided in a row, before others of the process get their turn."""

_LEAST = 32
"""Units that are worth an append of their own when more wait: one call and one commit cost as much as some twenty units."""

MOST_TRIES = 50
"""How often a unit is decided anew before its sender is told to come again."""

Group = Sequence[Decided]


class _Flight(NamedTuple):
    """A batch on its way into the log."""

    batch: Batch
    groups: Sequence[Group]
    verdicts: asyncio.Task[Sequence[Verdict]]


class Rounds:
    """Queue, loop and settlement. `run` is the loop; `add` puts a request in; its answer is the request's future."""

    def __init__(
        self,
        *,
        log: Log,
        codec: Codec,
        cache: Cache,
        loader: Loader,
        follower: Follower,
        activity: Activity,
        snapshots: Snapshots,
        authorize: AccessHook,
        batch_limit: int,
    ) -> None:
        self._log = log
        self._codec = codec
        self._cache = cache
        self._loader = loader
        self._follower = follower
        self._activity = activity
        self._snapshots = snapshots
        self._authorize = authorize
        self._batch_limit = batch_limit
        self._queue: deque[Pending] = deque()
        self._contested: deque[Pending] = deque()
        self._arrived = asyncio.Event()
        self._hot: dict[UUID, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.statistics = Statistics()

    @property
    def waiting(self) -> int:
        """Units in the queue."""
        return len(self._queue) + len(self._contested)

    def add(self, pending: Pending) -> None:
        """Put a request into the queue."""
        self._queue.append(pending)
        self._arrived.set()

    async def run(self) -> None:
        """The loop; ends only by cancellation."""
        flight: _Flight | None = None
        while True:
            batch: Batch | None = None
            try:
                if self._contested:
                    await self._land(flight)
                    flight = None
                    await self._round_under_locks(self._take(self._contested, self._batch_limit))
                    continue
                batch = await self._gather(flight)
                if flight is None or await self._land(flight):
                    batch.below = None
                    flight = self._launch(batch)
                else:
                    flight = None
                    self._requeue(decided.pending for decided in batch.decided)
            except Exception as fault:  # noqa: BLE001  # the loop must go on; it is logged with its trace, and nobody waits in vain
                _log.exception("a round of the bus failed")
                self._fail_all([*(flight.groups if flight else ()), batch.decided if batch else ()], fault)
                flight = None

    async def _gather(self, flight: _Flight | None) -> Batch:
        """Decide what waits and, while a batch is in flight, what arrives meanwhile, on top of it."""
        batch = Batch(self._cache, self._codec, self._authorize, self._hot_streams(), flight.batch if flight else None)
        while True:
            # The append before this one begins, requests come in, answers go out.
            await asyncio.sleep(0)
            batch.run(self._take(self._queue, min(_STEP, self._batch_limit - len(batch.decided))))
            self._set_aside(batch)
            if self._is_ready(batch, flight):
                return batch
            if not self._queue:
                self._arrived.clear()
                await self._arrived.wait()

    def _is_ready(self, batch: Batch, flight: _Flight | None) -> bool:
        """Whether to append the batch now, or first what is in flight.

        The half of all that is under way is enough: as long as the other half is decided while this one is in the
        database, neither waits for the other.
        """
        decided, ahead = len(batch.decided), len(flight.batch.decided) if flight else 0
        if decided >= self._batch_limit:
            return True
        if flight is not None and not flight.verdicts.done():
            return False
        enough = max(_LEAST, (len(self._queue) + decided + ahead) // 2)
        return decided >= enough or (not self._queue and bool(decided or ahead or self._contested))

    def _take(self, queue: deque[Pending], most: int) -> list[Pending]:
        return [queue.popleft() for _ in range(min(len(queue), most))]

    def _set_aside(self, batch: Batch) -> None:
        """What did not become part of the batch: faults, contested units, and units that wait for something to be loaded."""
        for pending, fault in batch.failed:
            self._fail(pending, fault)
        self._contested.extend(batch.contested)
        if batch.waiting:
            task = asyncio.create_task(self._load(tuple(batch.waiting)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        batch.failed.clear()
        batch.contested.clear()
        batch.waiting.clear()

    def _launch(self, batch: Batch) -> _Flight | None:
        if not batch.decided:
            return None
        groups = components(batch.decided)
        verdicts = asyncio.create_task(self._append(self._log, groups))
        verdicts.add_done_callback(lambda _: self._arrived.set())
        return _Flight(batch, groups, verdicts)

    async def _land(self, flight: _Flight | None) -> bool:
        """Wait for the verdicts and settle. False when not all of it got into the log."""
        if flight is None:
            return True
        try:
            verdicts = await flight.verdicts
        except Unavailable as fault:
            self._fail_all(flight.groups, fault)
            return False
        except Exception as fault:  # noqa: BLE001  # its senders must hear of it; it is logged with its trace
            _log.exception("the log refused a batch")
            await self._append_singly(flight.groups, fault)
            return False
        self._settle(flight.groups, verdicts)
        return all(isinstance(verdict, Committed) for verdict in verdicts)

    async def _append_singly(self, groups: Sequence[Group], fault: Exception) -> None:
        """One group that the log cannot take must not fail the others."""
        if len(groups) == 1:
            self._fail_all(groups, fault)
            return
        for group in groups:
            try:
                self._settle([group], await self._append(self._log, [group]))
            except Exception as own_fault:  # noqa: BLE001  # whatever it is, its senders must hear of it
                self._fail_all([group], own_fault)

    async def _round_under_locks(self, pendings: list[Pending]) -> None:
        """Decide on streams that other processes write too, holding their locks from reading to appending."""
        streams = self._hot_streams()
        if not streams:
            self._requeue(pendings)
            return
        batch = Batch(self._cache, self._codec, self._authorize)
        try:
            async with self._log.locked(streams) as session:
                self._heat(await self._loader.refresh(session, streams))
                batch.run(pendings)
                self._set_aside(batch)
                groups = components(batch.decided)
                verdicts = await self._append(session, groups) if groups else ()
        except Exception as fault:  # noqa: BLE001  # whatever it is, the senders must hear of it
            for pending in pendings:
                self._fail(pending, fault)
            return
        # Only here, outside of the transaction, it is committed.
        self.statistics.locked_rounds += 1
        self._settle(groups, verdicts)

    async def _load(self, waiting: Sequence[tuple[Pending, NotLoaded]]) -> None:
        """Fetch what these lack, then put them back at the head of the queue."""
        try:
            await self._loader.load(self._log, [missing for _, missing in waiting])
        except Exception as fault:  # noqa: BLE001  # whatever it is, those who wait must hear of it
            for pending, _ in waiting:
                self._fail(pending, fault)
        else:
            self._requeue(pending for pending, _ in waiting)

    async def _append(self, session: LogSession, groups: Sequence[Group]) -> Sequence[Verdict]:
        started = time.perf_counter()
        verdicts = await session.append([component(group) for group in groups])
        ended = time.perf_counter()
        self.statistics.appended(sum(map(len, groups)), ended - started)
        for group in groups:
            for decided in group:
                decided.pending.times.appending, decided.pending.times.appended = started, ended
        return verdicts

    def _settle(self, groups: Sequence[Group], verdicts: Sequence[Verdict]) -> None:
        settled = list(zip(groups, verdicts, strict=True))
        self._note_own(settled)
        for group, verdict in settled:
            match verdict:
                case Committed():
                    for decided, position in zip(group, verdict.positions, strict=True):
                        self._committed(decided, position)
                case Replayed():
                    self._replayed(group[verdict.unit], verdict)
                    self._requeue(decided.pending for i, decided in enumerate(group) if i != verdict.unit)
                case KeyTaken():
                    self._key_taken(group[verdict.unit], verdict)
                    self._requeue(decided.pending for i, decided in enumerate(group) if i != verdict.unit)
                case Moved():
                    self._moved(group, verdict)

    def _note_own(self, settled: Sequence[tuple[Group, Verdict]]) -> None:
        """The positions of one append are consecutive; this process need not read them again."""
        ends = [
            (position, len(decided.append.records))
            for group, verdict in settled
            if isinstance(verdict, Committed)
            for decided, position in zip(group, verdict.positions, strict=True)
            if decided.append.records
        ]
        if ends:
            last = max(position for position, _ in ends)
            self._follower.wrote(last - sum(count for _, count in ends) + 1, last)

    def _committed(self, decided: Decided, position: int) -> None:
        if decided.refusal is not None:
            self.statistics.refused += 1
            self._fail(decided.pending, decided.refusal)
            return
        for stream_id in decided.written:
            fork = decided.unit.forks[stream_id]
            self._cache.put(stream_id, fork)
            self._snapshots.consider(fork)
        if decided.unit.erases:
            self._cache.erase(decided.unit.erases)
        self._activity.recorded((record.organization_id, position) for record in decided.append.records)
        self.statistics.committed += 1
        self._answer(decided.pending, Outcome(replies=decided.replies, position=position))

    def _replayed(self, decided: Decided, verdict: Replayed) -> None:
        entry = decided.append.ledger
        if entry is None or entry.request != verdict.request:
            self._fail(decided.pending, IdempotencyMismatch())
            return
        self.statistics.replayed += 1
        replies = encode.stored_replies(verdict.reply)
        self._answer(decided.pending, Outcome(replies=replies, position=verdict.position, replayed=True))

    def _key_taken(self, decided: Decided, verdict: KeyTaken) -> None:
        claimed = decided.claims[verdict.claim]
        if claimed.scope.refusal is None:
            decided.pending.attempt += 1
            self._requeue([decided.pending])
        else:
            self.statistics.refused += 1
            self._fail(decided.pending, claimed.scope.refusal(key=claimed.text))

    def _moved(self, group: Group, verdict: Moved) -> None:
        """Another process was there first: these streams are contested, decide again under their locks."""
        self.statistics.conflicts += len(group)
        self._heat(verdict.streams)
        self._cache.drop_persons(verdict.streams)
        for decided in group:
            decided.pending.tries += 1
            if decided.pending.tries > MOST_TRIES:
                self._fail(decided.pending, Busy())
            else:
                self._contested.append(decided.pending)
        self._arrived.set()

    def _heat(self, streams: Iterable[UUID]) -> None:
        self._hot.update(dict.fromkeys(streams, time.monotonic() + _HOT_SECONDS))

    def _hot_streams(self) -> set[UUID]:
        now = time.monotonic()
        for stream_id in [stream_id for stream_id, until in self._hot.items() if until < now]:
            del self._hot[stream_id]
        return set(self._hot)

    def _requeue(self, pendings: Iterable[Pending]) -> None:
        self._queue.extendleft(reversed(list(pendings)))
        self._arrived.set()

    def _fail_all(self, groups: Iterable[Group], fault: Exception) -> None:
        for group in groups:
            for decided in group:
                self._fail(decided.pending, fault)

    @staticmethod
    def _answer(pending: Pending, outcome: Outcome) -> None:
        if not pending.answer.done():
            pending.answer.set_result(outcome)

    @staticmethod
    def _fail(pending: Pending, fault: Exception) -> None:
        if not pending.answer.done():
            pending.answer.set_exception(fault)
