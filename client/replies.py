"""What commands answer.

Written by `stagebook catalog --write`: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from client.base import Reply


class HeldLine(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets of one category, and what all of them cost."""

    id: UUID
    ticket_category_id: UUID
    quantity: int
    unit_price: Decimal
    net_amount: Decimal
    tax_amount: Decimal
    total_price: Decimal


class EventState(Reply, frozen=True, kw_only=True):
    """Where an Event is found, and where it stands."""

    slug: str
    status: str
    """One of planning, confirmed, postponed, live, completed, cancelled."""


class IssueApiKeyReply(Reply, frozen=True, kw_only=True):
    """The answer to `IssueApiKey`."""

    key: str | None = None
    """Shown once; None in the answer to a retry."""


class OrderHeld(Reply, frozen=True, kw_only=True):
    """What is held for the customer, until when, and what it costs."""

    order_number: str
    hold_expires_at: datetime
    total_amount: Decimal
    currency: str
    lines: tuple[HeldLine, ...]


class OrderState(Reply, frozen=True, kw_only=True):
    """Where an order stands."""

    order_status: str
    """One of pending, confirmed, expired, cancelled."""


class OrganizationMade(Reply, frozen=True, kw_only=True):
    """Where the organization is found; its first owner, and the id of the owner's key."""

    slug: str
    owner_id: UUID
    owner_key_id: UUID
    owner_key: str | None = None
    """Shown once; None in the answer to a retry."""


class OrganizationState(Reply, frozen=True, kw_only=True):
    """Where the organization is found, and where it stands."""

    slug: str
    status: str
    """One of active, suspended."""


class UserState(Reply, frozen=True, kw_only=True):
    """What a user may do, and whether they may."""

    role: str
    """One of owner, admin, event_director, producer, marketing_manager, sales_manager, finance_manager, coordinator, member, auditor."""
    status: str
    """One of active, deactivated."""
