"""Work that takes longer than a request."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

ENDED: Final = frozenset({"succeeded", "failed", "cancelled"})


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """An import, an export, a cancellation of many things: how far it is and what has come of it."""

    id: UUID
    kind: str
    state: str
    """One of queued, running, succeeded, failed, cancelled."""
    done: int
    """Of `total`."""
    total: int | None
    """None while nobody knows."""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    result: dict[str, Any] = {}
    problem: dict[str, Any] | None = None
    """Why it failed."""

    @property
    def has_ended(self) -> bool:
        """Nothing more will change."""
        return self.state in ENDED
