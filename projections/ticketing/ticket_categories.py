"""Table `ticket_categories`: the terms of the box office; the counts come from the quotas."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, get_args

import msgspec
import sqlalchemy as sa

from application.ports import Record
from domain.ticketing.box_office import CategoryAdded, CategoryChanged, CategoryClosed
from domain.ticketing.category import AccessRule, CategoryTerms, TicketType, Visibility
from projections.audit.status_changes import status_change
from projections.changes import Change, Insert, Set
from projections.relational import RELATIONAL
from projections.schema import INSTANT, JSON, MONEY, choice, currency, read_table, reference

PERCENT = sa.Numeric(6, 3)

ticket_categories = read_table(
    "ticket_categories",
    reference("event_id", "events", on_delete="cascade", nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    choice("ticket_type", *get_args(TicketType)),
    sa.Column("price", MONEY, nullable=False),
    currency(),
    sa.Column("quantity_total", sa.Integer, nullable=False),
    sa.Column("quantity_sold", sa.Integer, nullable=False, default=0),
    sa.Column("quantity_reserved", sa.Integer, nullable=False, default=0),
    sa.Column("over_allocation", sa.Integer, nullable=False, default=0),
    reference("pool_id", "ticket_pools"),
    sa.Column("admits", sa.Integer, nullable=False),
    reference("companion_of", "ticket_categories"),
    sa.Column("min_per_order", sa.Integer, nullable=False),
    sa.Column("max_per_order", sa.Integer, nullable=False),
    sa.Column("sale_starts_at", INSTANT),
    sa.Column("sale_ends_at", INSTANT),
    choice("visibility", *get_args(Visibility)),
    sa.Column("benefits", JSON),
    sa.Column("restrictions", JSON),
    sa.Column("questions", JSON),
    sa.Column("tax_rate", PERCENT, nullable=False),
    sa.Column("tax_code", sa.Text),
    sa.Column("price_includes_tax", sa.Boolean, nullable=False),
    choice("access_rule", *get_args(AccessRule)),
    sa.Column("is_active", sa.Boolean, nullable=False, default=True),
    sa.Column("sort_order", sa.Integer, nullable=False),
    sa.CheckConstraint("quantity_sold >= 0 and quantity_reserved >= 0"),
    sa.CheckConstraint("quantity_sold + quantity_reserved <= quantity_total + over_allocation"),
)


@RELATIONAL.on(CategoryAdded)
def category_added(event: CategoryAdded, record: Record) -> Iterable[Change]:
    """A row for the category, with nothing sold."""
    whole = {"pool_id": event.pool_id, "admits": event.admits, "companion_of": event.companion_of}
    yield Insert(ticket_categories, event.category_id, {"event_id": event.event_id, **whole, **_columns(event.terms)})
    yield status_change(record, "ticket_category", event.category_id, "active", event_id=event.event_id)


@RELATIONAL.on(CategoryChanged)
def category_changed(event: CategoryChanged, _: Record) -> Iterable[Change]:
    """Other terms in the row."""
    yield Set(ticket_categories, event.category_id, _columns(event.terms))


@RELATIONAL.on(CategoryClosed)
def category_closed(event: CategoryClosed, record: Record) -> Iterable[Change]:
    """Not for sale any more."""
    yield Set(ticket_categories, event.category_id, {"is_active": False})
    yield status_change(record, "ticket_category", event.category_id, "closed", was="active", event_id=event.event_id)


def _columns(terms: CategoryTerms) -> dict[str, Any]:
    """Terms bear the names of their columns; a price is two."""
    return msgspec.structs.asdict(terms) | {"price": Decimal(str(terms.price)), "currency": terms.price.currency}
