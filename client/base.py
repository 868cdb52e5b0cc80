"""What all commands and all their answers have in common."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a command answers."""

    id: UUID
    """The resource that was addressed or made."""
    version: int
    """Its version: what `if_match` is compared with."""
    position: int
    """In the log; the client asks for at least this one from now on."""
    replayed: bool = False
    """The command had been done before, under the same Idempotency-Key: this is the answer of that time."""


R_co = TypeVar("R_co", bound=Reply, covariant=True)


class Command(msgspec.Struct, Generic[R_co], frozen=True, kw_only=True, tag_field="command", omit_defaults=True):
    """Something to be told to Stagebook. Its name is sent along in batches; fields that have their default are not sent."""

    ROUTE: ClassVar[str]
    """Method and path below `/v1`, with the names of fields in braces."""
    REPLY: ClassVar[type[Reply]] = Reply
    """What it is answered with."""
