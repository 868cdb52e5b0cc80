"""Deciding a batch: each unit on top of what the ones before it did, in memory, without any I/O.

A batch may itself stand on one that is still on its way into the log (`below`); if that one does not get there as a whole,
everything decided on top of it is decided again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from time import perf_counter
from typing import NamedTuple
from uuid import UUID

from application.bus import encode
from application.bus.cache import Cache
from application.bus.pending import Happened, Key, KeyUse, Pending
from application.ports import AppendUnit, Codec
from application.registry import Reply
from application.unit import AccessHook, Claimed, NotLoaded, Unit
from domain.aggregate import Aggregate
from domain.refusals import Refusal, Unauthenticated


class Decided(NamedTuple):
    """What became of a pending request: its records and replies, or its refusal. Nothing is in the log yet."""

    pending: Pending
    unit: Unit
    replies: Sequence[Reply]
    claims: Sequence[Claimed]
    refusal: Refusal | None
    append: AppendUnit
    """What the log is to take; of a refusal: what it is to look up."""
    written: AbstractSet[UUID]
    """The streams that get new records."""
    keys: Sequence[Key]
    """Unique keys taken and given back; of a refused unit those that it would have taken."""


class Redraw(Exception):  # a signal, not an error
    """A drawn unique key is taken within the batch: run the handler again with the next attempt."""


class Batch:
    """The state that the units of one batch see: the cache, overlaid with what earlier units did."""

    def __init__(
        self, cache: Cache, codec: Codec, authorize: AccessHook, hot: AbstractSet[UUID] = frozenset(), below: Batch | None = None
    ) -> None:
        self._cache = cache
        self._codec = codec
        self._authorize = authorize
        self._hot = hot
        self.below = below
        self._overlay: dict[UUID, Aggregate] = {}
        self._keys: dict[Key, UUID | None] = {}
        self.decided: list[Decided] = []
        self.contested: list[Pending] = []
        """They touch hot streams: to be decided under locks."""
        self.waiting: list[tuple[Pending, NotLoaded]] = []
        """Something that they need is not in memory."""
        self.failed: list[tuple[Pending, Exception]] = []
        """A fault in a handler."""

    def aggregate(self, stream_id: UUID) -> Aggregate | None:
        """See `State.aggregate`."""
        found = self._overlay.get(stream_id)
        if found is None and self.below is not None:
            found = self.below._overlay.get(stream_id)  # noqa: SLF001  # of the same class
        return found if found is not None else self._cache.aggregate(stream_id)

    def person_key(self, organization_id: UUID, person: str) -> UUID:
        """See `State.person_key`."""
        return self._cache.person_key(organization_id, person)

    def digest(self, organization_id: UUID, text: str) -> bytes:
        """See `State.digest`."""
        return self._cache.digest(organization_id, text)

    def run(self, pendings: Iterable[Pending]) -> None:
        """Decide each, on top of all decided so far."""
        for pending in pendings:
            if pending.answer.done():
                continue
            pending.times.began = perf_counter()
            try:
                decided = self._decide(pending)
            except NotLoaded as missing:
                self.waiting.append((pending, missing))
            except Exception as fault:  # noqa: BLE001  # a fault of one handler must not stop the others; it reaches its caller
                self.failed.append((pending, fault))
            else:
                pending.times.decided = perf_counter()
                if decided is None:
                    self.contested.append(pending)
                else:
                    self.decided.append(decided)

    def _decide(self, pending: Pending) -> Decided | None:
        while True:
            request = pending.request
            unit = Unit(
                now=pending.now,
                principal=request.principal,
                command_id=request.command_id,
                state=self,
                attempt=pending.attempt,
                if_match=request.if_match,
                client_address=request.client_address,
            )
            try:
                replies, events = self._run_handlers(pending, unit)
            except Refusal as refusal:
                return self._refused(pending, unit, refusal)
            if self._hot and not self._hot.isdisjoint(unit.reads):
                return None
            try:
                return self._accept(pending, unit, replies, events)
            except Redraw:
                pending.attempt += 1

    def _run_handlers(self, pending: Pending, unit: Unit) -> tuple[list[Reply], list[Happened]]:
        replies: list[Reply] = []
        events: list[Happened] = []
        for index, (command, spec) in enumerate(zip(pending.request.commands, pending.specs, strict=True)):
            try:
                self._authorize(spec.permission, unit)
                replies.append(spec.handler(command, unit))
            except Refusal as refusal:
                refusal.command_index = index
                raise
            events += [Happened(event, stream_type, spec.name) for event, stream_type in unit.collect()]
        unit.finish()
        return replies, events

    def _accept(self, pending: Pending, unit: Unit, replies: list[Reply], events: list[Happened]) -> Decided:
        """Encode the unit and let the next ones see it. Nothing of it is visible when anything is missing."""
        releases = [self._use(release) for release in unit.releases]
        claims = [self._use(claim) for claim in unit.claims]
        changed = {release.key: None for release in releases} | self._taken(releases, claims)
        taken = next((use for use in claims if changed[use.key] != use.claimed.stream_id), None)
        if taken is not None:
            if taken.claimed.scope.refusal is None:
                raise Redraw
            return self._refused(pending, unit, taken.claimed.scope.refusal(key=taken.claimed.text), claims)
        append = AppendUnit(
            records=encode.records(pending.request, unit, events, self._codec),
            ledger=encode.ledger_entry(pending, replies, self._cache),
            writes_ledger=True,
            claims=[encode.key_claim(use) for use in claims],
            releases=[encode.key_claim(use) for use in releases],
            erases=unit.erases,
        )
        written = {event.event.originator_id for event in events}
        self._keys.update(changed)
        for stream_id in written:
            self._overlay[stream_id] = unit.forks[stream_id]
        return Decided(pending, unit, replies, unit.claims, None, append, written, [use.key for use in (*claims, *releases)])

    def _refused(self, pending: Pending, unit: Unit, refusal: Refusal, claims: Sequence[KeyUse] = ()) -> Decided:
        # O9: to whom nothing opens any more, the ledger does not open either.
        ledger = None if isinstance(refusal, Unauthenticated) else encode.ledger_entry(pending, (), self._cache)
        append = AppendUnit((), ledger, False, (), (), ())
        refusal.with_traceback(None)  # its frames lead back here: without them it goes when it has been answered
        return Decided(pending, unit, (), (), refusal, append, frozenset(), [use.key for use in claims])

    def _use(self, claimed: Claimed) -> KeyUse:
        return KeyUse(self.digest(claimed.organization_id, f"key:{claimed.scope.name}:{claimed.text}"), claimed)

    def _taken(self, releases: Sequence[KeyUse], claims: Sequence[KeyUse]) -> dict[Key, UUID | None]:
        """Who holds each claimed key afterwards, as far as this batch knows: equal keys are settled here, the log settles the rest."""
        freed = {release.key for release in releases}
        holders: dict[Key, UUID | None] = {}
        for use in claims:
            holder = None if use.key in freed else self._holder(use.key)
            holders.setdefault(use.key, holder if holder is not None else use.claimed.stream_id)
        return holders

    def _holder(self, key: Key) -> UUID | None:
        if key in self._keys:
            return self._keys[key]
        return self.below._keys.get(key) if self.below is not None else None  # noqa: SLF001  # of the same class
