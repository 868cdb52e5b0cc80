"""What the HTTP layer tells whoever watches the process, and what it asks to answer `/health/ready` and `/metrics`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from application.bus.statistics import Held
from projections.runner.status import Status


class Condition(Protocol):
    """How the parts beside this process are, as the database has it."""

    @property
    def projections(self) -> Sequence[Status]:
        """All of them."""
        ...

    @property
    def overdue_seconds(self) -> float:
        """How long ago the oldest deadline fell due that nobody has dealt with; 0 when there is none."""
        ...


class Traces(Protocol):
    """Where requests are traced. Both are called in the context of the request."""

    def begin(self, request_id: UUID, correlation_id: str, trace_parent: str | None) -> None:
        """What follows belongs to this request. `trace_parent` is the `traceparent` header, if it is a valid one."""
        ...

    def end(self, *, operation: str, method: str, route: str, status: int) -> None:
        """The request has its answer; `route` is its path as a template."""
        ...


class Telemetry(Protocol):
    """Whoever watches the process."""

    @property
    def traces(self) -> Traces | None:
        """None: nothing is traced."""
        ...

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """One more request has its answer."""
        ...

    def held(self) -> Held:
        """What the command bus has in its hands."""
        ...

    async def condition(self) -> Condition:
        """As of a second ago at most. Raises `Unavailable` when the database cannot be reached."""
        ...

    async def exposition(self) -> bytes:
        """All figures, in Prometheus' text format; without the database those of the process."""
        ...
