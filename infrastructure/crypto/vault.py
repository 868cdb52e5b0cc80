"""Sealing what long-running operations work on: under the organization's secret, each piece for its own place."""

from __future__ import annotations

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from infrastructure.crypto.seal import Tampered

_NONCE_BYTES = 12


class Vault:
    """Seals with AES-256-GCM-SIV (RFC 8452) under a key that is derived from an organization's secret."""

    __slots__ = ("_cipher", "_hash_key")

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCMSIV(hmac.digest(secret, b"stagebook operations", "sha256"))
        self._hash_key = hmac.digest(secret, b"stagebook operation keys", "sha256")

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypt for one place; a piece that is written there again gets other bytes."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed at this place. Raises `Tampered`."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except InvalidTag:
            msg = f"{place} was changed or moved, or is of another organization"
            raise Tampered(msg) from None

    def digest(self, data: bytes) -> bytes:
        """A keyed hash of 256 bits."""
        return hmac.digest(self._hash_key, data, "sha256")
