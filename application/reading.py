"""The port to the read models: what queries need of the database, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID


class Row(NamedTuple):
    """A row as the database renders it."""

    body: str
    """JSON object."""
    version: int
    """`stream_version`: the row's ETag."""
    keys: str
    """JSON array of the row's sort keys: where the next page begins."""


class Rows(NamedTuple):
    """Rows and the position in the log that they show, both of one snapshot."""

    position: int
    rows: Sequence[Row]


class ReadStatus(NamedTuple):
    """How far the read models are."""

    head: int
    """Last position of the log."""
    position: int
    """Up to here every organization's records are applied, apart from parked ones."""
    parked: int
    """Organizations set aside at a record that cannot be applied."""
    built: bool = True
    """False before the projection's first start has made the tables: until then every read is `Unavailable`."""


class ReadStore(Protocol):
    """Executes reads. Every method raises `Unavailable` when the database cannot be reached."""

    async def rows(self, organization_id: UUID, text: str, parameters: Sequence[object]) -> Rows:
        """Run a statement that answers (body, version, keys) per row; the position is the organization's."""
        ...

    async def wait(self, organization_id: UUID, position: int, timeout: float) -> bool:
        """Whether the organization's rows show `position`, at the latest after `timeout` seconds."""
        ...

    async def status(self) -> ReadStatus:
        """For readiness."""
        ...
