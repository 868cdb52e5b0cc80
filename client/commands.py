"""What can be told to Stagebook.

Written by `stagebook catalog --write`: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from client import replies
from client.base import Command, Reply

AccessRule: TypeAlias = Literal["once", "daily", "in_out"]

Amount: TypeAlias = Decimal | str
"""Major units, not negative, with at most the currency's decimals; at most 16 characters; such as 120.00."""

Capacity: TypeAlias = int
"""Persons or places, at least one; 1 to 1000000000."""

CurrencyCode: TypeAlias = str
"""ISO 4217; 3 characters; such as EUR."""

Email: TypeAlias = str
r"""Pattern `^\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*$`; 3 to 254 characters; such as ada@harbour.example."""

EventType: TypeAlias = Literal["in_person", "virtual", "hybrid"]

Json: TypeAlias = dict[str, Any]
"""A JSON object; kept as it is; at most 200 items."""

JsonList: TypeAlias = tuple[dict[str, Any], ...]
"""At most 200 items; each: A JSON object; kept as it is."""

Label: TypeAlias = str
"""Not blank; 1 to 60 characters."""

Labels: TypeAlias = tuple[str, ...]
"""At most 100 items; each: not blank; each: 1 to 60 characters."""

LongText: TypeAlias = str
"""At most 20000 characters."""

Name: TypeAlias = str
"""A name, not blank; 1 to 200 characters."""

Percentage: TypeAlias = Decimal | str
"""0 to 100; at most 6 characters; such as 12.5."""

Phone: TypeAlias = str
"""Pattern `^[0-9+()/. -]+$`; at most 40 characters; such as +49 40 1234567."""

Quantity: TypeAlias = int
"""How many of one thing in one command; 1 to 100000."""

Reason: TypeAlias = str
"""Why, in words; no personal data; 1 to 500 characters."""

Role: TypeAlias = Literal[
    "owner",
    "admin",
    "event_director",
    "producer",
    "marketing_manager",
    "sales_manager",
    "finance_manager",
    "coordinator",
    "member",
    "auditor",
]

SalesChannel: TypeAlias = Literal["web", "box_office", "api", "import"]

Slug: TypeAlias = str
"""Lower-case words joined by hyphens; 1 to 80 characters; such as harbour-lights."""

SortOrder: TypeAlias = int
"""-1000000 to 1000000."""

TicketType: TypeAlias = Literal["free", "paid", "donation"]

Tier: TypeAlias = Literal["basic", "pro", "enterprise"]

Time: TypeAlias = datetime | str
"""ISO 8601: with an offset, or local in the time zone of the Event or venue; at most 32 characters; such as 2027-06-12T19:30."""

TimeZoneName: TypeAlias = str
"""IANA time zone; 1 to 64 characters; such as Europe/Berlin."""

Url: TypeAlias = str
r"""Pattern `^https?://\S+$`; at most 2000 characters; such as https://harbour.example/lights."""

Urls: TypeAlias = tuple[str, ...]
r"""At most 100 items; each: pattern `^https?://\S+$`; each: at most 2000 characters; each: such as https://harbour.example/lights."""

Visibility: TypeAlias = Literal["public", "hidden", "invitation_only"]


class ContactInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom to ask."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None


class LineRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """So many tickets of a category."""

    ticket_category_id: UUID
    quantity: Quantity
    unit_price: Amount | None = None
    """Only for donations: what the customer gives per ticket."""


