"""What this process knows of each organization's last record: enough to say that nothing has changed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final
from uuid import UUID

FRESH_SECONDS: Final = 2.5
"""How long ago the log may have been looked at for what is known of it to count; it is looked at every second."""


class Activity:
    """Positions of organizations' last records, as far as the log has been followed."""

    def __init__(self) -> None:
        self._begin = 0
        self._last: dict[UUID, int] = {}
        self._looked_at = float("-inf")

    def begin(self, head: int) -> None:
        """Nothing is known of the records up to here but that they are not later."""
        self._begin = head
        self.looked()

    def looked(self) -> None:
        """The log was just looked at, and all that is in it is known."""
        self._looked_at = time.monotonic()

    def recorded(self, records: Iterable[tuple[UUID, int]]) -> None:
        """Organizations and positions of records, in any order."""
        last = self._last
        for organization_id, position in records:
            if position > last.get(organization_id, 0):
                last[organization_id] = position

    def last(self, organization_id: UUID) -> int | None:
        """A position after which the organization has no record; None where the log has not been looked at for too long."""
        if time.monotonic() - self._looked_at > FRESH_SECONDS:
            return None
        return self._last.get(organization_id, self._begin)
