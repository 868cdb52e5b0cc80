"""The bus as its users see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar
from uuid import UUID

from application.bus.messages import Outcome, Request
from application.principal import Principal
from application.unit import Unit

T = TypeVar("T")


class CommandBus(Protocol):
    """Runs commands and read-only questions on the aggregates."""

    async def submit(self, request: Request) -> Outcome:
        """Run the commands as one unit. Raises a `Refusal`, `Busy` or `Unavailable`."""
        ...

    def last_position(self, organization_id: UUID) -> int | None:
        """A position after which the organization has no record that this process knows of.

        The process knows the log as of a few milliseconds ago; None where it has lost sight of it.
        """
        ...

    async def ask(self, principal: Principal, question: Callable[[Unit], T]) -> T:
        """Run a pure read-only function in a unit of its own, loading what it needs; nothing is recorded."""
        ...
