"""What can be read from Stagebook. Amounts are in major units of the currency beside them, times are in UTC.

Written by `stagebook catalog --write`: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What every row has."""

    TABLE: ClassVar[str]
    COLLECTION: ClassVar[str]

    id: UUID
    organization_id: UUID
    created_at: datetime
    updated_at: datetime
    log_position: int
    stream_id: UUID
    stream_version: int


class ApiKey(Row, frozen=True, kw_only=True):
    """A row of `api_keys`."""

    TABLE: ClassVar[str] = "api_keys"
    COLLECTION: ClassVar[str] = "api-keys"

    name: str
    prefix: str
    scopes: tuple[str, ...]
    user_id: UUID | None
    """Of `users`."""
    created_by: UUID | None
    """Of `users`."""
    last_used_at: datetime | None
    revoked_at: datetime | None


class Deletion(Row, frozen=True, kw_only=True):
    """A row of `deletions`."""

    TABLE: ClassVar[str] = "deletions"
    COLLECTION: ClassVar[str] = "deletions"

    entity: str
    entity_id: UUID
    at: datetime


class Event(Row, frozen=True, kw_only=True):
    """A row of `events`."""

    TABLE: ClassVar[str] = "events"
    COLLECTION: ClassVar[str] = "events"

    category_id: UUID | None
    venue_id: UUID | None
    """Of `venues`."""
    name: str
    slug: str
    description: str | None
    event_type: str
    """One of in_person, virtual, hybrid."""
    status: str
    """One of planning, confirmed, postponed, live, completed, cancelled."""
    creation_progress: Any
    """JSON."""
    visibility: str
    """One of public, private, unlisted."""
    starts_at: datetime
    ends_at: datetime
    timezone: str
    max_capacity: int | None
    registration_deadline: datetime | None
    online_url: str | None
    tags: tuple[str, ...]
    custom_fields: Any
    """JSON."""
    branding: Any
    """JSON."""
    social_links: Any
    """JSON."""
    currency: str
    created_by: UUID | None
    """Of `users`."""


class OrderItem(Row, frozen=True, kw_only=True):
    """A row of `order_items`."""

    TABLE: ClassVar[str] = "order_items"
    COLLECTION: ClassVar[str] = "order-items"

    event_id: UUID
    """Of `events`."""
    order_id: UUID
    """Of `orders`."""
    ticket_category_id: UUID
    """Of `ticket_categories`."""
    quantity: int
    list_price: Decimal
    unit_price: Decimal
    cancelled_quantity: int
    discount_applied: Decimal
    net_amount: Decimal
    tax_rate: Decimal
    tax_code: str | None
    tax_amount: Decimal
    total_price: Decimal
    currency: str
    applied_rules: Any
    """JSON."""
    attendee_info: Any
    """JSON."""
    ticket_codes: tuple[str, ...] | None
    check_in_status: Any
    """JSON."""


class Order(Row, frozen=True, kw_only=True):
    """A row of `orders`."""

    TABLE: ClassVar[str] = "orders"
    COLLECTION: ClassVar[str] = "orders"

    event_id: UUID
    """Of `events`."""
    order_number: str
    sales_channel: str
    """One of web, box_office, api, import, complimentary."""
    customer: UUID | None
    customer_email: str | None
    """Personal; None after erasure."""
    customer_name: str | None
    """Personal; None after erasure."""
    customer_phone: str | None
    """Personal; None after erasure."""
    billing_address: Any
    """JSON. Personal; None after erasure."""
    subtotal: Decimal
    discounts: Decimal
    fees: Decimal
    taxes: Decimal
    net_amount: Decimal
    total_amount: Decimal
    paid_amount: Decimal
    refund_amount: Decimal
    currency: str
    payment_method: str | None
    payment_status: str
    """One of pending, processing, paid, failed, partially_refunded, refunded, disputed."""
    payment_reference: str | None
    order_status: str
    """One of pending, confirmed, expired, cancelled, refunded."""
    hold_expires_at: datetime
    discount_code_id: UUID | None
    notes: str | None
    locale: str | None
    consents: Any
    """JSON."""
    session_id: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    confirmed_at: datetime | None
    cancelled_at: datetime | None


