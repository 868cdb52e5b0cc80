"""Orders: hold, confirm, cancel, expire, delete."""

from __future__ import annotations

import struct
from datetime import timedelta
from typing import Annotated, TypedDict
from uuid import UUID

import msgspec
from msgspec import Meta

from application.fields import Amount, CurrencyCode, Email, Id, Label, Name, Phone, Quantity, Reason
from application.registry import Command, Reply, command
from application.replies import IdText, MoneyText, TimeText
from application.ticketing import stock
from application.ticketing.amounts import amount
from application.unit import IdTaken, Scope, UnfitId, Unit
from domain.events.event import Event, EventNotOnSale
from domain.money import major_text
from domain.organizations.organization import Organization, OrganizationIsSuspended
from domain.text import normalised_email
from domain.ticketing.box_office import BoxOffice, SalesNotOpen, box_office_id
from domain.ticketing.category import CategoryIsClosed, DonationTooSmall, PriceNotChoosable, QuantityPerOrder, SaleEnded, SaleNotStarted
from domain.ticketing.order import (
    NOBODY,
    Customer,
    HoldExpired,
    HoldNotExpired,
    IllegalOrderStatus,
    Order,
    OrderNotDeletable,
    OrderStatus,
    PaymentRequired,
    Referral,
    SalesChannel,
)
from domain.ticketing.order_line import OrderLine
from domain.ticketing.pricing import CategoryTwice, CompanionAlone, Wish, price_order
from domain.ticketing.quota import SoldOut, TooManyHolds

ORDER_NUMBERS = Scope("order_number", refusal=None)
"""Order numbers of an organization (O8); one that is taken is drawn again."""

NUMBER_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters that nobody mistakes for one another."""
_NUMBERS = struct.Struct(">8H")
"""The eight numbers in a digest that choose the characters of an order number."""


class LineRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many tickets of a category."""

    ticket_category_id: Id
    quantity: Quantity
    unit_price: Amount | None = None
    """Only for donations: what the customer gives per ticket."""


class HeldLine(TypedDict):
    """Tickets of one category, and what all of them cost."""

    id: IdText
    ticket_category_id: IdText
    quantity: Quantity
    unit_price: MoneyText
    net_amount: MoneyText
    tax_amount: MoneyText
    total_price: MoneyText


class OrderHeld(TypedDict):
    """What is held for the customer, until when, and what it costs."""

    order_number: Annotated[str, Meta(examples=["7KX4M2QD"])]
    hold_expires_at: TimeText
    total_amount: MoneyText
    currency: CurrencyCode
    lines: list[HeldLine]


class OrderState(TypedDict):
    """Where an order stands."""

    order_status: Annotated[OrderStatus, Meta(examples=["confirmed"])]


class PlaceOrder(Command, frozen=True, kw_only=True):
    """Hold tickets for a customer."""

    event_id: Id
    lines: Annotated[tuple[LineRequest, ...], Meta(min_length=1, max_length=50)]
    id: Id | None = None
    sales_channel: SalesChannel = "api"
    customer_email: Email | None = None
    customer_name: Name | None = None
    customer_phone: Phone | None = None
    utm_source: Label | None = None
    utm_medium: Label | None = None
    utm_campaign: Label | None = None


class ConfirmOrder(Command, frozen=True, kw_only=True):
    """Confirm a free order."""

    order_id: Id


class CancelOrder(Command, frozen=True, kw_only=True):
    """Cancel an order."""

    order_id: Id
    reason: Reason | None = None


class ExpireOrder(Command, frozen=True, kw_only=True):
    """End a hold."""

    order_id: Id


class DeleteOrder(Command, frozen=True, kw_only=True):
    """Delete an order."""

    order_id: Id


@command(
    "POST /events/{event_id}/orders",
    permission="orders.create",
    status=201,
    rules="T1 T5 T7 T8 T9 O1 O4 O8 E4 E13",
    refusals=(
        CategoryIsClosed,
        CategoryTwice,
        CompanionAlone,
        DonationTooSmall,
        EventNotOnSale,
        IdTaken,
        OrganizationIsSuspended,
        PriceNotChoosable,
        QuantityPerOrder,
        SaleEnded,
        SaleNotStarted,
        SalesNotOpen,
        SoldOut,
        TooManyHolds,
        UnfitId,
    ),
    example={
        "customer_email": "ada@example.org",
        "customer_name": "Ada Lovelace",
        "lines": [{"ticket_category_id": "01890a5d-ac96-774b-bcce-b302099a8057", "quantity": 2}],
    },
)
def place_order(command: PlaceOrder, unit: Unit) -> Reply[OrderHeld]:
    """Hold tickets for a customer.

    All lines or none are held (T7), at prices that stay until `hold_expires_at` (T5); from then on the hold has expired.
    The live holds of one e-mail address are bounded; without one, on the web, those of one client address are.
    """
    event = _event_on_sale(unit, command.event_id)
    office = unit.find(BoxOffice, box_office_id(event.id))
    if office is None:
        raise SalesNotOpen
    order_id = unit.resource_id(command.id)
    email = None if command.customer_email is None else normalised_email(command.customer_email)
    order = Order.place(
        id=order_id,
        organization_id=unit.organization_id,
        event_id=event.id,
        order_number=_order_number(unit, order_id),
        sales_channel=command.sales_channel,
        currency=office.currency,
        lines=price_order(office, _wishes(command, unit, office.currency), event_ends_at=event.ends_at, now=unit.now),
        counts_persons=event.max_capacity is not None,
        hold_expires_at=unit.now + timedelta(minutes=office.hold_minutes),
        customer=_customer(command, unit, order_id, email),
        referral=Referral(command.utm_source, command.utm_medium, command.utm_campaign),
        now=unit.now,
    )
    unit.add(order)
    unit.claim(ORDER_NUMBERS, order.order_number, order.id)
    stock.hold(unit, event, order, _holder(command, unit, email))
    return Reply(id=order.id, version=order.version, collection="orders", data=_summary(order))


