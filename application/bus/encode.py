"""From decided units to what the log takes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from application.bus.cache import Cache
from application.bus.messages import Request
from application.bus.pending import Happened, KeyUse, Pending
from application.ports import Codec, KeyClaim, LedgerEntry, NewRecord, RecordMeta
from application.registry import Reply
from application.unit import PLATFORM_ID, Unit

_encoder = msgspec.json.Encoder()
_replies = msgspec.json.Decoder(list[Reply])


def records(request: Request, unit: Unit, events: Sequence[Happened], codec: Codec) -> list[NewRecord]:
    """The unit's domain events, encoded. Raises NotLoaded when a person's key is not in memory."""
    organization_id = unit.organization_id
    metas = {command: _meta(request, unit, command) for command in {happened.command for happened in events}}
    encoded = []
    for event, stream_type, command in events:
        event_id = unit.new_id()
        encoded.append(
            NewRecord(
                organization_id,
                event_id,
                event.originator_id,
                stream_type,
                event.originator_version,
                event.type_name,
                event.class_version,
                codec.encode(event, event_id),
                metas[command],
                event.timestamp,
            )
        )
    return encoded


def _meta(request: Request, unit: Unit, command: str) -> bytes:
    return _encoder.encode(
        RecordMeta(
            actor=request.principal.actor,
            on_behalf_of=request.principal.on_behalf_of,
            command=command,
            command_id=request.command_id,
            causation_id=request.causation_id,
            correlation_id=request.correlation_id,
            reason=unit.reason or request.reason,
        )
    )


def ledger_entry(pending: Pending, replies: Sequence[Reply], cache: Cache) -> LedgerEntry | None:
    """The ledger line of a keyed request: digests and a reply without secrets."""
    request = pending.request
    if request.idempotency_key is None:
        return None
    organization_id = request.principal.organization_id or PLATFORM_ID
    named = [(spec.name, command) for spec, command in zip(pending.specs, request.commands, strict=True)]
    return LedgerEntry(
        organization_id,
        cache.digest(organization_id, f"idempotency:{request.idempotency_key}"),
        cache.digest(organization_id, f"request:{_encoder.encode(named).decode()}"),
        _encoder.encode([without_secrets(reply) for reply in replies]),
    )


def without_secrets(reply: Reply) -> Reply:
    """What a retry gets: what is shown once is not shown again."""
    return msgspec.structs.replace(reply, secrets={}) if reply.secrets else reply


def stored_replies(data: bytes) -> list[Reply]:
    """The replies of a ledger line."""
    return _replies.decode(data)


def key_claim(use: KeyUse) -> KeyClaim:
    """A unique key as the log takes it."""
    return KeyClaim(use.claimed.organization_id, use.claimed.scope.name, use.key, use.claimed.stream_id)
