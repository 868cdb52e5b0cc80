"""The unit of work that a handler sees: forks of aggregates, the command's time and ids, unique keys, persons."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from application.ids import DerivedIds
from application.principal import Principal
from domain.aggregate import Aggregate, DomainEvent, part_id
from domain.refusals import Invalid, NotFound, Refusal, Stale

A = TypeVar("A", bound=Aggregate)

PLATFORM_ID = UUID(int=0)
"""The organization id under which keys live that are unique across organizations."""

_CLIENT_ID_VERSIONS = frozenset({4, 7})


class IdTaken(Invalid, rule="O1", pointer="/id"):
    """The id {id} is in use; send another or none."""


class UnfitId(Invalid, rule="O1", pointer="/id"):
    """An id that a client sends is a UUID of version 4 or 7."""


class PreconditionNotSupported(Invalid):
    """This command does not take If-Match."""


class Scope(NamedTuple):
    """A set-wide unique key, such as the slugs of an organization's Events."""

    name: str
    refusal: type[Refusal] | None
    """Raised with `key=` when the key is taken; None: the handler runs again with the next `unit.attempt`, to draw another."""
    platform: bool = False
    """Unique across all organizations."""


class NotLoaded(BaseException):
    """Raised through a handler when something it needs is not in memory; the bus loads it and runs the handler again.

    Not an `Exception`, so that no handler swallows it.
    """

    def __init__(
        self,
        *,
        stream: UUID | None = None,
        secret: UUID | None = None,
        person: tuple[UUID, bytes] | None = None,
        person_key: UUID | None = None,
    ) -> None:
        self.stream = stream
        """A stream to load."""
        self.secret = secret
        """An organization whose secret to load."""
        self.person = person
        """(organization, keyed hash of the person): a person whose current key to load or make."""
        self.person_key = person_key
        """A person key to load by its id."""
        super().__init__()


class State(Protocol):
    """What the bus offers a unit: aggregates as they stand, with what earlier units of the batch did."""

    def aggregate(self, stream_id: UUID) -> Aggregate | None:
        """The aggregate, or None when the stream is known not to exist. Raises NotLoaded. Not to be changed by the caller."""
        ...

    def person_key(self, organization_id: UUID, person: str) -> UUID:
        """The current key id of a person. Raises NotLoaded."""
        ...

    def digest(self, organization_id: UUID, text: str) -> bytes:
        """A keyed hash of 256 bits under the organization's secret."""
        ...


class Claimed(NamedTuple):
    """A unique key to take or to give back."""

    organization_id: UUID
    scope: Scope
    text: str
    stream_id: UUID