class AddTicketCategory(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="add_ticket_category"):
    """Offer a kind of ticket, with a stock of its own.

    With `pool_id` it draws on that pool as well. Prices are in the Event's currency.
    """

    ROUTE: ClassVar[str] = "POST /events/{event_id}/ticket-categories"

    event_id: UUID
    name: Name
    quantity_total: Capacity
    id: UUID | None = None
    description: LongText | None = None
    ticket_type: TicketType = "paid"
    price: Amount = "0"
    pool_id: UUID | None = None
    admits: int = 1
    """Persons per ticket; 0 is an add-on such as parking; 0 to 1000."""
    companion_of: UUID | None = None
    min_per_order: int = 1
    """1 to 1000."""
    max_per_order: int = 10
    """1 to 1000."""
    sale_starts_at: Time | None = None
    sale_ends_at: Time | None = None
    visibility: Visibility = "public"
    benefits: Json | None = None
    restrictions: Json | None = None
    questions: JsonList | None = None
    tax_rate: Percentage = "0"
    tax_code: Label | None = None
    price_includes_tax: bool = True
    access_rule: AccessRule = "once"
    sort_order: SortOrder = 0


class AddTicketPool(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="add_ticket_pool"):
    """Let ticket categories share a stock.

    A category that names the pool draws on both: its own total and the pool's bind (E4).
    """

    ROUTE: ClassVar[str] = "POST /events/{event_id}/ticket-pools"

    event_id: UUID
    name: Name
    quantity_total: Capacity
    id: UUID | None = None


class AddUser(Command[replies.UserState], frozen=True, kw_only=True, omit_defaults=True, tag="add_user"):
    """Add a user.

    `permissions` are granted beyond the role's. Nobody grants what they lack.
    """

    ROUTE: ClassVar[str] = "POST /users"
    REPLY: ClassVar[type[Reply]] = replies.UserState

    email: Email
    full_name: Name
    role: Role
    permissions: Labels = ()
    phone: Phone | None = None
    avatar_url: Url | None = None
    skills: Labels = ()
    hourly_rate: Amount | None = None
    currency: CurrencyCode | None = None


class AddVenue(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="add_venue"):
    """Add a venue."""

    ROUTE: ClassVar[str] = "POST /venues"

    id: UUID | None = None
    name: Name
    capacity: Capacity
    venue_type: Label | None = None
    address: Json | None = None
    amenities: Labels = ()
    contact_info: ContactInfo | None = None
    pricing: Json | None = None
    availability_calendar: Json | None = None
    images: Urls = ()


class BookVenue(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="book_venue"):
    """Book a venue.

    Of two bookings that overlap, an exclusive one is the only one; bookings that touch are both fine. A booking for an Event moves
    when the Event is rescheduled and ends when it is cancelled or deleted.
    """

    ROUTE: ClassVar[str] = "POST /venues/{venue_id}/bookings"

    venue_id: UUID
    event_id: UUID | None = None
    starts_at: Time
    ends_at: Time
    timezone: TimeZoneName | None = None
    """By default the Event's, else the organization's."""
    exclusive: bool = True


class CancelEvent(Command[replies.EventState], frozen=True, kw_only=True, omit_defaults=True, tag="cancel_event"):
    """Cancel an Event that is not final.

    Sales stop at once, its bookings of venues are released.
    """

    ROUTE: ClassVar[str] = "POST /events/{event_id}/cancel"
    REPLY: ClassVar[type[Reply]] = replies.EventState

    event_id: UUID
    reason: Reason


class CancelOrder(Command[replies.OrderState], frozen=True, kw_only=True, omit_defaults=True, tag="cancel_order"):
    """Cancel an order; its tickets are for sale again."""

    ROUTE: ClassVar[str] = "POST /orders/{order_id}/cancel"
    REPLY: ClassVar[type[Reply]] = replies.OrderState

    order_id: UUID
    reason: Reason | None = None


