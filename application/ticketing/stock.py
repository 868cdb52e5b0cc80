"""The stock of an Event: which quotas an order moves, always all of them or none (T7)."""

from __future__ import annotations

from uuid import UUID

from application.unit import Unit
from domain.events.event import Event
from domain.ticketing.order import Order
from domain.ticketing.quota import Quota, QuotaKind, quota_id


def open_quota(unit: Unit, kind: QuotaKind, event_id: UUID, of: UUID, total: int) -> Quota:
    """Limit the seats of a category or pool, or the persons of an Event."""
    quota = Quota.open(
        id=quota_id(of), organization_id=unit.organization_id, event_id=event_id, kind=kind, of=of, total=total, now=unit.now
    )
    unit.add(quota)
    return quota


def quota_of(unit: Unit, of: UUID) -> Quota:
    """The quota of a category, a pool or an Event that is known to have one."""
    return unit.get(Quota, quota_id(of))


def resize_capacity(unit: Unit, event_id: UUID, max_capacity: int | None) -> None:
    """Follow a change of the Event's capacity; refused with `BelowCommitted` when more are sold or held (E4)."""
    quota = unit.find(Quota, quota_id(event_id))
    if quota is not None and max_capacity is not None:
        quota.resize(max_capacity, now=unit.now)


def hold(unit: Unit, event: Event, order: Order, holder: str | None) -> None:
    """Take the order's seats out of sale; refused with `SoldOut` (T8), `TooManyHolds` (T7)."""
    # While an Event is planned its capacity may come and go, later it stays: the first order opens the quota.
    if event.max_capacity is not None and order.persons and unit.find(Quota, quota_id(event.id)) is None:
        open_quota(unit, "capacity", event.id, event.id, event.max_capacity)
    for of, quantity in order.stock().items():
        quota_of(unit, of).reserve(order.id, quantity, holder=holder, now=unit.now)


def sell(unit: Unit, order: Order) -> None:
    """Make the order's hold a sale."""
    for of in order.stock():
        quota_of(unit, of).confirm(order.id, now=unit.now)


def release(unit: Unit, order: Order) -> None:
    """End the order's hold."""
    for of in order.stock():
        quota_of(unit, of).release(order.id, now=unit.now)


def give_back(unit: Unit, order: Order) -> None:
    """Return what the order had bought."""
    for of, quantity in order.stock().items():
        quota_of(unit, of).give_back(quantity, order_id=order.id, now=unit.now)
