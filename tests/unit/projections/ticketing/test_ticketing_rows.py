from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

import projections.catalog  # noqa: F401  # every table that others refer to
from application.registry import Command
from application.ticketing.box_offices import CloseSales, OpenSales
from application.ticketing.orders import CancelOrder, ConfirmOrder, DeleteOrder, ExpireOrder, LineRequest, PlaceOrder
from application.ticketing.ticket_categories import ChangeTicketCategory, CloseTicketCategory, OverAllocateTicketCategory
from application.ticketing.ticket_pools import AddTicketPool, ChangeTicketPool, OverAllocateTicketPool
from domain.aggregate import DomainEvent
from projections.audit.status_changes import status_changes
from projections.deadlines import DEADLINES, HOLD, deadline_id, deadlines
from projections.relational import RELATIONAL
from projections.ticketing.orders import order_items, orders
from projections.ticketing.ticket_categories import ticket_categories
from projections.ticketing.ticket_pools import ticket_pools
from tests.support.given import NOW, given
from tests.support.rows import Row, Rows
from tests.support.ticketing import BALCONY, EVENT, ORDER, OTHER_ORDER, POOL, STALLS, category, confirmed, free, place

OPEN = OpenSales(event_id=EVENT)
WAIT = timedelta(minutes=15)


def story(*steps: Command | timedelta, **event: Any) -> list[DomainEvent]:
    """The domain events of these commands; a timedelta passes between them."""
    history = given(confirmed(**event))
    events: list[DomainEvent] = []
    for step in steps:
        if isinstance(step, timedelta):
            history.at(history.now + step)
        else:
            events += history.when(step).succeeded().events
    return events


def rows(*steps: Command | timedelta, **event: Any) -> Rows:
    return Rows(RELATIONAL).take(story(*steps, **event))


def counted(rows: Rows, table: sa.Table, id_: UUID) -> tuple[int, int, int, int]:
    row = rows.tables[table][id_]
    return row["quantity_total"], row["quantity_sold"], row["quantity_reserved"], row["over_allocation"]


def test_a_category_is_a_row_with_its_terms_in_major_units() -> None:
    row = rows(category(tax_rate="7.70", admits=2)).tables[ticket_categories][STALLS]
    assert (row["event_id"], row["name"], row["price"], row["currency"]) == (EVENT, "Stalls", Decimal("45.00"), "EUR")
    assert (row["tax_rate"], row["admits"], row["is_active"], row["quantity_total"]) == (Decimal("7.7"), 2, True, 100)


def test_a_changed_category_keeps_its_counts() -> None:
    changed = rows(category(), OPEN, place(), ChangeTicketCategory(ticket_category_id=STALLS, price="60.00", quantity_total=120))
    assert changed.tables[ticket_categories][STALLS]["price"] == Decimal("60.00")
    assert counted(changed, ticket_categories, STALLS) == (120, 0, 2, 0)


def test_the_row_version_of_a_category_is_what_if_match_compares() -> None:
    history = given(confirmed())
    steps = [category(), free(BALCONY), OPEN, place(), ChangeTicketCategory(ticket_category_id=STALLS, name="Pit"), place(OTHER_ORDER)]
    events: list[DomainEvent] = []
    versions: dict[UUID, int] = {}
    for step in steps:
        events += history.when(step).events
        if history.reply.collection == "ticket_categories":
            versions[history.reply.id] = history.reply.version
    made = Rows(RELATIONAL).take(events).tables[ticket_categories]
    assert {id_: row["stream_version"] for id_, row in made.items()} == versions
    assert made[STALLS]["log_position"] == len(events), "the count of the last hold moved the row's position"


