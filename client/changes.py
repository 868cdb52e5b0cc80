"""Following a table: what has changed in it and what has gone since a position in the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

import msgspec

from client import rows

if TYPE_CHECKING:
    from client.stagebook import Stagebook

R = TypeVar("R", bound=rows.Row)


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """A row has gone."""

    id: UUID
    log_position: int
    at: datetime


class Changes(Generic[R]):
    """Rows that were made or changed after a position, as they are now, and rows that have gone since, in the order of the log.

    Applying them in this order to a copy of the table brings it up to `position`. Nothing is missed and nothing comes twice when
    the next round begins there.
    """

    def __init__(self, stagebook: Stagebook, of: type[R], after: int) -> None:
        self._stagebook = stagebook
        self._of = of
        self._after = after
        self.position = after
        """Where to go on; set when all changes have been given."""

    async def __aiter__(self) -> AsyncIterator[R | Deleted]:
        # Both tables are read up to one position: what changes meanwhile lies behind it and belongs to the next round.
        upto = (await self._stagebook.page(rows.Deletion, limit=1)).position
        section = {"log_position": {"gt": self._after, "lte": upto}}
        changed = aiter(self._stagebook.list(self._of, filter=section, sort="log_position"))
        deleted = aiter(self._stagebook.list(rows.Deletion, filter=section | {"entity": self._of.TABLE}, sort="log_position"))
        row, gone = await anext(changed, None), await anext(deleted, None)
        while row is not None or gone is not None:
            # An id that is used again is deleted first.
            if gone is not None and (row is None or gone.log_position <= row.log_position):
                yield Deleted(id=gone.entity_id, log_position=gone.log_position, at=gone.at)
                gone = await anext(deleted, None)
            elif row is not None:
                yield row
                row = await anext(changed, None)
        self.position = upto