class ChangeTicketCategory(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="change_ticket_category"):
    """Change a kind of ticket.

    A new price binds new holds only (T1); the total never falls below what is sold or held (E4).
    """

    ROUTE: ClassVar[str] = "PATCH /ticket-categories/{ticket_category_id}"

    ticket_category_id: UUID
    name: Name | UnsetType = UNSET
    description: LongText | UnsetType | None = UNSET
    ticket_type: TicketType | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    quantity_total: Capacity | UnsetType = UNSET
    min_per_order: int | UnsetType = UNSET
    """1 to 1000."""
    max_per_order: int | UnsetType = UNSET
    """1 to 1000."""
    sale_starts_at: Time | UnsetType | None = UNSET
    sale_ends_at: Time | UnsetType | None = UNSET
    visibility: Visibility | UnsetType = UNSET
    benefits: Json | UnsetType | None = UNSET
    restrictions: Json | UnsetType | None = UNSET
    questions: JsonList | UnsetType | None = UNSET
    tax_rate: Percentage | UnsetType = UNSET
    tax_code: Label | UnsetType | None = UNSET
    price_includes_tax: bool | UnsetType = UNSET
    access_rule: AccessRule | UnsetType = UNSET
    sort_order: SortOrder | UnsetType = UNSET


class ChangeTicketPool(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="change_ticket_pool"):
    """Change a shared stock; its total never falls below what is sold or held."""

    ROUTE: ClassVar[str] = "PATCH /ticket-pools/{ticket_pool_id}"

    ticket_pool_id: UUID
    name: Name | UnsetType = UNSET
    quantity_total: Capacity | UnsetType = UNSET


class ChangeUserRole(Command[replies.UserState], frozen=True, kw_only=True, omit_defaults=True, tag="change_user_role"):
    """Give a user another role.

    Neither the role taken nor the role given may reach beyond the sender's own permissions.
    """

    ROUTE: ClassVar[str] = "POST /users/{user_id}/roles"
    REPLY: ClassVar[type[Reply]] = replies.UserState

    user_id: UUID
    role: Role
    permissions: Labels = ()


class CloseSales(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="close_sales"):
    """Stop selling tickets; live holds are honoured."""

    ROUTE: ClassVar[str] = "POST /events/{event_id}/close-sales"

    event_id: UUID


class CloseTicketCategory(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="close_ticket_category"):
    """Stop selling a kind of ticket for good.

    Live holds are honoured (T5). To stop for a while, change `sale_ends_at`.
    """

    ROUTE: ClassVar[str] = "POST /ticket-categories/{ticket_category_id}/close"

    ticket_category_id: UUID


class CompleteEvent(Command[replies.EventState], frozen=True, kw_only=True, omit_defaults=True, tag="complete_event"):
    """End a live Event, for good."""

    ROUTE: ClassVar[str] = "POST /events/{event_id}/complete"
    REPLY: ClassVar[type[Reply]] = replies.EventState

    event_id: UUID


class ConfirmEvent(Command[replies.EventState], frozen=True, kw_only=True, omit_defaults=True, tag="confirm_event"):
    """Confirm an Event in planning.

    It needs a venue or an online link, and an end in the future.
    """

    ROUTE: ClassVar[str] = "POST /events/{event_id}/confirm"
    REPLY: ClassVar[type[Reply]] = replies.EventState

    event_id: UUID


class ConfirmOrder(Command[replies.OrderState], frozen=True, kw_only=True, omit_defaults=True, tag="confirm_order"):
    """Confirm an order that costs nothing.

    One with a price is confirmed by its payment (T10).
    """

    ROUTE: ClassVar[str] = "POST /orders/{order_id}/confirm"
    REPLY: ClassVar[type[Reply]] = replies.OrderState

    order_id: UUID


class CreateEvent(Command[replies.EventState], frozen=True, kw_only=True, omit_defaults=True, tag="create_event"):
    """Plan an Event.

    A venue is booked in the same step. Without a slug, a free one is derived from the name.
    """

    ROUTE: ClassVar[str] = "POST /events"
    REPLY: ClassVar[type[Reply]] = replies.EventState

    id: UUID | None = None
    name: Name
    slug: Slug | None = None
    starts_at: Time
    ends_at: Time
    timezone: TimeZoneName | None = None
    """By default the organization's, like the currency."""
    currency: CurrencyCode | None = None
    event_type: EventType = "in_person"
    visibility: Literal["public", "private", "unlisted"] = "private"
    description: LongText | None = None
    category_id: UUID | None = None
    venue_id: UUID | None = None
    venue_exclusive: bool = True
    online_url: Url | None = None
    max_capacity: Capacity | None = None
    """Persons; by default the venue's capacity."""
    registration_deadline: Time | None = None
    tags: Labels = ()
    custom_fields: Json | None = None
    branding: Json | None = None
    social_links: Json | None = None