class Organization(Row, frozen=True, kw_only=True):
    """A row of `organizations`."""

    TABLE: ClassVar[str] = "organizations"
    COLLECTION: ClassVar[str] = "organizations"

    name: str
    slug: str
    subscription_tier: str
    """One of basic, pro, enterprise."""
    default_currency: str
    timezone: str
    settings: Any
    """JSON."""
    billing: UUID | None
    billing_info: Any
    """JSON. Personal; None after erasure."""
    status: str
    """One of active, suspended, deleted."""


class StatusChange(Row, frozen=True, kw_only=True):
    """A row of `status_changes`."""

    TABLE: ClassVar[str] = "status_changes"
    COLLECTION: ClassVar[str] = "status-changes"

    entity: str
    entity_id: UUID
    event_id: UUID | None
    """Of `events`."""
    from_status: str | None
    to_status: str
    at: datetime
    actor_id: UUID | None
    """Of `users`."""
    reason: str | None


class TicketCategory(Row, frozen=True, kw_only=True):
    """A row of `ticket_categories`."""

    TABLE: ClassVar[str] = "ticket_categories"
    COLLECTION: ClassVar[str] = "ticket-categories"

    event_id: UUID
    """Of `events`."""
    name: str
    description: str | None
    ticket_type: str
    """One of free, paid, donation."""
    price: Decimal
    currency: str
    quantity_total: int
    quantity_sold: int
    quantity_reserved: int
    over_allocation: int
    pool_id: UUID | None
    """Of `ticket_pools`."""
    admits: int
    companion_of: UUID | None
    """Of `ticket_categories`."""
    min_per_order: int
    max_per_order: int
    sale_starts_at: datetime | None
    sale_ends_at: datetime | None
    visibility: str
    """One of public, hidden, invitation_only."""
    benefits: Any
    """JSON."""
    restrictions: Any
    """JSON."""
    questions: Any
    """JSON."""
    tax_rate: Decimal
    tax_code: str | None
    price_includes_tax: bool
    access_rule: str
    """One of once, daily, in_out."""
    is_active: bool
    sort_order: int


class TicketPool(Row, frozen=True, kw_only=True):
    """A row of `ticket_pools`."""

    TABLE: ClassVar[str] = "ticket_pools"
    COLLECTION: ClassVar[str] = "ticket-pools"

    event_id: UUID
    """Of `events`."""
    name: str
    quantity_total: int
    quantity_sold: int
    quantity_reserved: int
    over_allocation: int


class User(Row, frozen=True, kw_only=True):
    """A row of `users`."""

    TABLE: ClassVar[str] = "users"
    COLLECTION: ClassVar[str] = "users"

    person: UUID
    email: str | None
    """Personal; None after erasure."""
    full_name: str | None
    """Personal; None after erasure."""
    avatar_url: str | None
    """Personal; None after erasure."""
    phone: str | None
    """Personal; None after erasure."""
    role: str
    """One of owner, admin, event_director, producer, marketing_manager, sales_manager, finance_manager, coordinator, member, auditor."""
    permissions: Any
    """JSON."""
    skills: tuple[str, ...]
    certifications: Any
    """JSON."""
    availability_schedule: Any
    """JSON."""
    hourly_rate: Decimal | None
    currency: str | None
    status: str
    """One of invited, active, deactivated."""
    last_login_at: datetime | None


class VenueBooking(Row, frozen=True, kw_only=True):
    """A row of `venue_bookings`."""

    TABLE: ClassVar[str] = "venue_bookings"
    COLLECTION: ClassVar[str] = "venue-bookings"

    venue_id: UUID
    """Of `venues`."""
    event_id: UUID | None
    """Of `events`."""
    starts_at: datetime
    ends_at: datetime
    exclusive: bool


class Venue(Row, frozen=True, kw_only=True):
    """A row of `venues`."""

    TABLE: ClassVar[str] = "venues"
    COLLECTION: ClassVar[str] = "venues"

    name: str
    address: Any
    """JSON."""
    capacity: int
    venue_type: str | None
    amenities: Any
    """JSON."""
    contact: UUID | None
    contact_info: Any
    """JSON. Personal; None after erasure."""
    pricing: Any
    """JSON."""
    availability_calendar: Any
    """JSON."""
    images: tuple[str, ...]
    is_active: bool
