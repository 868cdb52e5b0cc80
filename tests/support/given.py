"""given / when / then for commands: pure, in memory, through a real `Unit` and the access rules.

    given([fact(EventCreated, of=EVENT, name="Gala", ...)]).when(ConfirmEvent(event_id=EVENT)).then([fact(EventConfirmed, of=EVENT)])

History is domain events (`fact`) or commands, which then have to succeed. `when` may be called again: what was decided
before stands. Every handler runs twice, and has to decide the same twice.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self, TypeVar
from uuid import UUID, uuid5

import msgspec

from application.access import authorize
from application.principal import Principal, system
from application.registry import Command, CommandSpec, Reply, spec_of
from application.unit import Claimed, Scope, Unit
from domain.aggregate import Aggregate, Created, DomainEvent
from domain.refusals import Refusal

ORG = UUID("01900000-0000-7000-8000-00000000000a")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYSTEM = system("test", ORG)

A = TypeVar("A", bound=Aggregate)
_ENVELOPE = frozenset({"originator_id", "originator_version", "timestamp", "organization_id"})
_MOST_DRAWS = 10


def uid(n: int) -> UUID:
    """A readable id for tests."""
    return UUID(int=0x01900000_0000_7000_8000_000000000000 + n)


class Fact(NamedTuple):
    """A domain event: in `given` complete, in `then` with the fields that matter."""

    type: type[DomainEvent]
    of: UUID | None
    fields: dict[str, Any]

    def event(self, version: int, at: datetime, organization_id: UUID) -> DomainEvent:
        """The event itself, as the next of its stream."""
        own = {"organization_id": organization_id} if issubclass(self.type, Created) else {}
        stream = organization_id if self.of is None else self.of
        return self.type(originator_id=stream, originator_version=version, timestamp=at, **own, **self.fields)

    def describe(self, event: DomainEvent) -> Fact:
        """What the event says of the fields that this fact names."""
        said = {name: getattr(event, name, "no such field") for name in self.fields}
        return Fact(type(event), None if self.of is None else event.originator_id, said)


def fact(event_type: type[DomainEvent], *, of: UUID | None = None, **named: Any) -> Fact:
    """A domain event of the stream `of`; in `given`, without it, of the organization's own stream."""
    return Fact(event_type, of, named)


class MemoryState:
    """The state that units see: committed aggregates, persons, unique keys."""

    def __init__(self) -> None:
        self.aggregates: dict[UUID, Aggregate] = {}
        self.keys: dict[tuple[UUID, str, str], UUID] = {}
        self.erased: set[UUID] = set()
        self._generation: dict[tuple[UUID, str], int] = {}

    def aggregate(self, stream_id: UUID) -> Aggregate | None:
        """The aggregate as it was committed."""
        return self.aggregates.get(stream_id)

    def person_key(self, organization_id: UUID, person: str) -> UUID:
        """The person's current key: another one after an erasure."""
        n = self._generation.setdefault((organization_id, person), 0)
        key = uuid5(organization_id, f"{person}#{n}")
        if key not in self.erased:
            return key
        self._generation[organization_id, person] = n + 1
        return self.person_key(organization_id, person)

    def digest(self, organization_id: UUID, text: str) -> bytes:
        """A keyed hash."""
        return hmac.digest(organization_id.bytes, text.encode(), "sha256")

    def commit(self, unit: Unit) -> list[DomainEvent]:
        """Take over what the unit did. Raises the scope's refusal, or `_DrawAgain`, when a unique key is taken."""
        released = {self._key(release): release.stream_id for release in unit.releases}
        claimed: dict[tuple[UUID, str, str], UUID] = {}
        for claim in unit.claims:
            key = self._key(claim)
            free = self.keys.get(key) in (None, claim.stream_id, released.get(key))
            if not free or claimed.get(key, claim.stream_id) != claim.stream_id:
                raise _taken(claim.scope, claim.text)
            claimed[key] = claim.stream_id
        for key, owner in released.items():
            if self.keys.get(key) == owner:
                del self.keys[key]
        self.keys.update(claimed)
        self.erased.update(unit.erases)
        self.aggregates.update(unit.forks)
        return [event for event, _ in unit.collect()]

    def _key(self, claim: Claimed) -> tuple[UUID, str, str]:
        return claim.organization_id, claim.scope.name, claim.text


class _DrawAgain(Exception):
    """A drawn unique key is taken."""


def _taken(scope: Scope, key: str) -> Exception:
    return scope.refusal(key=key) if scope.refusal is not None else _DrawAgain()


