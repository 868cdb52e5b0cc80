"""The person keys that this process holds in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

from application.ports import KeyStore, PersonKey
from infrastructure.crypto.seal import PersonCipher

DEFAULT_CAPACITY = 20_000
"""Keys kept between batches; about 3 kB each."""


class KeyNotLoaded(LookupError):
    """A person key is needed that nobody prepared."""

    def __init__(self, key_id: UUID) -> None:
        self.key_id = key_id
        super().__init__(f"person key {key_id} is not in the keyring: prepare() comes before encoding and decoding")


class Keyring:
    """Person ciphers by key id, least recently used first out; erased keys are remembered as erased.

    Room is made before keys come in, never after: what one batch brings in stays for that batch, however large. Belongs
    to one event loop.
    """

    def __init__(self, store: KeyStore, capacity: int = DEFAULT_CAPACITY) -> None:
        self._store = store
        self._capacity = capacity
        self._ciphers: OrderedDict[UUID, PersonCipher | None] = OrderedDict()

    def cipher(self, key_id: UUID) -> PersonCipher | None:
        """The cipher, or None when the key is erased. Raises `KeyNotLoaded`."""
        try:
            cipher = self._ciphers[key_id]
        except KeyError:
            raise KeyNotLoaded(key_id) from None
        self._ciphers.move_to_end(key_id)
        return cipher

    def missing(self, key_ids: Iterable[UUID]) -> set[UUID]:
        """Which of these must be loaded; the others are marked as used."""
        missing = set()
        for key_id in key_ids:
            if key_id in self._ciphers:
                self._ciphers.move_to_end(key_id)
            else:
                missing.add(key_id)
        return missing

    async def load(self, key_ids: Iterable[UUID]) -> None:
        """Fetch those that are missing; what the store does not have is erased."""
        missing = self.missing(key_ids)
        if missing:
            secrets = await self._store.person_secrets(missing)
            self.learn(PersonKey(key_id, secret) for key_id, secret in secrets.items())
            self.forget(missing - secrets.keys())

    def learn(self, keys: Iterable[PersonKey]) -> None:
        """Take keys in. An erased one stays erased, also when its secret was on the way while it was erased."""
        self._make_room()
        for key in keys:
            if key.id in self._ciphers:
                self._ciphers.move_to_end(key.id)
            else:
                self._ciphers[key.id] = PersonCipher(key.id, key.secret)

    def forget(self, key_ids: Iterable[UUID]) -> None:
        """Drop the secrets of erased keys; values sealed under them read None from now on."""
        for key_id in key_ids:
            self._ciphers[key_id] = None

    def _make_room(self) -> None:
        while len(self._ciphers) > self._capacity:
            self._ciphers.popitem(last=False)