class Unit:
    """One unit of work: one command, or a list of commands that succeed or fail together.

    Everything read becomes a precondition of the append, so decisions across aggregates are serializable.
    """

    def __init__(
        self,
        *,
        now: datetime,
        principal: Principal,
        command_id: UUID,
        state: State,
        attempt: int = 0,
        if_match: int | None = None,
        client_address: str | None = None,
    ) -> None:
        self.now = now
        """The command's time (UTC), given by the server."""
        self.principal = principal
        self.command_id = command_id
        self.attempt = attempt
        """Counts how often a drawn unique key was taken already."""
        self.client_address = client_address
        self.if_match = if_match
        self._if_match_used = False
        self._state = state
        self._ids = DerivedIds(now, command_id)
        self._secrets = 0
        self.organization_id = principal.organization_id or PLATFORM_ID
        """The tenant; for the platform's principal the platform's own id, or the organization that the unit founds."""
        self.reads: dict[UUID, int] = {}
        """Stream id -> the version at which this unit first saw it."""
        self.forks: dict[UUID, Aggregate] = {}
        self.claims: list[Claimed] = []
        self.releases: list[Claimed] = []
        self.erases: list[UUID] = []
        self.reason: str | None = None

    def found(self, organization_id: UUID) -> None:
        """From here on the unit acts inside the organization that it is about to make. Only for the platform's principal."""
        self.organization_id = organization_id

    def new_id(self) -> UUID:
        """A UUIDv7 of the command's time; a re-run of the same command gets the same ids in the same order."""
        return self._ids.draw()

    def resource_id(self, sent: UUID | None, *parts: str) -> UUID:
        """The id that the client sent for a new resource, or a new one.

        Refused with `IdTaken` when a stream has the id, or the id of one of the `parts` that come with the resource. Refused
        with `UnfitId` when it could be computed, as those of parts are. Without both somebody could occupy the box office
        or the capacity of another organization's Event.
        """
        if sent is None:
            return self.new_id()
        if sent.version not in _CLIENT_ID_VERSIONS:
            raise UnfitId
        if any(self._exists(stream_id) for stream_id in (sent, *(part_id(sent, part) for part in parts))):
            raise IdTaken(id=str(sent))
        return sent

    def secret(self) -> str:
        """256 bits as base64url: nobody can guess it without the organization's secret, and a re-run draws the same."""
        self._secrets += 1
        secret = self._state.digest(self.organization_id, f"secret:{self.command_id}:{self._secrets}")
        return urlsafe_b64encode(secret).rstrip(b"=").decode()

    def find(self, kind: type[A], id: UUID) -> A | None:  # noqa: A002  # the field's name
        """The aggregate with this id in the sender's organization, or None (O1: also when it is another's, or deleted)."""
        fork = self.forks.get(id)
        if fork is None:
            original = self._state.aggregate(id)
            self.reads.setdefault(id, original.version if original is not None else 0)
            if original is None:
                return None
            fork = self.forks[id] = original.fork()
        if not isinstance(fork, kind) or fork.organization_id != self.organization_id or fork.deleted:
            return None
        return fork

    def get(self, kind: type[A], id: UUID) -> A:  # noqa: A002
        """Like `find`, but refuses with `NotFound`."""
        found = self.find(kind, id)
        if found is None:
            raise NotFound(what=kind.stream_type.replace("_", " "), id=str(id))
        return found

    def credential(self, kind: type[A], id: UUID) -> A | None:  # noqa: A002
        """The credential with this id, of whatever organization. For authentication alone, which has yet to learn the tenant.

        What comes back is the aggregate itself, not a fork: to be read, never changed.
        """
        original = self._state.aggregate(id)
        return original if isinstance(original, kind) else None

    def add(self, aggregate: Aggregate) -> None:
        """Take in a new aggregate, with an id of its own from `new_id` or `resource_id`, or with a part's."""
        self.reads.setdefault(aggregate.id, 0)
        self.forks[aggregate.id] = aggregate

    def collect(self) -> list[tuple[DomainEvent, str]]:
        """The domain events since the last call, each with its stream type. Called by the bus after each handler.

        Those of new aggregates come first: a projector may cut between any two records, and a row that refers to a new one
        must not come before it.
        """
        of_new: list[tuple[DomainEvent, str]] = []
        of_known: list[tuple[DomainEvent, str]] = []
        for fork in self.forks.values():
            if fork.pending_events:
                events = fork.collect_events()
                collected = of_new if events[0].originator_version == 1 else of_known
                collected += [(event, fork.stream_type) for event in events]
        return of_new + of_known

    def claim(self, scope: Scope, key: str, owner: UUID) -> None:
        """Take a unique key for the stream `owner`; the caller has normalised it."""
        self.claims.append(Claimed(self._home(scope), scope, key, owner))

    def release(self, scope: Scope, key: str, owner: UUID) -> None:
        """Give back a unique key that the stream `owner` holds."""
        self.releases.append(Claimed(self._home(scope), scope, key, owner))

    def person(self, identity: str) -> UUID:
        """The current key id of a person, named by a normalised e-mail address or by `user:<id>`: the subject of `Personal` fields.

        A person's erasure is the first record of the stream with the key's id; that there is none becomes a precondition,
        so nothing is ever sealed under a key that is being erased.
        """
        key_id = self._state.person_key(self.organization_id, identity)
        self.reads.setdefault(key_id, 0)
        return key_id

    def digest(self, text: str) -> str:
        """A keyed hash of something personal that must be compared but not stored, such as a client's address."""
        return self._state.digest(self.organization_id, text).hex()[:32]

    def erase(self, person_key: UUID) -> None:
        """Delete a person's key with this unit: everything sealed under it reads None from then on."""
        self.erases.append(person_key)

    def match(self, version: int) -> None:
        """Compare `If-Match` with the version of the addressed resource, if the client sent one."""
        self._if_match_used = True
        if self.if_match is not None and self.if_match != version:
            raise Stale(version=version, expected=self.if_match)

    def finish(self) -> None:
        """Called by the bus after the last handler: an `If-Match` that nobody compared is refused, not ignored."""
        if self.if_match is not None and not self._if_match_used:
            raise PreconditionNotSupported

    def _exists(self, stream_id: UUID) -> bool:
        """Whether there is a stream with this id, of whatever organization."""
        if stream_id in self.forks:
            return True
        original = self._state.aggregate(stream_id)
        self.reads.setdefault(stream_id, original.version if original is not None else 0)
        return original is not None

    def _home(self, scope: Scope) -> UUID:
        return PLATFORM_ID if scope.platform else self.organization_id


AccessHook = Callable[[str, Unit], None]
"""(permission, unit): raises `Forbidden` or `Unauthenticated`."""
