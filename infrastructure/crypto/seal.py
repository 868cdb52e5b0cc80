"""Sealing one personal value for one person: AES-256-GCM-SIV (RFC 8452) with a commitment to the key."""

from __future__ import annotations

import hmac
from hashlib import sha256
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

SECRET_BYTES = 32
_NONCE_BYTES = 12
_COMMITMENT_BYTES = 16


class SealBroken(Exception):
    """A sealed value does not open: it is never answered with garbage."""


class WrongKey(SealBroken):
    """The value was sealed under another secret than the one that its key id leads to."""


class Tampered(SealBroken):
    """The value was changed, or moved from the record and field that it was sealed for."""


class Sealed(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A sealed value as it stands in stored JSON; the two byte strings are base64 there."""

    key: UUID
    """Id of the person key."""
    commit: bytes
    """Commitment to the secret, so that nobody can make a box that opens to two texts under two keys."""
    box: bytes
    """Ciphertext and tag. The nonce is derived, not stored."""


class PersonCipher:
    """Seals and opens under one person's secret.

    Cipher key and commitment are derived from the secret with a label each; deriving costs more than sealing, so an
    instance is kept for as long as the key is in use.
    """

    __slots__ = ("_cipher", "_commitment", "_key_id")

    def __init__(self, key_id: UUID, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            msg = f"a person's secret has {SECRET_BYTES} bytes, not {len(secret)}"
            raise ValueError(msg)
        self._key_id = key_id
        self._cipher = AESGCMSIV(_derive(secret, b"stagebook seal"))
        self._commitment = _derive(secret, b"stagebook commitment")[:_COMMITMENT_BYTES]

    def seal(self, plain: bytes, place: bytes) -> Sealed:
        """Encrypt for one place (record and field). The same value at the same place gives the same bytes.

        The nonce is a hash of the place. Should another value ever be sealed at the same place, GCM-SIV gives away only
        that the two differ.
        """
        return Sealed(self._key_id, self._commitment, self._cipher.encrypt(_nonce(place), plain, place))

    def open(self, sealed: Sealed, place: bytes) -> bytes:
        """What was sealed at this place. Raises `WrongKey` or `Tampered`."""
        if sealed.commit != self._commitment:
            msg = f"the value was not sealed under the secret of key {sealed.key}"
            raise WrongKey(msg)
        try:
            return self._cipher.decrypt(_nonce(place), sealed.box, place)
        except InvalidTag:
            msg = f"the value sealed under key {sealed.key} was changed or moved"
            raise Tampered(msg) from None


def _derive(secret: bytes, label: bytes) -> bytes:
    return hmac.digest(secret, label, "sha256")


def _nonce(place: bytes) -> bytes:
    return sha256(place).digest()[:_NONCE_BYTES]