@pytest.mark.parametrize(
    ("steps", "sold", "reserved"),
    [
        ((), 0, 0),
        ((place(),), 0, 2),
        ((place(), ConfirmOrder(order_id=ORDER)), 2, 0),
        ((place(), CancelOrder(order_id=ORDER)), 0, 0),
        ((place(), WAIT, ExpireOrder(order_id=ORDER)), 0, 0),
        ((place(), ConfirmOrder(order_id=ORDER), CancelOrder(order_id=ORDER)), 0, 0),
        ((place(), ConfirmOrder(order_id=ORDER), place(OTHER_ORDER)), 2, 2),
    ],
)
def test_t8_quotas_are_counted_in_the_rows_of_category_and_pool(steps: tuple[Command, ...], sold: int, reserved: int) -> None:
    pool = AddTicketPool(event_id=EVENT, id=POOL, name="Hall", quantity_total=50)
    made = rows(pool, free(pool_id=POOL), OPEN, *steps, max_capacity=500)
    assert counted(made, ticket_categories, STALLS) == (100, sold, reserved, 0)
    assert counted(made, ticket_pools, POOL) == (50, sold, reserved, 0)


def test_e4_over_allocation_stands_beside_the_total() -> None:
    pool = AddTicketPool(event_id=EVENT, id=POOL, name="Hall", quantity_total=50)
    made = rows(
        pool,
        category(),
        OverAllocateTicketCategory(ticket_category_id=STALLS, quantity=3, reason="chairs"),
        OverAllocateTicketPool(ticket_pool_id=POOL, quantity=4, reason="chairs"),
        ChangeTicketPool(ticket_pool_id=POOL, quantity_total=60),
    )
    assert counted(made, ticket_categories, STALLS) == (100, 0, 0, 3)
    assert counted(made, ticket_pools, POOL) == (60, 0, 0, 4)


def test_an_order_is_a_row_with_items_in_major_units() -> None:
    ordered = place(of={STALLS: 2, BALCONY: 1}, customer_email="ada@example.org", customer_name="Ada", utm_source="mail")
    made = rows(category(tax_rate="19"), category(BALCONY, price="10.00", tax_rate="7", price_includes_tax=False), OPEN, ordered)
    (order,), items = made.tables[orders].values(), {row["ticket_category_id"]: row for row in made.tables[order_items].values()}
    amounts = [order[name] for name in ("subtotal", "net_amount", "taxes", "total_amount", "paid_amount")]
    assert amounts == [Decimal(text) for text in ("100.00", "85.63", "15.07", "100.70", "0")]
    assert (order["order_status"], order["payment_status"], order["hold_expires_at"]) == ("pending", "pending", NOW + WAIT)
    assert (order["customer_email"], order["customer_name"], order["utm_source"]) == ("ada@example.org", "Ada", "mail")
    assert {(row["order_id"], row["event_id"], row["currency"]) for row in items.values()} == {(ORDER, EVENT, "EUR")}
    assert [items[STALLS][name] for name in ("quantity", "unit_price", "total_price", "tax_amount")] == [
        2,
        Decimal("45.00"),
        Decimal("90.00"),
        Decimal("14.37"),
    ]
    assert items[BALCONY]["total_price"] == Decimal("10.70")


def test_amounts_of_a_currency_without_decimals_stay_whole() -> None:
    made = rows(category(price="4500"), OPEN, place(), currency="JPY")
    assert made.tables[ticket_categories][STALLS]["price"] == Decimal(4500)
    assert made.tables[orders][ORDER]["total_amount"] == Decimal(9000)


def test_a5_personal_columns_name_their_person() -> None:
    subjects = {column.name: column.info["subject"] for column in orders.columns if "subject" in column.info}
    assert subjects == dict.fromkeys(("customer_email", "customer_name", "customer_phone", "billing_address"), "customer")


@pytest.mark.parametrize(
    ("steps", "status", "path"),
    [
        ((), "pending", [(None, "pending")]),
        ((ConfirmOrder(order_id=ORDER),), "confirmed", [(None, "pending"), ("pending", "confirmed")]),
        ((CancelOrder(order_id=ORDER),), "cancelled", [(None, "pending"), ("pending", "cancelled")]),
        ((WAIT, ExpireOrder(order_id=ORDER)), "expired", [(None, "pending"), ("pending", "expired")]),
        (
            (ConfirmOrder(order_id=ORDER), CancelOrder(order_id=ORDER)),
            "cancelled",
            [(None, "pending"), ("pending", "confirmed"), ("confirmed", "cancelled")],
        ),
    ],
)
def test_every_state_of_an_order_stands_in_its_row_and_in_status_changes(
    steps: tuple[Command | timedelta, ...], status: str, path: list[tuple[str | None, str]]
) -> None:
    made = rows(free(), OPEN, place(), *steps)
    changes = [row for row in made.tables[status_changes].values() if row["entity"] == "order"]
    assert made.tables[orders][ORDER]["order_status"] == status
    assert [(row["from_status"], row["to_status"]) for row in changes] == path
    assert {(row["entity_id"], row["event_id"], row["reason"]) for row in changes} == {(ORDER, EVENT, None)}


