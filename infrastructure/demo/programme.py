"""The programme: conferences in every state that an Event can be in, and what is offered at them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal, NamedTuple
from uuid import UUID

from client import commands
from infrastructure.demo.material import Conference, conferences, stadiums
from infrastructure.demo.story import Story

HOLD_MINUTES: Final = 1440
_NOTICE_DAYS: Final = 28
"""The earliest conference begins so many days after today."""


class _Plan(NamedTuple):
    """What becomes of a conference."""

    end: Literal["planning", "on sale", "live", "completed", "postponed", "rescheduled", "cancelled"]
    capacity: int
    price: str
    tags: tuple[str, ...]
    days: tuple[float, float] | None = None
    """Begin and end counted from today, of one that is on now; else its own dates, in a year to come."""


_PLANS: Final = {
    "PyCon DE & PyData Berlin": _Plan("on sale", 1200, "420.00", ("python", "data")),
    "stackconf": _Plan("on sale", 400, "499.00", ("infrastructure",)),
    "GopherCon UK": _Plan("on sale", 800, "375.00", ("go",)),
    "Spring I/O": _Plan("on sale", 1500, "350.00", ("java",)),
    "Conf42 Python": _Plan("on sale", 5000, "15.00", ("python", "online")),
    "FOSS Backstage": _Plan("live", 300, "290.00", ("open source",), (-1, 1.5)),
    "SmashingConf Freiburg": _Plan("completed", 450, "649.00", ("design", "css"), (-2, 0.5)),
    "Code BEAM Coruña": _Plan("postponed", 250, "260.00", ("erlang", "elixir")),
    "dotPy": _Plan("rescheduled", 600, "199.00", ("python",)),
    "JoomlaDay DACH": _Plan("cancelled", 200, "89.00", ("php",)),
    "droidcon London": _Plan("planning", 1000, "395.00", ("android",)),
    "SwiftLeeds": _Plan("planning", 350, "250.00", ("ios",)),
}


class Show(NamedTuple):
    """A conference that was told."""

    name: str
    id: UUID
    starts_at: datetime
    """Local, without an offset; of one that is on now, with it."""
    ends_at: datetime
    venue_id: UUID | None
    seats: UUID
    categories: Mapping[str, UUID]

    @property
    def sells(self) -> bool:
        """Tickets were on sale at some time."""
        return _PLANS[self.name].end != "planning"


async def tell_programme(story: Story, venues: Mapping[str, UUID]) -> Mapping[str, Show]:
    """Plan every conference, and put on sale those that are far enough. Answers with them by name."""
    shows = {name: await _planned(story, conference, venues) for name, conference in conferences().items()}
    for show in filter(lambda show: show.sells, shows.values()):
        await story.tell(f"confirm {show.name}", commands.ConfirmEvent(event_id=show.id))
        await story.tell(f"sell {show.name}", commands.OpenSales(event_id=show.id, hold_minutes=HOLD_MINUTES))
    await _tell_second_thoughts(story, shows)
    return shows


async def tell_ends(story: Story, shows: Mapping[str, Show]) -> None:
    """Bring every conference to where it ends for now."""
    for show in shows.values():
        match _PLANS[show.name].end:
            case "live" | "completed" as end:
                await story.tell(f"doors of {show.name}", commands.GoLive(event_id=show.id))
                if end == "completed":
                    await story.tell(f"end of {show.name}", commands.CompleteEvent(event_id=show.id))
            case "postponed" | "rescheduled" as end:
                postponed = commands.PostponeEvent(event_id=show.id, reason="The venue's roof is being repaired")
                await story.tell(f"postpone {show.name}", postponed)
                if end == "rescheduled":
                    await story.tell(f"new dates of {show.name}", _later(show))
            case "cancelled":
                await story.tell(f"cancel {show.name}", commands.CancelEvent(event_id=show.id, reason="Too few talks were handed in"))


async def _planned(story: Story, conference: Conference, venues: Mapping[str, UUID]) -> Show:
    """The Event, in its venue or online, with what is offered at it."""
    plan = _PLANS[conference.name]
    country = next((stadium.country for stadium in stadiums() if stadium.city == conference.city), None)
    venue_id = None if conference.city is None else venues[conference.city]
    starts_at, ends_at = _times(story, conference, plan)
    event = commands.CreateEvent(
        name=conference.name,
        starts_at=starts_at,
        ends_at=ends_at,
        timezone=story.timezone_of(country),
        currency="GBP" if country == "England" else "EUR",
        event_type="virtual" if venue_id is None else "in_person",
        visibility="private" if plan.end == "planning" else "public",
        description=f"{conference.name}, in {conference.city or 'your browser'}.",
        venue_id=venue_id,
        online_url=conference.url if venue_id is None else None,
        max_capacity=plan.capacity,
        tags=plan.tags,
        social_links={"website": conference.url},
    )
    event_id = (await story.tell(f"plan {conference.name}", event)).id
    pool = commands.AddTicketPool(event_id=event_id, name="Seats", quantity_total=plan.capacity // 2)
    seats = (await story.tell(f"seats of {conference.name}", pool)).id
    categories = await _offered(story, conference.name, event_id, seats, plan)
    return Show(conference.name, event_id, starts_at, ends_at, venue_id, seats, categories)


def _times(story: Story, conference: Conference, plan: _Plan) -> tuple[datetime, datetime]:
    """From nine to six in the city's own time; of a conference that is on now, counted from now."""
    if plan.days is not None:
        return story.instant(days=plan.days[0]), story.instant(days=plan.days[1])
    first, last = conference.days_after(story.today + timedelta(days=_NOTICE_DAYS))
    return datetime(first.year, first.month, first.day, 9), datetime(last.year, last.month, last.day, 18)  # noqa: DTZ001  # local on purpose


