"""What goes into the bus and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from application.principal import Principal
from application.registry import Command, Reply
from domain.refusals import Conflict, Invalid


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Commands to run as one unit: all of them succeed, or nothing is recorded."""

    commands: Sequence[Command]
    principal: Principal
    command_id: UUID
    """A fresh UUID; the ids that handlers draw derive from it."""
    idempotency_key: str | None = None
    if_match: int | None = None
    correlation_id: str = ""
    causation_id: UUID | None = None
    client_address: str | None = None
    reason: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The unit is in the log."""

    replies: Sequence[Reply]
    """One per command, in order."""
    position: int
    """Of the unit's last record; of a unit that changed nothing, a position that it has seen."""
    replayed: bool = False
    """The ledger answered: this unit had been done before."""


class Busy(Exception):  # not a fault of the program
    """The queue of commands is full."""

    retry_after: int = 1
    """Seconds."""


class Unavailable(Exception):
    """The log cannot be reached at present. Whether a command that was under way is in the log is unknown: retry with its key."""

    retry_after: int = 2


class IdempotencyMismatch(Invalid, rule="T21"):
    """The Idempotency-Key was used with another request."""


class IdempotencyInFlight(Conflict, rule="T21"):
    """The first request with this Idempotency-Key is still running."""