def test_the_reason_of_a_cancellation_stands_in_status_changes() -> None:
    made = rows(free(), OPEN, place(), CancelOrder(order_id=ORDER, reason="ill"))
    *before, last = (row["reason"] for row in made.tables[status_changes].values() if row["entity"] == "order")
    assert (before, last) == ([None], "ill")


def test_the_times_of_confirmation_and_cancellation_are_the_records() -> None:
    made = rows(free(), OPEN, place(), timedelta(minutes=1), ConfirmOrder(order_id=ORDER), timedelta(hours=1), CancelOrder(order_id=ORDER))
    order = made.tables[orders][ORDER]
    assert order["confirmed_at"] == NOW + timedelta(minutes=1)
    assert order["cancelled_at"] == NOW + timedelta(minutes=61)
    assert order["payment_status"] == "paid"


def test_t22_a_deleted_orders_row_goes_and_its_items_with_it() -> None:
    made = rows(free(), OPEN, place(), place(OTHER_ORDER), CancelOrder(order_id=ORDER), DeleteOrder(order_id=ORDER))
    assert list(made.tables[orders]) == [OTHER_ORDER]
    assert [row["order_id"] for row in made.tables[order_items].values()] == [OTHER_ORDER]


def test_sales_and_categories_open_and_close_in_status_changes() -> None:
    made = rows(category(), OPEN, CloseSales(event_id=EVENT), CloseTicketCategory(ticket_category_id=STALLS))
    steps = [(row["entity"], row["from_status"], row["to_status"]) for row in made.tables[status_changes].values()]
    assert steps == [
        ("ticket_category", None, "active"),
        ("box_office", "closed", "open"),
        ("box_office", "open", "closed"),
        ("ticket_category", "active", "closed"),
    ]
    assert made.tables[ticket_categories][STALLS]["is_active"] is False


def test_rows_of_ticketing_go_with_their_event() -> None:
    for table in (ticket_categories, ticket_pools, orders, order_items):
        assert table.c.event_id.info["on_delete"] == "cascade"


# Deadlines


def due(*steps: Command | timedelta) -> dict[UUID, Row]:
    return Rows(DEADLINES).take(story(free(), OPEN, *steps)).tables[deadlines]


def test_t7_a_hold_falls_due_when_it_ends() -> None:
    row = due(place())[deadline_id(HOLD, ORDER)]
    assert (row["kind"], row["subject_id"], row["due_at"]) == (HOLD, ORDER, NOW + WAIT)


@pytest.mark.parametrize(
    "end",
    [(ConfirmOrder(order_id=ORDER),), (CancelOrder(order_id=ORDER),), (WAIT, ExpireOrder(order_id=ORDER))],
)
def test_t7_a_hold_that_ended_falls_due_no_more(end: tuple[Command | timedelta, ...]) -> None:
    left = due(place(OTHER_ORDER), place(), *end)
    assert list(left) == [deadline_id(HOLD, OTHER_ORDER)]


def test_a_donation_is_counted_at_what_was_given() -> None:
    line = LineRequest(ticket_category_id=STALLS, quantity=1, unit_price="25.00")
    made = rows(category(ticket_type="donation", price="5.00"), OPEN, PlaceOrder(event_id=EVENT, id=ORDER, lines=(line,)))
    (item,) = made.tables[order_items].values()
    assert (item["list_price"], item["unit_price"], made.tables[orders][ORDER]["subtotal"]) == (
        Decimal("5.00"),
        Decimal("25.00"),
        Decimal("25.00"),
    )
