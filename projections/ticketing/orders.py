"""Tables `orders` and `order_items`: what customers hold and have bought."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, get_args

import sqlalchemy as sa

from application.ports import Record
from domain.ticketing.order import OrderCancelled, OrderConfirmed, OrderDeleted, OrderExpired, OrderPlaced, OrderStatus, SalesChannel
from domain.ticketing.order_line import OrderLine
from projections.audit.status_changes import status_change
from projections.changes import Change, Delete, Insert, Set
from projections.relational import RELATIONAL
from projections.schema import INSTANT, JSON, MONEY, TEXT_LIST, choice, currency, major, personal, read_table, reference, unique
from projections.ticketing.ticket_categories import PERCENT

NOTHING = Decimal(0)

orders = read_table(
    "orders",
    reference("event_id", "events", on_delete="cascade", nullable=False),
    sa.Column("order_number", sa.Text, nullable=False),
    choice("sales_channel", *get_args(SalesChannel), "complimentary"),
    sa.Column("customer", sa.UUID, index=True),
    personal("customer_email", "customer"),
    personal("customer_name", "customer"),
    personal("customer_phone", "customer"),
    personal("billing_address", "customer", JSON),
    sa.Column("subtotal", MONEY, nullable=False),
    sa.Column("discounts", MONEY, nullable=False, default=NOTHING),
    sa.Column("fees", MONEY, nullable=False, default=NOTHING),
    sa.Column("taxes", MONEY, nullable=False),
    sa.Column("net_amount", MONEY, nullable=False),
    sa.Column("total_amount", MONEY, nullable=False),
    sa.Column("paid_amount", MONEY, nullable=False, default=NOTHING),
    sa.Column("refund_amount", MONEY, nullable=False, default=NOTHING),
    currency(),
    sa.Column("payment_method", sa.Text),
    choice("payment_status", "pending", "processing", "paid", "failed", "partially_refunded", "refunded", "disputed"),
    sa.Column("payment_reference", sa.Text),
    choice("order_status", "pending", "confirmed", "expired", "cancelled", "refunded"),
    sa.Column("hold_expires_at", INSTANT, nullable=False),
    sa.Column("discount_code_id", sa.UUID),
    sa.Column("notes", sa.Text),
    sa.Column("locale", sa.Text),
    sa.Column("consents", JSON),
    sa.Column("session_id", sa.Text),
    sa.Column("utm_source", sa.Text),
    sa.Column("utm_medium", sa.Text),
    sa.Column("utm_campaign", sa.Text),
    sa.Column("confirmed_at", INSTANT),
    sa.Column("cancelled_at", INSTANT),
    unique("organization_id", "order_number"),
)

order_items = read_table(
    "order_items",
    reference("event_id", "events", on_delete="cascade", nullable=False),
    reference("order_id", "orders", on_delete="cascade", nullable=False),
    reference("ticket_category_id", "ticket_categories", nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("list_price", MONEY, nullable=False),
    sa.Column("unit_price", MONEY, nullable=False),
    sa.Column("cancelled_quantity", sa.Integer, nullable=False, default=0),
    sa.Column("discount_applied", MONEY, nullable=False, default=NOTHING),
    sa.Column("net_amount", MONEY, nullable=False),
    sa.Column("tax_rate", PERCENT, nullable=False),
    sa.Column("tax_code", sa.Text),
    sa.Column("tax_amount", MONEY, nullable=False),
    sa.Column("total_price", MONEY, nullable=False),
    currency(),
    sa.Column("applied_rules", JSON),
    sa.Column("attendee_info", JSON),
    sa.Column("ticket_codes", TEXT_LIST),
    sa.Column("check_in_status", JSON),
)


@RELATIONAL.on(OrderPlaced)
def order_placed(event: OrderPlaced, record: Record) -> Iterable[Change]:
    """A pending order with its items."""
    yield Insert(
        orders,
        record.stream_id,
        {
            "event_id": event.event_id,
            "order_number": event.order_number,
            "sales_channel": event.sales_channel,
            "customer": event.customer,
            "customer_email": event.customer_email,
            "customer_name": event.customer_name,
            "customer_phone": event.customer_phone,
            "subtotal": major(sum(line.unit_price * line.quantity for line in event.lines), event.currency),
            "taxes": major(event.tax, event.currency),
            "net_amount": major(event.net, event.currency),
            "total_amount": major(event.total, event.currency),
            "currency": event.currency,
            "payment_status": "pending",
            "order_status": "pending",
            "hold_expires_at": event.hold_expires_at,
            "utm_source": event.utm_source,
            "utm_medium": event.utm_medium,
            "utm_campaign": event.utm_campaign,
        },
    )
    for line in event.lines:
        yield Insert(order_items, line.id, _item(line, event, record))
    yield _moved(event, record, "pending")


@RELATIONAL.on(OrderConfirmed)
def order_confirmed(event: OrderConfirmed, record: Record) -> Iterable[Change]:
    """Nothing is due any more."""
    yield Set(orders, record.stream_id, {"order_status": "confirmed", "payment_status": "paid", "confirmed_at": record.recorded_at})
    yield _moved(event, record, "confirmed", was="pending")


@RELATIONAL.on(OrderCancelled)
def order_cancelled(event: OrderCancelled, record: Record) -> Iterable[Change]:
    """The order is off."""
    yield Set(orders, record.stream_id, {"order_status": "cancelled", "cancelled_at": record.recorded_at})
    yield _moved(event, record, "cancelled", was=event.was, reason=event.reason)


@RELATIONAL.on(OrderExpired)
def order_expired(event: OrderExpired, record: Record) -> Iterable[Change]:
    """The hold has ended."""
    yield Set(orders, record.stream_id, {"order_status": "expired"})
    yield _moved(event, record, "expired", was="pending")


@RELATIONAL.on(OrderDeleted)
def order_deleted(_: OrderDeleted, record: Record) -> Iterable[Change]:
    """The order goes, and with it its items (T22)."""
    yield Delete(orders, record.stream_id)


def _moved(
    event: OrderPlaced | OrderConfirmed | OrderCancelled | OrderExpired,
    record: Record,
    to: OrderStatus,
    *,
    was: OrderStatus | None = None,
    reason: str | None = None,
) -> Insert:
    return status_change(record, "order", record.stream_id, to, was=was, event_id=event.event_id, reason=reason)


def _item(line: OrderLine, event: OrderPlaced, record: Record) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "order_id": record.stream_id,
        "ticket_category_id": line.ticket_category_id,
        "quantity": line.quantity,
        "list_price": major(line.list_price, event.currency),
        "unit_price": major(line.unit_price, event.currency),
        "net_amount": major(line.net, event.currency),
        "tax_rate": line.tax_rate,
        "tax_code": line.tax_code,
        "tax_amount": major(line.tax, event.currency),
        "total_price": major(line.gross, event.currency),
        "currency": event.currency,
    }