class CreateOrganization(Command[replies.OrganizationMade], frozen=True, kw_only=True, omit_defaults=True, tag="create_organization"):
    """Create an organization with its first owner.

    The answer shows the owner's key once, as `owner_key`. Without a slug, a free one is derived from the name.
    """

    ROUTE: ClassVar[str] = "POST /organizations"
    REPLY: ClassVar[type[Reply]] = replies.OrganizationMade

    id: UUID | None = None
    name: Name
    slug: Slug | None = None
    subscription_tier: Tier = "basic"
    default_currency: CurrencyCode
    timezone: TimeZoneName = "UTC"
    settings: Json | None = None
    billing_info: Json | None = None
    owner_email: Email
    owner_name: Name


class DeactivateUser(Command[replies.UserState], frozen=True, kw_only=True, omit_defaults=True, tag="deactivate_user"):
    """Deactivate a user; their keys stop working with the next request."""

    ROUTE: ClassVar[str] = "POST /users/{user_id}/deactivate"
    REPLY: ClassVar[type[Reply]] = replies.UserState

    user_id: UUID


class DeactivateVenue(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="deactivate_venue"):
    """Deactivate a venue; bookings that stand are honoured."""

    ROUTE: ClassVar[str] = "POST /venues/{venue_id}/deactivate"

    venue_id: UUID


class DeleteEvent(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="delete_event"):
    """Delete an Event of which no place is sold or held.

    All its rows go, its records stay; its slug and venue are free again.
    """

    ROUTE: ClassVar[str] = "DELETE /events/{event_id}"

    event_id: UUID


class DeleteOrder(Command[replies.OrderState], frozen=True, kw_only=True, omit_defaults=True, tag="delete_order"):
    """Delete an expired or cancelled order with its items.

    The log keeps it, and its number is not given again.
    """

    ROUTE: ClassVar[str] = "DELETE /orders/{order_id}"
    REPLY: ClassVar[type[Reply]] = replies.OrderState

    order_id: UUID


class DeleteOrganization(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="delete_organization"):
    """Delete the organization.

    Possible once the money of all its Events is settled. Every row of the read models goes; the log, the finance journal and issued
    documents stay.
    """

    ROUTE: ClassVar[str] = "DELETE /organizations/{organization_id}"

    organization_id: UUID


class ErasePerson(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="erase_person"):
    """Erase the personal data of a customer or user.

    Their key is deleted: the data is unreadable everywhere, every hash stays valid. A user who is erased is deactivated, and their
    address is free again. Whoever comes back is somebody new.
    """

    ROUTE: ClassVar[str] = "POST /persons/erase"

    email: Email


class ExpireOrder(Command[replies.OrderState], frozen=True, kw_only=True, omit_defaults=True, tag="expire_order"):
    """End a hold whose time has come; its tickets are for sale again.

    Sent by the deadline itself; before its time, and a second time, it is refused.
    """

    ROUTE: ClassVar[str] = "POST /orders/{order_id}/expire"
    REPLY: ClassVar[type[Reply]] = replies.OrderState

    order_id: UUID


class GoLive(Command[replies.EventState], frozen=True, kw_only=True, omit_defaults=True, tag="go_live"):
    """Begin a confirmed Event."""

    ROUTE: ClassVar[str] = "POST /events/{event_id}/go-live"
    REPLY: ClassVar[type[Reply]] = replies.EventState

    event_id: UUID