class Given:
    """History, and then commands on it."""

    def __init__(self, history: Iterable[Fact | Command], *, now: datetime, principal: Principal) -> None:
        self.now = now
        self.principal = principal
        self.state = MemoryState()
        self.events: list[DomainEvent] = []
        """What the last `when` decided."""
        self.replies: list[Reply] = []
        self.refusal: Refusal | None = None
        self._commands = 0
        for item in history:
            if isinstance(item, Fact):
                self._happened(item)
            else:
                self.when(item).succeeded()

    @property
    def reply(self) -> Reply:
        """Of the last command, which succeeded."""
        return self.succeeded().replies[-1]

    def at(self, now: datetime) -> Self:
        """Later commands come at this time."""
        self.now = now
        return self

    def after(self, **span: float) -> Self:
        """Later commands come later by a `timedelta`."""
        return self.at(self.now + timedelta(**span))

    def by(self, principal: Principal) -> Self:
        """Later commands come from this principal."""
        self.principal = principal
        return self

    def when(self, *commands: Command, if_match: int | None = None, client_address: str | None = None) -> Self:
        """Run the commands as one unit; a refusal leaves everything as it was."""
        self._commands += 1
        self.events, self.replies, self.refusal = [], [], None
        before = {stream: dict(aggregate.__dict__) for stream, aggregate in self.state.aggregates.items()}
        for attempt in range(_MOST_DRAWS):
            try:
                first, _ = self._run(commands, attempt, if_match, client_address)
                unit, replies = self._run(commands, attempt, if_match, client_address)
                assert _pending(first) == _pending(unit), "a handler decided differently the second time"
                assert before == {s: a.__dict__ for s, a in self.state.aggregates.items()}, "a handler changed committed state"
                self.events = self.state.commit(unit)
                self.replies = replies
            except _DrawAgain:
                continue
            except Refusal as refusal:
                self.refusal = refusal
            return self
        msg = "no free key was drawn"
        raise AssertionError(msg)

    def then(self, expected: Sequence[Fact | type[DomainEvent]]) -> Self:
        """Exactly these domain events were decided, in this order, with at least these fields."""
        self.succeeded()
        facts = [item if isinstance(item, Fact) else fact(item) for item in expected]
        shown = [fact_.describe(event) for fact_, event in zip(facts, self.events, strict=False)]
        rest = [Fact(type(event), event.originator_id, _own_fields(event)) for event in self.events[len(facts) :]]
        assert [*shown, *rest] == facts
        return self

    def then_refused(self, refusal: type[Refusal], **named: Any) -> Self:
        """The commands were refused with this type and at least these fields; nothing was recorded."""
        assert self.refusal is not None, f"not refused, but decided: {self.events}"
        assert type(self.refusal) is refusal, f"{self.refusal!r} instead of {refusal.__name__}"
        assert {name: self.refusal.fields.get(name) for name in named} == named
        return self

    def succeeded(self) -> Self:
        """The last commands were not refused; what they decided does not matter."""
        if self.refusal is not None:
            raise self.refusal
        return self

    def get(self, kind: type[A], id: UUID) -> A:  # noqa: A002  # the field's name
        """The aggregate as it stands."""
        found = self.state.aggregates[id]
        assert isinstance(found, kind)
        return found

    def _happened(self, item: Fact) -> None:
        stream = ORG if item.of is None else item.of
        aggregate = self.state.aggregates.get(stream)
        event = item.event(aggregate.version + 1 if aggregate is not None else 1, self.now, ORG)
        changed = event.mutate(aggregate.fork() if aggregate is not None else None)
        assert isinstance(changed, Aggregate)
        self.state.aggregates[stream] = changed

    def _run(self, commands: Sequence[Command], attempt: int, if_match: int | None, client_address: str | None) -> tuple[Unit, list[Reply]]:
        unit = Unit(
            now=self.now,
            principal=self.principal,
            command_id=uuid5(ORG, f"command {self._commands}"),
            state=self.state,
            attempt=attempt,
            if_match=if_match,
            client_address=client_address,
        )
        replies: list[Reply] = []
        for command in commands:
            spec = spec_of(command)
            authorize(spec.permission, unit)
            replies.append(spec.handler(command, unit))
            _require_as_declared(replies[-1], spec)
        unit.finish()
        return unit, replies


def given(history: Iterable[Fact | Command] = (), *, now: datetime = NOW, principal: Principal = SYSTEM) -> Given:
    """Begin with this history; commands come from `principal` (by default the system, inside the organization ORG)."""
    return Given(history, now=now, principal=principal)


def _require_as_declared(reply: Reply, spec: CommandSpec) -> None:
    """The reply is what its handler's annotation and registration say, and with them the API's description."""
    declared = {} if spec.data is None else msgspec.convert(reply.data, spec.data)
    assert reply.data == declared, f"{spec.name} answers with more than it says: {reply.data}"
    assert set(reply.secrets) == set(spec.secrets), f"{spec.name} shows other secrets than it says"


def _pending(unit: Unit) -> list[object]:
    return [event for fork in unit.forks.values() for event in fork.pending_events]


def _own_fields(event: DomainEvent) -> dict[str, Any]:
    return {item.name: getattr(event, item.name) for item in fields(event) if item.name not in _ENVELOPE}
