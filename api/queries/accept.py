"""Choosing a media type by the Accept header (RFC 9110)."""

from __future__ import annotations

from collections.abc import Collection

from api.refusals import NotAcceptable


def accepted(header: bytes | None, offered: Collection[str]) -> str:
    """The offered type that the client likes best; the first one where it has no preference. Raises `NotAcceptable`."""
    first = next(iter(offered))
    if header is None or header == b"*/*":
        return first
    ranges = [_range(part) for part in header.decode("latin-1").split(",")]
    best = max(offered, key=lambda each: _quality(each, ranges))  # of equals the first
    if _quality(best, ranges) <= 0:
        raise NotAcceptable(offered=", ".join(offered))
    return best


def _range(part: str) -> tuple[str, float]:
    """A media range and its weight; one that cannot be read weighs nothing."""
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """The weight of the most specific range that covers the type."""
    for covering in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        weights = [weight for name, weight in ranges if name == covering]
        if weights:
            return max(weights)
    return 0.0
