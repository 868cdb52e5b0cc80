"""Sealing: what one person's secret closes, only the same secret at the same place opens."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from infrastructure.crypto.seal import PersonCipher, Sealed, Tampered, WrongKey

KEY = UUID(int=1)
CIPHER = PersonCipher(KEY, b"a" * 32)
OTHER = PersonCipher(KEY, b"b" * 32)


def test_what_was_sealed_opens_at_its_place() -> None:
    assert CIPHER.open(CIPHER.seal(b"jane", b"place"), b"place") == b"jane"


def test_a_re_run_makes_the_same_bytes() -> None:
    again = PersonCipher(KEY, b"a" * 32)
    assert CIPHER.seal(b"jane", b"place") == again.seal(b"jane", b"place")


def test_the_same_text_looks_different_at_every_place_and_for_every_person() -> None:
    boxes = {CIPHER.seal(b"jane", b"place").box, CIPHER.seal(b"jane", b"other place").box, OTHER.seal(b"jane", b"place").box}
    assert len(boxes) == 3


def test_another_secret_is_noticed_by_the_commitment() -> None:
    with pytest.raises(WrongKey):
        OTHER.open(CIPHER.seal(b"jane", b"place"), b"place")


def test_a_forged_commitment_does_not_help() -> None:
    sealed = CIPHER.seal(b"jane", b"place")
    forged = msgspec.structs.replace(sealed, commit=OTHER.seal(b"x", b"place").commit)
    with pytest.raises(Tampered):
        OTHER.open(forged, b"place")


@pytest.mark.parametrize("bit", range(0, 8 * 20, 7))
def test_every_changed_bit_is_noticed(bit: int) -> None:
    sealed = CIPHER.seal(b"jane", b"place")
    changed = bytearray(sealed.box)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Tampered):
        CIPHER.open(msgspec.structs.replace(sealed, box=bytes(changed)), b"place")


@pytest.mark.parametrize("box", [b"", b"short"])
def test_a_truncated_box_is_noticed(box: bytes) -> None:
    with pytest.raises(Tampered):
        CIPHER.open(Sealed(KEY, CIPHER.seal(b"", b"p").commit, box), b"p")


def test_a_box_does_not_open_at_another_place() -> None:
    with pytest.raises(Tampered):
        CIPHER.open(CIPHER.seal(b"jane", b"place"), b"other place")


def test_neither_secret_nor_text_shows() -> None:
    sealed = msgspec.json.encode(CIPHER.seal(b"jane", b"place"))
    assert b"jane" not in sealed
    assert msgspec.json.encode(b"a" * 32) not in sealed


def test_a_secret_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32"):
        PersonCipher(KEY, b"short")