class IssueApiKey(Command[replies.IssueApiKeyReply], frozen=True, kw_only=True, omit_defaults=True, tag="issue_api_key"):
    """Issue an API key.

    The answer shows it once, as `key`. It acts for a user, with that user's permissions as far as `scopes` admit them (`*`: all).
    Nobody issues a key that may do what they may not.
    """

    ROUTE: ClassVar[str] = "POST /api-keys"
    REPLY: ClassVar[type[Reply]] = replies.IssueApiKeyReply

    name: Name
    scopes: tuple[Label, ...] = ("*",)
    """1 to 100 items."""
    user_id: UUID | None = None
    """By default the sender."""


class OpenSales(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="open_sales"):
    """Put tickets on sale.

    Orders come in as soon as the Event is confirmed as well. To change `hold_minutes`, close sales and open them again.
    """

    ROUTE: ClassVar[str] = "POST /events/{event_id}/open-sales"

    event_id: UUID
    hold_minutes: int = 15
    """How long new holds live; 1 to 1440."""


class OverAllocateTicketCategory(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="over_allocate_ticket_category"):
    """Let more tickets be sold than the total says.

    Who sends it answers for it: the log names them as the approver, with the reason.
    """

    ROUTE: ClassVar[str] = "POST /ticket-categories/{ticket_category_id}/over-allocate"

    ticket_category_id: UUID
    quantity: Quantity
    reason: Reason


class OverAllocateTicketPool(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="over_allocate_ticket_pool"):
    """Let more tickets be sold than the pool's total says.

    Who sends it answers for it: the log names them as the approver, with the reason.
    """

    ROUTE: ClassVar[str] = "POST /ticket-pools/{ticket_pool_id}/over-allocate"

    ticket_pool_id: UUID
    quantity: Quantity
    reason: Reason


class PlaceOrder(Command[replies.OrderHeld], frozen=True, kw_only=True, omit_defaults=True, tag="place_order"):
    """Hold tickets for a customer.

    All lines or none are held (T7), at prices that stay until `hold_expires_at` (T5); from then on the hold has expired. The live
    holds of one e-mail address are bounded; without one, on the web, those of one client address are.
    """

    ROUTE: ClassVar[str] = "POST /events/{event_id}/orders"
    REPLY: ClassVar[type[Reply]] = replies.OrderHeld

    event_id: UUID
    lines: tuple[LineRequest, ...]
    """1 to 50 items."""
    id: UUID | None = None
    sales_channel: SalesChannel = "api"
    customer_email: Email | None = None
    customer_name: Name | None = None
    customer_phone: Phone | None = None
    utm_source: Label | None = None
    utm_medium: Label | None = None
    utm_campaign: Label | None = None


class PostponeEvent(Command[replies.EventState], frozen=True, kw_only=True, omit_defaults=True, tag="postpone_event"):
    """Postpone a confirmed Event.

    Nothing is sold until it is rescheduled; its venue stays booked until then.
    """

    ROUTE: ClassVar[str] = "POST /events/{event_id}/postpone"
    REPLY: ClassVar[type[Reply]] = replies.EventState

    event_id: UUID
    reason: Reason | None = None


class ReactivateUser(Command[replies.UserState], frozen=True, kw_only=True, omit_defaults=True, tag="reactivate_user"):
    """Reactivate a user who was not erased."""

    ROUTE: ClassVar[str] = "POST /users/{user_id}/reactivate"
    REPLY: ClassVar[type[Reply]] = replies.UserState

    user_id: UUID


class ReleaseBooking(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="release_booking"):
    """Free the venue of a booking."""

    ROUTE: ClassVar[str] = "DELETE /venues/{venue_id}/bookings/{booking_id}"

    venue_id: UUID
    booking_id: UUID


