"""The base of every aggregate and of every domain event.

Built on `eventsourcing.domain`, narrowed in four ways: events live at module level under a stable type name
(`order.placed`, never a module path); identity and time are always arguments; state holds immutable values only, so
that a fork is a shallow copy; an aggregate knows its organization.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, ClassVar, Self
from uuid import UUID, uuid5

from eventsourcing.domain import AggregateEvent, BaseAggregate, CanInitAggregate, MetaAggregate
from eventsourcing.utils import register_topic, resolve_topic

EVENT_TYPES: dict[str, type[DomainEvent]] = {}
"""Every domain event class by its stable type name."""

AGGREGATE_TYPES: dict[str, type[Aggregate]] = {}
"""Every aggregate class by its stream type."""


class DomainEvent(AggregateEvent):
    """A fact in the past tense.

    A concrete event sets `type_name` (`"<stream type>.<past tense>"`). When its fields change, raise `class_version` and
    add a static method `upcast_v<n>_v<n+1>(state: dict) -> None` that brings stored fields from one version to the next.
    """

    type_name: ClassVar[str]
    class_version: ClassVar[int] = 1
    erases_person: ClassVar[bool] = False
    """Whether this is the erasure of the person whose key id is the stream's id."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "type_name" in cls.__dict__:
            known = EVENT_TYPES.setdefault(cls.type_name, cls)
            # The dataclass decorator and reloads make the class again under its own name: that one replaces it.
            if known.__qualname__ != cls.__qualname__ or known.__module__ != cls.__module__:
                msg = f"{cls.type_name} is the type name of {known.__qualname__} already"
                raise TypeError(msg)
            EVENT_TYPES[cls.type_name] = cls

    def apply(self, aggregate: Any) -> None:
        """Assign new values to the aggregate's attributes; never decide, never fail."""


class Created(CanInitAggregate[UUID], DomainEvent):
    """The first event of a stream. Fields that bear the name of an aggregate attribute initialise it."""

    originator_topic: ClassVar[str]  # type: ignore[misc]  # the library has it as a field; a class knows its stream type
    organization_id: UUID

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "type_name" in cls.__dict__:
            cls.originator_topic = cls.type_name.partition(".")[0]

    def mutate(self, aggregate: Any) -> Any:  # noqa: ARG002  # there is none yet
        """Make the aggregate, as the library does, but with the names that event and aggregate share looked up once a class."""
        kind: type[Aggregate] = resolve_topic(self.originator_topic)
        made = object.__new__(kind)
        made.__base_init__(self.originator_id, self.originator_version, self.timestamp)
        values = self.__dict__
        made.__init__(**{name: values[name] for name in _shared_names(type(self), kind)})  # type: ignore[misc]  # of a fresh object
        self.apply(made)
        return made


class Aggregate(BaseAggregate[UUID], metaclass=MetaAggregate):
    """A consistency boundary whose state is the fold of its events.

    Annotated attributes are its state: immutable values only (scalars, tuples, frozensets, frozen structs,
    `immutables.Map`). One without a default is a field of the first event. Snapshots store exactly these attributes;
    raise `state_version` when their meaning changes, and older snapshots are ignored.
    """

    stream_type: ClassVar[str]
    state_version: ClassVar[int] = 1

    organization_id: UUID
    deleted: bool = field(default=False, kw_only=True)
    """A deleted aggregate is answered as if it did not exist; its stream stays."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "stream_type" in cls.__dict__:
            AGGREGATE_TYPES[cls.stream_type] = cls
            register_topic(cls.stream_type, cls)

    @classmethod
    def begin(cls, created: type[Created], *, id: UUID, now: datetime, organization_id: UUID, **fields: Any) -> Self:  # noqa: A002  # the field's name
        """Start a stream with its first event."""
        own = {"organization_id": organization_id, **fields}
        event = created(originator_id=id, originator_version=1, timestamp=now, **own)
        aggregate: Self = event.mutate(None)
        aggregate._pending_events.append(event)
        return aggregate

    def trigger(self, event: type[DomainEvent], *, now: datetime, **fields: Any) -> None:
        """Record one more fact and apply it."""
        happened = event(originator_id=self._id, originator_version=self._version + 1, timestamp=now, **fields)
        happened.mutate(self)
        self._pending_events.append(happened)

    def collect_events(self) -> list[DomainEvent]:
        """Hand over what was recorded since the last call."""
        collected = self._pending_events
        self._pending_events = []
        return collected  # type: ignore[return-value]

    def fork(self) -> Self:
        """A copy that can change without the original noticing: state is immutable, so a shallow copy will do."""
        fork = object.__new__(type(self))
        fork.__dict__.update(self.__dict__)
        fork._pending_events = []
        return fork


@cache
def _shared_names(created: type[Created], kind: type[Aggregate]) -> tuple[str, ...]:
    state: type[Any] = kind  # the library makes it a dataclass, which the type checker cannot see
    of_event = {field.name for field in dataclasses.fields(created)}
    return tuple(field.name for field in dataclasses.fields(state) if field.name in of_event)


@lru_cache(maxsize=100_000)
def part_id(whole_id: UUID, stream_type: str) -> UUID:
    """The stream id of a part that exists once per whole, such as the box office of an Event."""
    return uuid5(whole_id, stream_type)
