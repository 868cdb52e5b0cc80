"""Quota: one aggregate for every limited number, never over its capacity."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

import msgspec
from immutables import Map

from domain.aggregate import Aggregate, Created, DomainEvent, part_id
from domain.refusals import Conflict, Invalid

QuotaKind = Literal["capacity", "category", "pool"]

HOLDS_PER_HOLDER = 10
"""So many holds of one customer may be live in one quota at a time (T7)."""


class SoldOut(Conflict, rule="T8"):
    """Of this {kind} only {left} are left."""


class BelowCommitted(Conflict, rule="E4"):
    """The total cannot be {total}: {committed} are sold or held."""


class TooManyHolds(Conflict, rule="T7"):
    """This customer holds {limit} orders already; pay or cancel one of them first."""


class HoldDiffers(Conflict, rule="T7"):
    """There is a live hold with this id over another quantity ({held})."""


class HoldEnded(Conflict, rule="T7"):
    """The hold has ended."""


class MoreThanSold(Conflict, rule="T8"):
    """{quantity} cannot be given back: {sold} are sold."""


class NotPositive(Invalid, rule="T8"):
    """A quantity is at least 1."""


class Hold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """So many, kept for someone for a while."""

    quantity: int
    holder: str | None = None


class QuotaOpened(Created):
    """A number is limited from here on. `sold` were taken before it was."""

    type_name = "quota.opened"
    event_id: UUID
    kind: QuotaKind
    of: UUID
    total: int
    sold: int = 0


class QuotaResized(DomainEvent):
    """The total is another."""

    type_name = "quota.resized"
    kind: QuotaKind
    of: UUID
    total: int

    def apply(self, aggregate: Quota) -> None:
        aggregate.total = self.total


class QuotaOverAllocated(DomainEvent):
    """`quantity` more than the total may be taken, for a reason that somebody answers for."""

    type_name = "quota.over_allocated"
    kind: QuotaKind
    of: UUID
    quantity: int
    reason: str
    approver: str

    def apply(self, aggregate: Quota) -> None:
        aggregate.over += self.quantity


class QuotaReserved(DomainEvent):
    """A hold began."""

    type_name = "quota.reserved"
    kind: QuotaKind
    of: UUID
    hold_id: UUID
    quantity: int
    holder: str | None = None

    def apply(self, aggregate: Quota) -> None:
        aggregate.holds = aggregate.holds.set(self.hold_id, Hold(self.quantity, self.holder))
        aggregate.reserved += self.quantity
        if self.holder is not None:
            aggregate.per_holder = aggregate.per_holder.set(self.holder, aggregate.per_holder.get(self.holder, 0) + 1)


class QuotaConfirmed(DomainEvent):
    """A hold ended: what it held is sold."""

    type_name = "quota.confirmed"
    kind: QuotaKind
    of: UUID
    hold_id: UUID
    quantity: int

    def apply(self, aggregate: Quota) -> None:
        _end_hold(aggregate, self.hold_id)
        aggregate.sold += self.quantity


class QuotaReleased(DomainEvent):
    """A hold ended: what it held is free again."""

    type_name = "quota.released"
    kind: QuotaKind
    of: UUID
    hold_id: UUID
    quantity: int

    def apply(self, aggregate: Quota) -> None:
        _end_hold(aggregate, self.hold_id)


class QuotaGivenBack(DomainEvent):
    """What the order `order_id` had bought is free again."""

    type_name = "quota.given_back"
    kind: QuotaKind
    of: UUID
    order_id: UUID
    quantity: int

    def apply(self, aggregate: Quota) -> None:
        aggregate.sold -= self.quantity


class Quota(Aggregate):
    """The seats of a ticket category or pool, or the persons that an Event admits.

    At every moment `available = total + over - sold - reserved`, and none of them is negative (T8, E4). It keeps live
    holds only: whether an order has given back what it bought is the order's to know. Every decision takes the same
    time whatever the number of holds.
    """

    stream_type = "quota"

    event_id: UUID
    kind: QuotaKind
    of: UUID
    total: int
    sold: int = 0
    over: int = 0
    reserved: int = 0
    holds: Map[UUID, Hold] = Map()
    per_holder: Map[str, int] = Map()
    """Live holds per holder."""

    @classmethod
    def open(
        cls,
        *,
        id: UUID,  # noqa: A002  # the field's name
        organization_id: UUID,
        event_id: UUID,
        kind: QuotaKind,
        of: UUID,
        total: int,
        now: datetime,
        sold: int = 0,
    ) -> Self:
        """Limit a number. `sold` are taken already; more than `total` is refused with `BelowCommitted` (E4)."""
        if total < sold:
            raise BelowCommitted(total=total, committed=sold)
        return cls.begin(
            QuotaOpened, id=id, now=now, organization_id=organization_id, event_id=event_id, kind=kind, of=of, total=total, sold=sold
        )

    @property
    def committed(self) -> int:
        """Sold or held."""
        return self.sold + self.reserved

    @property
    def available(self) -> int:
        """What can still be held."""
        return self.total + self.over - self.committed

    def holds_for(self, hold_id: UUID) -> int:
        """How many the hold keeps; 0 when it is not live."""
        live = self.holds.get(hold_id)
        return live.quantity if live is not None else 0

    def resize(self, total: int, *, now: datetime) -> None:
        """Set the total; never below what is committed (E4): `BelowCommitted`."""
        if total == self.total:
            return
        if total + self.over < self.committed:
            raise BelowCommitted(total=total, committed=self.committed)
        self.trigger(QuotaResized, now=now, kind=self.kind, of=self.of, total=total)

    def over_allocate(self, quantity: int, *, reason: str, approver: str, now: datetime) -> None:
        """Let `quantity` more than the total be taken (E4)."""
        _require_positive(quantity)
        self.trigger(QuotaOverAllocated, now=now, kind=self.kind, of=self.of, quantity=quantity, reason=reason, approver=approver)

    def reserve(self, hold_id: UUID, quantity: int, *, holder: str | None = None, now: datetime) -> None:
        """Hold `quantity`, or refuse with `SoldOut` (T8) or `TooManyHolds` (T7). The same hold twice is one fact.

        `holder` is a digest of the customer's e-mail or client address; without one, holds are not counted.
        """
        _require_positive(quantity)
        if live := self.holds.get(hold_id):
            if live.quantity != quantity:
                raise HoldDiffers(held=live.quantity)
            return
        if quantity > self.available:
            raise SoldOut(kind=self.kind, of=str(self.of), left=self.available)
        if holder is not None and self.per_holder.get(holder, 0) >= HOLDS_PER_HOLDER:
            raise TooManyHolds(limit=HOLDS_PER_HOLDER)
        self.trigger(QuotaReserved, now=now, kind=self.kind, of=self.of, hold_id=hold_id, quantity=quantity, holder=holder)

    def confirm(self, hold_id: UUID, *, now: datetime) -> None:
        """Sell what the hold keeps. Refused with `HoldEnded` when it is not live."""
        quantity = self._live(hold_id)
        self.trigger(QuotaConfirmed, now=now, kind=self.kind, of=self.of, hold_id=hold_id, quantity=quantity)

    def release(self, hold_id: UUID, *, now: datetime) -> None:
        """Free what the hold keeps. Refused with `HoldEnded` when it is not live, so stock returns once (T7)."""
        quantity = self._live(hold_id)
        self.trigger(QuotaReleased, now=now, kind=self.kind, of=self.of, hold_id=hold_id, quantity=quantity)

    def give_back(self, quantity: int, *, order_id: UUID, now: datetime) -> None:
        """Free what an order had bought. The order sees to it that this happens once (T7)."""
        _require_positive(quantity)
        if quantity > self.sold:
            raise MoreThanSold(quantity=quantity, sold=self.sold)
        self.trigger(QuotaGivenBack, now=now, kind=self.kind, of=self.of, order_id=order_id, quantity=quantity)

    def _live(self, hold_id: UUID) -> int:
        live = self.holds.get(hold_id)
        if live is None:
            raise HoldEnded
        return live.quantity


def quota_id(of: UUID) -> UUID:
    """The stream of the quota of a category, a pool or an Event."""
    return part_id(of, Quota.stream_type)


def _require_positive(quantity: int) -> None:
    if quantity < 1:
        raise NotPositive


def _end_hold(quota: Quota, hold_id: UUID) -> None:
    hold = quota.holds[hold_id]
    quota.holds = quota.holds.delete(hold_id)
    quota.reserved -= hold.quantity
    if hold.holder is None:
        return
    left = quota.per_holder[hold.holder] - 1
    quota.per_holder = quota.per_holder.set(hold.holder, left) if left else quota.per_holder.delete(hold.holder)
