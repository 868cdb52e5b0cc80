"""The port to the read models: what queries need of the database, and no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol
from uuid import UUID

from domain.refusals import Invalid

Form = Literal["csv", "ndjson"]
"""How a whole list is written: a line of column names and a line per row; or a JSON object per line."""


class ReadTooSlow(Invalid):
    """The query takes longer than {seconds} seconds: narrow it by a filter, or sort by what rows are listed by."""


class Found(NamedTuple):
    """Rows and the position in the log that they show, both of one snapshot."""

    position: int
    rows: Sequence[Mapping[str, Any]]


Sink = Callable[[bytes], Coroutine[Any, Any, None]]
"""Takes the next bytes; nothing more is read before it has."""


class Export(NamedTuple):
    """A whole list, of one snapshot."""

    position: int
    copy: Callable[[Sink], Awaitable[None]]
    """Writes all of it, once."""


class ReadStore(Protocol):
    """Executes reads. Every method raises `Unavailable` when the database cannot be reached."""

    async def fetch(self, organization_id: UUID, text: str, parameters: Sequence[object]) -> Found:
        """Run one statement; the position is the organization's. Raises `ReadTooSlow`."""
        ...

    def export(self, organization_id: UUID, text: str, parameters: Sequence[object], form: Form) -> AbstractAsyncContextManager[Export]:
        """Run a statement of all rows of a list, in constant memory. Raises `Busy` when too many exports are under way."""
        ...

    async def wait(self, organization_id: UUID, position: int, timeout: float) -> bool:
        """Whether the organization's rows show `position`, at the latest after `timeout` seconds."""
        ...

    async def position_at(self, instant: datetime) -> int:
        """The last position before the first record that is later than an instant."""
        ...