async def _offered(story: Story, name: str, event_id: UUID, seats: UUID, plan: _Plan) -> Mapping[str, UUID]:
    """Ticket categories: two on a shared stock, a free one, a hidden one, a donation, and a workshop that goes with a regular ticket."""
    kind = partial(commands.AddTicketCategory, event_id=event_id)
    share = plan.capacity // 3
    offers = [
        kind(name="Regular", price=plan.price, quantity_total=share, pool_id=seats, tax_rate="19", benefits={"lunch": True}),
        kind(name="Early bird", price="9.90", quantity_total=share, pool_id=seats, tax_rate="19", sort_order=1),
        kind(name="Community", ticket_type="free", quantity_total=plan.capacity // 5, max_per_order=2, sort_order=2),
        kind(name="Speakers", ticket_type="free", quantity_total=40, visibility="hidden", access_rule="daily", sort_order=3),
        kind(name="Supporter", ticket_type="donation", price="5.00", quantity_total=25, sort_order=4),
    ]
    categories = {offer.name: (await story.tell(f"{offer.name} of {name}", offer)).id for offer in offers}
    workshop = kind(
        name="Workshop", price="90.00", quantity_total=30, admits=0, companion_of=categories["Regular"], tax_rate="19", sort_order=5
    )
    return categories | {"Workshop": (await story.tell(f"workshop of {name}", workshop)).id}


async def _tell_second_thoughts(story: Story, shows: Mapping[str, Show]) -> None:
    """Plans change: another price, more places than there were, a stock that grows, a category that ends, a draft that goes."""
    show = shows["PyCon DE & PyData Berlin"]
    regular, seats = show.categories["Regular"], show.seats
    await story.tell("another price", commands.ChangeTicketCategory(ticket_category_id=regular, price="440.00"))
    more = commands.OverAllocateTicketCategory(ticket_category_id=regular, quantity=20, reason="Two percent never come")
    await story.tell("more tickets than there are", more)
    await story.tell("more seats", commands.ChangeTicketPool(ticket_pool_id=seats, quantity_total=700))
    many = commands.OverAllocateTicketPool(ticket_pool_id=seats, quantity=10, reason="The gallery has standing places")
    await story.tell("more seats than there are", many)
    early = shows["GopherCon UK"].categories["Early bird"]
    await story.tell("no early bird any more", commands.CloseTicketCategory(ticket_category_id=early))
    news = commands.UpdateEvent(event_id=show.id, custom_fields={"code_of_conduct": "https://lakeside.example/conduct"})
    await story.tell("a code of conduct", news)
    await _tell_rehearsal(story, show)
    draft = commands.CreateEvent(name="Untitled draft", starts_at=show.starts_at, ends_at=show.ends_at)
    await story.tell("the draft goes", commands.DeleteEvent(event_id=(await story.tell("a draft", draft)).id))


async def _tell_rehearsal(story: Story, show: Show) -> None:
    """The stage is set up on the day before."""
    if show.venue_id is not None:
        eve = show.starts_at - timedelta(days=1)
        rehearsal = commands.BookVenue(venue_id=show.venue_id, event_id=show.id, starts_at=eve, ends_at=eve + timedelta(hours=10))
        await story.tell("rehearsal", rehearsal)


def _later(show: Show) -> commands.RescheduleEvent:
    two_weeks = timedelta(weeks=2)
    return commands.RescheduleEvent(event_id=show.id, starts_at=show.starts_at + two_weeks, ends_at=show.ends_at + two_weeks)
