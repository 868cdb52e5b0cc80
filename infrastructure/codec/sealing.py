"""Where shapes meet the keyring: sealing and opening the personal values of one record or snapshot."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

import msgspec

from infrastructure.codec.errors import Malformed, NoSubject
from infrastructure.crypto.keyring import Keyring
from infrastructure.crypto.seal import Sealed

ENCODER = msgspec.json.Encoder(order="deterministic")
"""Equal values give equal bytes: sets and maps are written in order."""


class Seals(Protocol):
    """What a shape needs to pack and unpack personal values. `path` is the field's place within the record."""

    def seal(self, key_id: UUID | None, value: object, path: str, decoder: msgspec.json.Decoder[Any]) -> Sealed | None:
        """The value as it is stored; `decoder` is the one that will read it."""
        ...

    def open(self, sealed: Sealed, path: str, decoder: msgspec.json.Decoder[Any]) -> object:
        """The value, or None when the person is erased."""
        ...


class Sealer:
    """Seals and opens at one place: everything is bound to the record or snapshot and to the path within it."""

    __slots__ = ("_keyring", "_place")

    def __init__(self, keyring: Keyring, place: bytes) -> None:
        self._keyring = keyring
        self._place = place

    def seal(self, key_id: UUID | None, value: object, path: str, decoder: msgspec.json.Decoder[Any]) -> Sealed | None:
        """The value sealed; None when the person has been erased. Raises `NoSubject`, `KeyNotLoaded`, `Malformed`."""
        if key_id is None:
            msg = f"{path} is personal, but its person is not named"
            raise NoSubject(msg)
        cipher = self._keyring.cipher(key_id)
        if cipher is None:
            return None
        plain = ENCODER.encode(value)
        _decoded(plain, path, decoder)
        return cipher.seal(plain, self._place + path.encode())

    def open(self, sealed: Sealed, path: str, decoder: msgspec.json.Decoder[Any]) -> object:
        """The value; None when the person has been erased. Raises `SealBroken`, `KeyNotLoaded`, `Malformed`."""
        cipher = self._keyring.cipher(sealed.key)
        return None if cipher is None else _decoded(cipher.open(sealed, self._place + path.encode()), path, decoder)


class KeysNeeded:
    """Stands in for a `Sealer` to find out which keys one will need."""

    def __init__(self) -> None:
        self.keys: set[UUID] = set()

    def seal(self, key_id: UUID | None, value: object, path: str, decoder: msgspec.json.Decoder[Any]) -> None:  # noqa: ARG002  # the protocol's
        """Note the key."""
        if key_id is not None:
            self.keys.add(key_id)

    def open(self, sealed: Sealed, path: str, decoder: msgspec.json.Decoder[Any]) -> None:  # noqa: ARG002
        """Note the key."""
        self.keys.add(sealed.key)


def _decoded(plain: bytes, path: str, decoder: msgspec.json.Decoder[Any]) -> object:
    try:
        return decoder.decode(plain)
    except msgspec.DecodeError:
        # The fault's own text could quote the value.
        msg = f"the personal value at {path} is of another type than its field"
        raise Malformed(msg) from None