@command(
    "POST /orders/{order_id}/confirm",
    permission="orders.create",
    rules="T7 T10 T11 O4 E13",
    refusals=(EventNotOnSale, HoldExpired, IllegalOrderStatus, OrganizationIsSuspended, PaymentRequired),
)
def confirm_order(command: ConfirmOrder, unit: Unit) -> Reply[OrderState]:
    """Confirm an order that costs nothing.

    One with a price is confirmed by its payment (T10).
    """
    order = _order(unit, command.order_id)
    _event_on_sale(unit, order.event_id)
    order.confirm_free(now=unit.now)
    stock.sell(unit, order)
    return _reply(order)


@command(
    "POST /orders/{order_id}/cancel",
    permission="orders.manage",
    rules="T7 T11",
    refusals=(HoldExpired, IllegalOrderStatus),
    example={"reason": "Ordered twice"},
)
def cancel_order(command: CancelOrder, unit: Unit) -> Reply[OrderState]:
    """Cancel an order; its tickets are for sale again."""
    order = _order(unit, command.order_id)
    was_confirmed = order.status == "confirmed"
    order.cancel(reason=command.reason, now=unit.now)
    if was_confirmed:
        stock.give_back(unit, order)
    else:
        stock.release(unit, order)
    return _reply(order)


@command("POST /orders/{order_id}/expire", permission="orders.manage", rules="T7 T11", refusals=(HoldNotExpired, IllegalOrderStatus))
def expire_order(command: ExpireOrder, unit: Unit) -> Reply[OrderState]:
    """End a hold whose time has come; its tickets are for sale again.

    Sent by the deadline itself; before its time, and a second time, it is refused.
    """
    order = _order(unit, command.order_id)
    order.expire(now=unit.now)
    stock.release(unit, order)
    return _reply(order)


@command("DELETE /orders/{order_id}", permission="orders.manage", rules="T22", refusals=(OrderNotDeletable,))
def delete_order(command: DeleteOrder, unit: Unit) -> Reply[OrderState]:
    """Delete an expired or cancelled order with its items.

    The log keeps it, and its number is not given again.
    """
    order = _order(unit, command.order_id)
    order.delete(now=unit.now)
    return _reply(order)


def _event_on_sale(unit: Unit, event_id: UUID) -> Event:
    """The Event, if the organization may sell (O4) and the Event is one to sell for (E2, E13)."""
    unit.get(Organization, unit.organization_id).require_active()
    event = unit.get(Event, event_id)
    event.require_on_sale()
    return event


def _order(unit: Unit, order_id: UUID) -> Order:
    order = unit.get(Order, order_id)
    unit.match(order.version)
    return order


def _wishes(command: PlaceOrder, unit: Unit, currency: str) -> list[Wish]:
    return [
        Wish(
            line_id=unit.new_id(),
            ticket_category_id=line.ticket_category_id,
            quantity=line.quantity,
            unit_price=None if line.unit_price is None else amount(line.unit_price, currency, f"/lines/{n}/unit_price"),
        )
        for n, line in enumerate(command.lines)
    ]


def _customer(command: PlaceOrder, unit: Unit, order_id: UUID, email: str | None) -> Customer:
    """Who gave no e-mail address is a person of their own, known by this order."""
    if email is None and command.customer_name is None and command.customer_phone is None:
        return NOBODY
    return Customer(unit.person(email or f"order:{order_id}"), email, command.customer_name, command.customer_phone)


def _holder(command: PlaceOrder, unit: Unit, email: str | None) -> str | None:
    """Whose live holds are counted together (T7). An address behind a shop's server or a box office stands for many customers."""
    identity = email or (unit.client_address if command.sales_channel == "web" else None)
    return None if identity is None else unit.digest(f"holder:{identity}")


def _order_number(unit: Unit, order_id: UUID) -> str:
    """Eight characters that follow from nothing but a keyed digest, so they tell nothing about volume (O8)."""
    digest = bytes.fromhex(unit.digest(f"order-number:{order_id}:{unit.attempt}"))
    return "".join([NUMBER_ALPHABET[number % len(NUMBER_ALPHABET)] for number in _NUMBERS.unpack(digest)])


def _reply(order: Order) -> Reply[OrderState]:
    return Reply(id=order.id, version=order.version, collection="orders", data={"order_status": order.status})


def _summary(order: Order) -> OrderHeld:
    return {
        "order_number": order.order_number,
        "hold_expires_at": order.hold_expires_at.isoformat(),
        "total_amount": major_text(order.total, order.currency),
        "currency": order.currency,
        "lines": [_line(line, order.currency) for line in order.lines],
    }


def _line(line: OrderLine, currency: str) -> HeldLine:
    return {
        "id": str(line.id),
        "ticket_category_id": str(line.ticket_category_id),
        "quantity": line.quantity,
        "unit_price": major_text(line.unit_price, currency),
        "net_amount": major_text(line.net, currency),
        "tax_amount": major_text(line.tax, currency),
        "total_price": major_text(line.gross, currency),
    }
