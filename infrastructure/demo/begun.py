"""What is kept of a demo until all of it has been told, so that one that was interrupted can be taken up again."""

from __future__ import annotations

import contextlib
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from infrastructure.faults import Fault

_FILE: Final = "demo.json"
_FRESH: Final = timedelta(hours=6)
"""After this time what the demo says of today is no longer true: it is begun anew."""


class Unkept(Fault):
    """The data folder does not take the demo's file."""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A demo that has begun: the same organization and the same dates, however often it is taken up."""

    organization_id: UUID
    at: datetime
    owner_key: str | None = None
    """None until the organization is founded. It is shown once, and to nobody until the demo is complete."""


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """The demo's organization, as whoever loaded it needs it."""

    organization_id: str
    owner_key: str


def read(folder: Path, now: datetime) -> Begun | None:
    """The demo that was begun and not finished, if it can be taken up."""
    try:
        begun = msgspec.json.decode((folder / _FILE).read_bytes(), type=Begun)
    except (OSError, msgspec.DecodeError):
        return None
    return begun if now - begun.at < _FRESH else None


def is_unfinished(folder: Path) -> bool:
    """Whether a demo was begun here and never finished."""
    return (folder / _FILE).exists()


def keep(folder: Path, begun: Begun) -> None:
    """Write it, for its owner's eyes alone: all of it or nothing, whenever the power goes. Raises `Unkept`."""
    draft = folder / f".{_FILE}.{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(begun))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / _FILE)
    except OSError as error:
        message = f"cannot write {folder / _FILE}: {error.strerror}"
        raise Unkept(message) from None


def forget(folder: Path) -> None:
    """The demo is complete."""
    with contextlib.suppress(FileNotFoundError):
        (folder / _FILE).unlink()
