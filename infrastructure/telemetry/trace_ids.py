"""Ids of traces and spans, derived from what stands in the log: so processes that never speak with each other continue one trace.

The trace of a command follows from its correlation id, the span of a command from its command id; both are in the meta of
each of its records.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from uuid import UUID

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_UUID = re.compile(r"(?!00000000-0000-0000-0000-000000000000)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def trace_id_of(correlation_id: str) -> int:
    """128 bits: the trace id that a client sent, the bits of the request's own UUID, else a digest of whatever it is. Never 0."""
    if _TRACE_ID.fullmatch(correlation_id) or _UUID.fullmatch(correlation_id):
        return int(correlation_id.replace("-", ""), 16)
    return int.from_bytes(blake2b(correlation_id.encode(), digest_size=16).digest(), "big") or 1


def span_id_of(kind: str, subject: UUID) -> int:
    """64 bits, never 0: one for each kind of span about this request or command."""
    return int.from_bytes(blake2b(subject.bytes + kind.encode(), digest_size=8).digest(), "big") or 1
