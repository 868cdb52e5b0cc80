"""Amounts of requests, read so that a refusal names the field."""

from __future__ import annotations

from domain.money import Money
from domain.refusals import Invalid


def amount(text: str, currency: str, pointer: str) -> Money:
    """The amount of a text such as `"120.00"`; refusals name the field at `pointer` (O5)."""
    try:
        return Money.parse(text, currency)
    except Invalid as refusal:
        raise refusal.at(pointer) from None
