"""An order: a hold with a price and an end, which is confirmed, cancelled or expires."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple, Self
from uuid import UUID

from domain.aggregate import Aggregate, Created, DomainEvent
from domain.money import Money
from domain.personal import Personal
from domain.refusals import Conflict, Invalid
from domain.ticketing.order_line import OrderLine, total_of

OrderStatus = Literal["pending", "confirmed", "expired", "cancelled"]
SalesChannel = Literal["web", "box_office", "api", "import"]


class Customer(NamedTuple):
    """Whom an order is for; at the door that may be nobody in particular. Personal data, all of it but the key."""

    key: UUID | None = None
    """The person's key, from `unit.person`; needed as soon as one of the others is known."""
    email: str | None = None
    name: str | None = None
    phone: str | None = None


class Referral(NamedTuple):
    """Which campaign brought the customer."""

    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None


NOBODY = Customer()
UNREFERRED = Referral()


class NothingOrdered(Invalid, rule="T7", pointer="/lines"):
    """An order has at least one line."""


class HoldExpired(Conflict, rule="T7"):
    """The hold ended at {hold_expires_at}."""


class HoldNotExpired(Conflict, rule="T7"):
    """The hold lives until {hold_expires_at}."""


class PaymentRequired(Conflict, rule="T10"):
    """The order is confirmed by paying it: {total_amount} {currency} are due."""


class IllegalOrderStatus(Conflict, rule="T11"):
    """The order is {status}."""


class OrderNotDeletable(Conflict, rule="T22"):
    """Only an expired or cancelled order can be deleted; this one is {status}."""


class OrderPlaced(Created):
    """Stock is held for a customer, at prices fixed until `hold_expires_at` (T5). Amounts in minor units of `currency`."""

    type_name = "order.placed"
    event_id: UUID
    order_number: str
    sales_channel: SalesChannel
    currency: str
    lines: tuple[OrderLine, ...]
    net: int
    tax: int
    total: int
    hold_expires_at: datetime
    persons: int = 0
    """How many count against the Event's capacity; 0 where it has none."""
    customer: UUID | None = None
    """Key of the person that the order is for."""
    customer_email: Personal[str | None, "customer"] = None
    customer_name: Personal[str | None, "customer"] = None
    customer_phone: Personal[str | None, "customer"] = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None


class OrderConfirmed(DomainEvent):
    """What was held is sold."""

    type_name = "order.confirmed"
    event_id: UUID

    def apply(self, aggregate: Order) -> None:
        aggregate.status = "confirmed"


class OrderCancelled(DomainEvent):
    """The order is off; its stock is free again."""

    type_name = "order.cancelled"
    event_id: UUID
    was: OrderStatus
    reason: str | None = None

    def apply(self, aggregate: Order) -> None:
        aggregate.status = "cancelled"


class OrderExpired(DomainEvent):
    """The hold ended without a confirmation; its stock is free again."""

    type_name = "order.expired"
    event_id: UUID

    def apply(self, aggregate: Order) -> None:
        aggregate.status = "expired"


class OrderDeleted(DomainEvent):
    """The order is gone from the read models; the log keeps it."""

    type_name = "order.deleted"
    event_id: UUID

    def apply(self, aggregate: Order) -> None:
        aggregate.deleted = True


class Order(Aggregate):
    """What a customer holds or has bought.

    pending → confirmed | cancelled | expired; confirmed → cancelled. Any other move is refused (T11). Confirming,
    cancelling and expiring race for one status, so stock moves once (T7).
    """

    stream_type = "order"

    event_id: UUID
    order_number: str
    currency: str
    lines: tuple[OrderLine, ...]
    total: int
    hold_expires_at: datetime
    persons: int = 0
    status: OrderStatus = "pending"

    @classmethod
    def place(
        cls,
        *,
        id: UUID,  # noqa: A002  # the field's name
        organization_id: UUID,
        event_id: UUID,
        order_number: str,
        sales_channel: SalesChannel,
        currency: str,
        lines: tuple[OrderLine, ...],
        counts_persons: bool,
        hold_expires_at: datetime,
        now: datetime,
        customer: Customer = NOBODY,
        referral: Referral = UNREFERRED,
    ) -> Self:
        """Fix prices and totals until `hold_expires_at` (T5). The stock is the quotas' to hold, in the same unit (T7).

        `counts_persons`: the Event has a capacity (E4).
        """
        if not lines:
            raise NothingOrdered
        totals = total_of(lines, currency)
        return cls.begin(
            OrderPlaced,
            id=id,
            now=now,
            organization_id=organization_id,
            event_id=event_id,
            order_number=order_number,
            sales_channel=sales_channel,
            currency=currency,
            lines=lines,
            net=totals.net,
            tax=totals.tax,
            total=totals.gross,
            hold_expires_at=hold_expires_at,
            persons=sum(line.persons for line in lines) if counts_persons else 0,
            customer=customer.key,
            customer_email=customer.email,
            customer_name=customer.name,
            customer_phone=customer.phone,
            **referral._asdict(),
        )

    def stock(self) -> dict[UUID, int]:
        """How many it takes of each quota: of categories, of pools, of the Event's capacity, by their ids."""
        taken: dict[UUID, int] = {self.event_id: self.persons} if self.persons else {}
        for line in self.lines:
            for of in (line.ticket_category_id, line.pool_id):
                if of is not None:
                    taken[of] = taken.get(of, 0) + line.quantity
        return taken

    def confirm_free(self, *, now: datetime) -> None:
        """Sell without a payment provider what costs nothing (T10). Refused with `PaymentRequired` when money is due."""
        self._require("pending")
        self._require_live(now)
        if self.total:
            raise PaymentRequired(total_amount=str(Money(self.total, self.currency)), currency=self.currency)
        self.trigger(OrderConfirmed, now=now, event_id=self.event_id)

    def cancel(self, *, reason: str | None, now: datetime) -> None:
        """Call a live hold or a confirmed order off. A hold past its end is refused with `HoldExpired` (T7)."""
        self._require("pending", "confirmed")
        if self.status == "pending":
            self._require_live(now)
        self.trigger(OrderCancelled, now=now, event_id=self.event_id, was=self.status, reason=reason)

    def expire(self, *, now: datetime) -> None:
        """End a hold whose time has come (T7): `now >= hold_expires_at`. Refused with `HoldNotExpired` before."""
        self._require("pending")
        if now < self.hold_expires_at:
            raise HoldNotExpired(hold_expires_at=self.hold_expires_at.isoformat())
        self.trigger(OrderExpired, now=now, event_id=self.event_id)

    def delete(self, *, now: datetime) -> None:
        """Remove an expired or cancelled order from the read models (T22)."""
        if self.status not in ("expired", "cancelled"):
            raise OrderNotDeletable(status=self.status)
        self.trigger(OrderDeleted, now=now, event_id=self.event_id)

    def _require(self, *allowed: OrderStatus) -> None:
        if self.status not in allowed:
            raise IllegalOrderStatus(status=self.status)

    def _require_live(self, now: datetime) -> None:
        if now >= self.hold_expires_at:
            raise HoldExpired(hold_expires_at=self.hold_expires_at.isoformat())
