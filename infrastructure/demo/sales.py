"""The sales: orders in every state that an order can be in without a payment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from client import commands
from infrastructure.demo.material import BUYERS, Person
from infrastructure.demo.programme import HOLD_MINUTES, Show
from infrastructure.demo.story import Story

_FORGOTTEN: Final = Person("Arno Weiss", "post.example")


class _Order(NamedTuple):
    """What somebody orders, and what becomes of it."""

    tickets: tuple[tuple[str, int], ...]
    end: Literal["held", "confirmed", "cancelled", "deleted"]
    channel: commands.SalesChannel
    gift: str | None = None
    """What is given for each ticket, where that is the buyer's choice."""


_ORDERS: Final = (
    _Order((("Community", 1),), "confirmed", "web"),
    _Order((("Regular", 2), ("Workshop", 1)), "held", "web"),
    _Order((("Supporter", 1),), "held", "web", gift="40.00"),
    _Order((("Regular", 1),), "cancelled", "box_office"),
    _Order((("Community", 2), ("Speakers", 1)), "confirmed", "api"),
    _Order((("Regular", 4),), "deleted", "web"),
)
_CAMPAIGNS: Final = ("newsletter", "spring", "friends")


async def tell_sales(story: Story, shows: Mapping[str, Show]) -> None:
    """Everybody orders something somewhere; one does not come to an end in time, another asks to be forgotten."""
    selling = [show for show in shows.values() if show.sells]
    for number, show in enumerate(selling):
        for turn, order in enumerate(_ORDERS):
            await _tell_order(story, show, order, BUYERS[(number + turn) % len(BUYERS)])
    await _tell_late_one(story, shows["stackconf"])
    await _tell_order(story, selling[0], _ORDERS[0], _FORGOTTEN)
    await story.tell("somebody is forgotten", commands.ErasePerson(email=_FORGOTTEN.email))


async def _tell_order(story: Story, show: Show, order: _Order, buyer: Person) -> None:
    name = f"{buyer.name} at {show.name}"
    by_web = order.channel == "web"
    lines = tuple(
        commands.LineRequest(ticket_category_id=show.categories[category], quantity=quantity, unit_price=order.gift)
        for category, quantity in order.tickets
    )
    placed = commands.PlaceOrder(
        event_id=show.id,
        lines=lines,
        sales_channel=order.channel,
        customer_email=buyer.email,
        customer_name=buyer.name,
        customer_phone=None if by_web else "+49 30 000000",
        utm_source=_CAMPAIGNS[len(name) % len(_CAMPAIGNS)] if by_web else None,
        utm_medium="email" if by_web else None,
    )
    order_id = (await story.tell(f"order of {name}", placed)).id
    if order.end == "confirmed":
        await story.tell(f"confirm {name}", commands.ConfirmOrder(order_id=order_id))
    elif order.end != "held":
        await story.tell(f"cancel {name}", commands.CancelOrder(order_id=order_id, reason="Cannot come after all"))
        if order.end == "deleted":
            await story.tell(f"delete {name}", commands.DeleteOrder(order_id=order_id))


async def _tell_late_one(story: Story, show: Show) -> None:
    """A hold of a minute: whoever looks a little later sees it expired."""
    await story.tell("a pause", commands.CloseSales(event_id=show.id))
    await story.tell("short holds", commands.OpenSales(event_id=show.id, hold_minutes=1))
    await _tell_order(story, show, _Order((("Early bird", 1),), "held", "web"), BUYERS[-1])
    await story.tell("another pause", commands.CloseSales(event_id=show.id))
    await story.tell("long holds", commands.OpenSales(event_id=show.id, hold_minutes=HOLD_MINUTES))
