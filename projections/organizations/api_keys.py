"""Table `api_keys`: credentials, as far as anybody may see them."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from application.ports import Record
from domain.organizations.api_key import ApiKeyIssued, ApiKeyRevoked
from domain.patch import given_fields
from projections.audit.status_changes import status_change
from projections.changes import Change, Insert, Set
from projections.relational import RELATIONAL
from projections.schema import INSTANT, TEXT_LIST, read_table, reference

api_keys = read_table(
    "api_keys",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("scopes", TEXT_LIST, nullable=False),
    reference("user_id", "users", on_delete="set null"),
    reference("created_by", "users", on_delete="set null"),
    sa.Column("last_used_at", INSTANT),
    sa.Column("revoked_at", INSTANT),
)


@RELATIONAL.on(ApiKeyIssued)
def issued(event: ApiKeyIssued, record: Record) -> Iterable[Change]:
    """A row for the key."""
    values = given_fields(event, "name", "prefix", "user_id", "created_by")
    yield Insert(api_keys, event.originator_id, {**values, "hash": event.sha256, "scopes": list(event.scopes)})
    yield status_change(record, "api_key", event.originator_id, "active")


@RELATIONAL.on(ApiKeyRevoked)
def revoked(event: ApiKeyRevoked, record: Record) -> Iterable[Change]:
    """The key opens nothing from this time on."""
    yield Set(api_keys, event.originator_id, {"revoked_at": record.recorded_at})
    yield status_change(record, "api_key", event.originator_id, "revoked", was="active")
