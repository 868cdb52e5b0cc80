"""Person: that somebody's data was erased. Its stream bears the id of the person's key."""

from __future__ import annotations

from datetime import datetime
from typing import Self
from uuid import UUID

from domain.aggregate import Aggregate, Created


class PersonErased(Created):
    """The key `originator_id` is deleted: what was sealed under it reads None everywhere, and projections forget it."""

    type_name = "person.erased"


class Person(Aggregate):
    """Somebody who has been erased; whoever comes back gets a new key and is somebody else."""

    stream_type = "person"

    @classmethod
    def erase(cls, *, key_id: UUID, organization_id: UUID, now: datetime) -> Self:
        """Record that the key goes; deleting it is the unit's (`unit.erase`)."""
        return cls.begin(PersonErased, id=key_id, organization_id=organization_id, now=now)
