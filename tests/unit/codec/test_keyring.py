"""The keyring: bounded, and an erased key stays erased."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

import pytest

from application.ports import PersonKey
from infrastructure.crypto.keyring import KeyNotLoaded, Keyring
from tests.unit.codec.sample import MemoryKeys

A, B, C = (UUID(int=n) for n in (1, 2, 3))
SECRETS = {key: bytes([key.int]) * 32 for key in (A, B, C)}


async def test_only_what_is_missing_is_loaded() -> None:
    store = MemoryKeys(SECRETS)
    ring = Keyring(store)
    await ring.load([A, B])
    await ring.load([B, C])
    await ring.load([A, B, C])
    assert store.asked == [{A, B}, {C}]


async def test_what_the_store_does_not_have_is_erased_and_not_asked_for_again() -> None:
    store = MemoryKeys()
    ring = Keyring(store)
    await ring.load([A])
    await ring.load([A])
    assert ring.cipher(A) is None
    assert store.asked == [{A}]


def test_a_key_that_nobody_loaded_is_named() -> None:
    with pytest.raises(KeyNotLoaded) as fault:
        Keyring(MemoryKeys()).cipher(B)
    assert fault.value.key_id == B


def test_a_forgotten_key_is_erased_for_good() -> None:
    ring = Keyring(MemoryKeys())
    ring.learn([PersonKey(A, SECRETS[A])])
    ring.forget([A])
    ring.learn([PersonKey(A, SECRETS[A])])
    assert ring.cipher(A) is None


async def test_a_key_erased_while_its_secret_was_on_the_way_stays_erased() -> None:
    class Slow(MemoryKeys):
        async def person_secrets(self, key_ids: Collection[UUID]) -> Mapping[UUID, bytes]:
            secrets = await super().person_secrets(key_ids)
            ring.forget([A])
            return secrets

    ring = Keyring(Slow(SECRETS))
    await ring.load([A])
    assert ring.cipher(A) is None


async def test_the_least_recently_used_keys_make_room() -> None:
    ring = Keyring(MemoryKeys(SECRETS), capacity=2)
    await ring.load([A, B])
    await ring.load([C])
    ring.cipher(A)
    ring.missing([C])
    ring.learn([])
    assert ring.missing([A, B, C]) == {B}


async def test_a_batch_larger_than_the_capacity_stays_whole() -> None:
    ring = Keyring(MemoryKeys(SECRETS), capacity=1)
    await ring.load([A, B, C])
    assert ring.missing([A, B, C]) == set()
