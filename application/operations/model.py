"""What an operation is, and the ports to where operations are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

import msgspec

from application.principal import Principal
from domain.refusals import Conflict

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ENDED: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})

OPEN_LIMIT = 20
"""Operations of one organization that may be under way, so that none fills the disk or keeps the others waiting."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work as those see it who ask after it. State of work, not truth: it stands outside of the log."""

    id: UUID
    organization_id: UUID
    """The platform's own operations have `PLATFORM_ID`."""
    kind: str
    state: State
    done: int
    """Units of work that are done and stay done, of `total`; what a unit is, the kind says: a command, a row."""
    total: int | None
    """None while nobody knows."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    results_until: datetime | None
    """When output is removed; set when the operation ends."""
    actor: str
    """Who asked for it, as the log names senders."""
    permissions: tuple[str, ...]
    """Whoever holds all of them may see what has come of it, and cancel it."""
    correlation_id: str
    result: dict[str, Any]
    """What has come of it so far, in numbers: counts, a position. No personal data."""
    problem: dict[str, Any] | None
    """Problem details, when it has failed."""
    outputs: int | None
    """Pieces of output; None when they have been removed."""


class NewOperation(msgspec.Struct, frozen=True, kw_only=True):
    """Work to be done."""

    id: UUID
    kind: str
    principal: Principal
    """Who asks, and in whose name it is done."""
    permissions: tuple[str, ...]
    correlation_id: str
    parameters: bytes
    """What its kind needs to know."""
    inputs: Sequence[bytes] = ()
    """What there is too much of for `parameters`, in pieces that are read one at a time."""
    total: int | None = None
    idempotency_key: str | None = None
    fingerprint: bytes = b""
    """Of the request: with the same idempotency key it must be the same."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """An operation in the hands of one process."""

    id: UUID
    kind: str
    epoch: int
    """Counts the claims: what an earlier holder still writes is refused."""
    attempt: int
    """Which one this is of those that count; being put back does not."""
    principal: Principal
    correlation_id: str
    done: int
    total: int | None
    result: dict[str, Any]
    outputs: int
    """Pieces of output."""
    cancelled: bool
    """Somebody has asked to stop it."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an operation is."""

    done: int
    total: int | None
    """None: as it was."""
    result: dict[str, Any]
    outputs: int
    """Pieces of output, with the one that is written now."""


class Lost(Exception):
    """Another process has the operation now."""


class TooManyOperations(Conflict):
    """There are {limit} operations under way already; wait until one has ended."""


class OperationEnded(Conflict):
    """The operation has ended already: {state}."""


class Operations(Protocol):
    """For those who ask. Everything raises `Unavailable` while the database cannot be reached."""

    async def create(self, new: NewOperation) -> tuple[Operation, bool]:
        """The operation, queued, and whether it had been there: the same idempotency key gives the same operation.

        Raises `IdempotencyMismatch` when that was another request, and `TooManyOperations`.
        """
        ...

    async def get(self, organization_id: UUID, operation_id: UUID) -> Operation | None:
        """The organization's operation with this id."""
        ...

    async def page(
        self, organization_id: UUID, *, limit: int, before: UUID | None = None, state: State | None = None, kind: str | None = None
    ) -> Sequence[Operation]:
        """The organization's operations, newest first, from the one after `before` on."""
        ...

    async def cancel(self, organization_id: UUID, operation_id: UUID) -> Operation | None:
        """End it if nobody has begun; else it stops at its next step. Raises `OperationEnded` unless it was cancelled before."""
        ...

    def outputs(self, operation: Operation, first: int = 0) -> AsyncIterator[bytes]:
        """Its pieces of output from this one on, each read when it is asked for. Raises `LookupError` for one that is gone."""
        ...


class Claims(Protocol):
    """For those who do the work. What is written with a claim that is no longer held raises `Lost`."""

    async def claim(self, kinds: Collection[str]) -> Claim | None:
        """Take an operation that is queued, or whose holder is gone; an organization that has fewer running goes first."""
        ...

    async def renew(self, claim: Claim) -> None:
        """Hold it for some seconds more. Nothing is said of a claim that is lost: the next step says it."""
        ...

    async def parameters(self, claim: Claim) -> bytes:
        """What its kind needs to know."""
        ...

    async def input(self, claim: Claim, number: int) -> bytes:
        """One piece of input."""
        ...

    async def step(self, claim: Claim, now: Progress, output: bytes | None) -> bool:
        """Write, all at once, how far it is and the last piece of output. Whether somebody has asked to stop it."""
        ...

    async def begin_again(self, claim: Claim) -> None:
        """Drop output and progress."""
        ...

    async def put_back(self, claim: Claim, *, pause: float, counts: bool) -> None:
        """Give it back, to be taken up again after `pause` seconds; `counts` when this was an attempt that failed."""
        ...

    async def end(self, claim: Claim, state: State, problem: dict[str, Any] | None = None) -> None:
        """It is over. Parameters and inputs are removed."""
        ...

    async def tidy(self) -> None:
        """Remove the output of operations that ended long ago, and operations that ended very long ago."""
        ...

    async def wait(self, timeout: float) -> None:
        """Return when there may be something to claim, at the latest after `timeout` seconds."""
        ...


class Work(Protocol):
    """A running operation, as the function that does the work has it."""

    @property
    def claim(self) -> Claim:
        """What is to be done, and in whose name."""
        ...

    @property
    def done(self) -> int:
        """How far it is: an operation that was interrupted goes on from here."""
        ...

    @property
    def result(self) -> dict[str, Any]:
        """What the last step has given."""
        ...

    async def parameters(self) -> bytes:
        """What the operation was created with."""
        ...

    async def input(self, number: int) -> bytes:
        """One piece of input."""
        ...

    async def step(self, *, done: int, total: int | None = None, result: dict[str, Any] | None = None, output: bytes | None = None) -> None:
        """Say how far it is, and stop here if that is asked. To be called at least once a second.

        What is given goes into the database as a whole: after a crash the work goes on from the last step. `total` and
        `result` stay as they were where they are left out.
        """
        ...

    async def begin_again(self) -> None:
        """Drop output and progress, of work that cannot go on in the middle."""
        ...


Run: TypeAlias = Callable[[Work], Awaitable[None]]
"""Does the work of one kind, step by step; what it does between two steps must be harmless to do twice. A `Refusal` that it
raises ends the operation as failed; of other faults it recovers a few times."""
