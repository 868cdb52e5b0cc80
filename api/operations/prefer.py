"""The client's wish not to wait for the end of the work (RFC 7240)."""

from __future__ import annotations

from api.call import Call

APPLIED = (b"preference-applied", b"respond-async")
"""Header of an answer that fulfils the wish."""


def prefers_async(call: Call) -> bool:
    """Whether `respond-async` is among the preferences, which may stand in several headers and have parameters."""
    headers = [value for name, value in call.request.scope["headers"] if name == b"prefer"]
    preferences = [preference.partition(b";")[0].strip().lower() for header in headers for preference in header.split(b",")]
    return b"respond-async" in preferences