class RescheduleEvent(Command[replies.EventState], frozen=True, kw_only=True, omit_defaults=True, tag="reschedule_event"):
    """Give an Event new dates.

    Its bookings of venues move with it, or the step is refused. A postponed Event is confirmed again.
    """

    ROUTE: ClassVar[str] = "POST /events/{event_id}/reschedule"
    REPLY: ClassVar[type[Reply]] = replies.EventState

    event_id: UUID
    starts_at: Time
    ends_at: Time
    timezone: TimeZoneName | None = None


class ResumeOrganization(Command[replies.OrganizationState], frozen=True, kw_only=True, omit_defaults=True, tag="resume_organization"):
    """End a suspension."""

    ROUTE: ClassVar[str] = "POST /organizations/{organization_id}/resume"
    REPLY: ClassVar[type[Reply]] = replies.OrganizationState

    organization_id: UUID


class RevokeApiKey(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="revoke_api_key"):
    """Revoke an API key; this binds the next request."""

    ROUTE: ClassVar[str] = "POST /api-keys/{key_id}/revoke"

    key_id: UUID


class SuspendOrganization(Command[replies.OrganizationState], frozen=True, kw_only=True, omit_defaults=True, tag="suspend_organization"):
    """Suspend an organization.

    Nothing is sold, published or spent; check-in, refunds and exports still work.
    """

    ROUTE: ClassVar[str] = "POST /organizations/{organization_id}/suspend"
    REPLY: ClassVar[type[Reply]] = replies.OrganizationState

    organization_id: UUID
    reason: Reason


class UpdateEvent(Command[replies.EventState], frozen=True, kw_only=True, omit_defaults=True, tag="update_event"):
    """Change details of an Event.

    What is left out stays. Dates change with `reschedule`; the currency is fixed (O7).
    """

    ROUTE: ClassVar[str] = "PATCH /events/{event_id}"
    REPLY: ClassVar[type[Reply]] = replies.EventState

    event_id: UUID
    name: Name | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    event_type: EventType | UnsetType = UNSET
    visibility: Literal["public", "private", "unlisted"] | UnsetType = UNSET
    description: LongText | UnsetType | None = UNSET
    category_id: UUID | UnsetType | None = UNSET
    venue_id: UUID | UnsetType | None = UNSET
    venue_exclusive: bool = True
    """Of the booking that another venue needs."""
    online_url: Url | UnsetType | None = UNSET
    max_capacity: Capacity | UnsetType | None = UNSET
    registration_deadline: Time | UnsetType | None = UNSET
    tags: Labels | UnsetType = UNSET
    custom_fields: Json | UnsetType | None = UNSET
    branding: Json | UnsetType | None = UNSET
    social_links: Json | UnsetType | None = UNSET


class UpdateOrganization(Command[replies.OrganizationState], frozen=True, kw_only=True, omit_defaults=True, tag="update_organization"):
    """Change details of the organization.

    What is left out stays. The currency is fixed (O7).
    """

    ROUTE: ClassVar[str] = "PATCH /organizations/{organization_id}"
    REPLY: ClassVar[type[Reply]] = replies.OrganizationState

    organization_id: UUID
    name: Name | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    subscription_tier: Tier | UnsetType = UNSET
    timezone: TimeZoneName | UnsetType = UNSET
    settings: Json | UnsetType | None = UNSET
    billing_info: Json | UnsetType = UNSET


class UpdateVenue(Command[Reply], frozen=True, kw_only=True, omit_defaults=True, tag="update_venue"):
    """Change details of a venue.

    What is left out stays. The capacity is never set below that of an Event which is still to come.
    """

    ROUTE: ClassVar[str] = "PATCH /venues/{venue_id}"

    venue_id: UUID
    name: Name | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    venue_type: Label | UnsetType | None = UNSET
    address: Json | UnsetType | None = UNSET
    amenities: Labels | UnsetType = UNSET
    contact_info: ContactInfo | UnsetType = UNSET
    pricing: Json | UnsetType | None = UNSET
    availability_calendar: Json | UnsetType | None = UNSET
    images: Urls | UnsetType = UNSET
