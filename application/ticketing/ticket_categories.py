"""Ticket categories: add, change, close, over-allocate."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from application.fields import (
    Amount,
    Capacity,
    Id,
    Json,
    JsonList,
    Label,
    LongText,
    Name,
    Percentage,
    Quantity,
    Reason,
    SortOrder,
    Time,
)
from application.registry import Command, Reply, command
from application.ticketing.amounts import amount
from application.ticketing.offices import office_of
from application.ticketing.stock import open_quota, quota_of
from application.unit import IdTaken, UnfitId, Unit
from domain.events.event import Event, EventIsFinal
from domain.local_time import instant
from domain.patch import UNSET, UnsetType, given_fields
from domain.refusals import NotFound
from domain.ticketing.box_office import BoxOffice
from domain.ticketing.category import (
    AccessRule,
    Category,
    CategoryIsClosed,
    CategoryTerms,
    FreeHasPrice,
    MinAboveMax,
    PaidNeedsPrice,
    SaleEndsAfterEvent,
    SaleEndsBeforeStart,
    TicketType,
    Visibility,
)
from domain.ticketing.quota import BelowCommitted, Quota, quota_id

PerOrder = Annotated[int, Meta(ge=1, le=1_000)]
Admits = Annotated[int, Meta(ge=0, le=1_000, description="Persons per ticket; 0 is an add-on such as parking")]

_TERMS = (FreeHasPrice, MinAboveMax, PaidNeedsPrice, SaleEndsAfterEvent, SaleEndsBeforeStart)


class AddTicketCategory(Command, frozen=True, kw_only=True):
    """Offer a kind of ticket."""

    event_id: Id
    name: Name
    quantity_total: Capacity
    id: Id | None = None
    description: LongText | None = None
    ticket_type: TicketType = "paid"
    price: Amount = "0"
    pool_id: Id | None = None
    admits: Admits = 1
    companion_of: Id | None = None
    min_per_order: PerOrder = 1
    max_per_order: PerOrder = 10
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


class ChangeTicketCategory(Command, frozen=True, kw_only=True):
    """Change a kind of ticket."""

    ticket_category_id: Id
    name: Name | UnsetType = UNSET
    description: LongText | UnsetType | None = UNSET
    ticket_type: TicketType | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    quantity_total: Capacity | UnsetType = UNSET
    min_per_order: PerOrder | UnsetType = UNSET
    max_per_order: PerOrder | UnsetType = UNSET
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


class CloseTicketCategory(Command, frozen=True, kw_only=True):
    """Stop selling a kind of ticket."""

    ticket_category_id: Id


class OverAllocateTicketCategory(Command, frozen=True, kw_only=True):
    """Sell more than the total."""

    ticket_category_id: Id
    quantity: Quantity
    reason: Reason


@command(
    "POST /events/{event_id}/ticket-categories",
    permission="tickets.manage",
    status=201,
    rules="T1 E4 O1",
    refusals=(EventIsFinal, IdTaken, UnfitId, *_TERMS),
    example={"name": "Stalls", "price": "45.00", "quantity_total": 400, "tax_rate": "19", "max_per_order": 6},
)
def add_ticket_category(command: AddTicketCategory, unit: Unit) -> Reply:
    """Offer a kind of ticket, with a stock of its own.

    With `pool_id` it draws on that pool as well. Prices are in the Event's currency.
    """
    event = unit.get(Event, command.event_id)
    event.require_open()
    office = office_of(unit, event)
    category = office.add_category(
        unit.resource_id(command.id, Quota.stream_type),
        CategoryTerms(**_terms(command, event, office)),
        admits=command.admits,
        pool_id=command.pool_id,
        companion_of=command.companion_of,
        event_ends_at=event.ends_at,
        now=unit.now,
    )
    open_quota(unit, "category", event.id, category.id, category.terms.quantity_total)
    return _reply(category)


@command(
    "PATCH /ticket-categories/{ticket_category_id}",
    permission="tickets.manage",
    rules="T1 E4",
    refusals=(BelowCommitted, CategoryIsClosed, EventIsFinal, *_TERMS),
    example={"price": "49.00"},
)
def change_ticket_category(command: ChangeTicketCategory, unit: Unit) -> Reply:
    """Change a kind of ticket.

    A new price binds new holds only (T1); the total never falls below what is sold or held (E4).
    """
    found = _find(unit, command.ticket_category_id)
    terms = msgspec.structs.replace(found.category.terms, **_terms(command, found.event, found.office))
    category = found.office.change_category(found.category.id, terms, event_ends_at=found.event.ends_at, now=unit.now)
    quota_of(unit, category.id).resize(terms.quantity_total, now=unit.now)
    return _reply(category)


@command(
    "POST /ticket-categories/{ticket_category_id}/close",
    permission="tickets.manage",
    rules="T1",
    refusals=(CategoryIsClosed, EventIsFinal),
)
def close_ticket_category(command: CloseTicketCategory, unit: Unit) -> Reply:
    """Stop selling a kind of ticket for good.

    Live holds are honoured (T5). To stop for a while, change `sale_ends_at`.
    """
    found = _find(unit, command.ticket_category_id)
    return _reply(found.office.close_category(found.category.id, now=unit.now))


@command(
    "POST /ticket-categories/{ticket_category_id}/over-allocate",
    permission="tickets.manage",
    rules="E4",
    refusals=(EventIsFinal,),
    example={"quantity": 5, "reason": "Extra chairs agreed with the venue"},
)
def over_allocate_ticket_category(command: OverAllocateTicketCategory, unit: Unit) -> Reply:
    """Let more tickets be sold than the total says.

    Who sends it answers for it: the log names them as the approver, with the reason.
    """
    found = _find(unit, command.ticket_category_id)
    quota_of(unit, found.category.id).over_allocate(command.quantity, reason=command.reason, approver=unit.principal.actor, now=unit.now)
    return _reply(found.category)


class _Found(NamedTuple):
    event: Event
    office: BoxOffice
    category: Category


def _find(unit: Unit, category_id: UUID) -> _Found:
    """The category, by way of its quota, which knows the Event; the Event is not final, `If-Match` has been compared."""
    quota = unit.find(Quota, quota_id(category_id))
    if quota is None:
        raise NotFound(what="ticket category", id=str(category_id))
    event = unit.get(Event, quota.event_id)
    office = office_of(unit, event)
    category = office.category(category_id)
    unit.match(category.version)
    event.require_open()
    return _Found(event, office, category)


def _terms(command: AddTicketCategory | ChangeTicketCategory, event: Event, office: BoxOffice) -> dict[str, Any]:
    """The terms that the request names, with money, percentages and instants made of their texts."""
    given = given_fields(command, *CategoryTerms.__struct_fields__)
    if "price" in given:
        given["price"] = amount(given["price"], office.currency, "/price")
    if "tax_rate" in given:
        given["tax_rate"] = Decimal(given["tax_rate"])
    for name in ("sale_starts_at", "sale_ends_at"):
        if given.get(name) is not None:
            given[name] = instant(given[name], event.timezone, f"/{name}")
    return given


def _reply(category: Category) -> Reply:
    return Reply(id=category.id, version=category.version, collection="ticket_categories")
