"""The places: stadiums with their calendars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from client import commands
from infrastructure.demo.material import Person, Stadium, stadiums
from infrastructure.demo.story import Story

_DEMOLISHED: Final = "Boleyn Ground"
_CONTACTS: Final = ("Greta Hahn", "Oscar Bell", "Nuria Font", "Paul Mercier", "Iris Wolff")


async def tell_places(story: Story) -> Mapping[str, UUID]:
    """Venues, what they can do and whom to ask; one is given up, another is let for something else. Answers with the venue of each city."""
    open_, venues = {}, {}
    for number, stadium in enumerate(stadiums()):
        venues[stadium.name] = (await story.tell(f"venue {stadium.name}", _added(stadium, _CONTACTS[number % len(_CONTACTS)]))).id
        if stadium.name != _DEMOLISHED:
            open_[stadium.city] = venues[stadium.name]
    await story.tell("a venue is given up", commands.DeactivateVenue(venue_id=venues[_DEMOLISHED]))
    pricing = {"day": "18500.00", "half_day": "11000.00", "currency": "EUR"}
    await story.tell("prices of a venue", commands.UpdateVenue(venue_id=open_["Berlin"], pricing=pricing))
    await _tell_calendar(story, open_["Paris"])
    return open_


async def _tell_calendar(story: Story, venue_id: UUID) -> None:
    """A venue is being repaired; a day that was held is free again."""
    works = commands.BookVenue(venue_id=venue_id, starts_at=story.instant(days=5), ends_at=story.instant(days=8))
    await story.tell("the turf is laid", works)
    held = commands.BookVenue(venue_id=venue_id, starts_at=story.instant(days=15), ends_at=story.instant(days=16), exclusive=False)
    booking = await story.tell("a day is held", held)
    await story.tell("the day is free again", commands.ReleaseBooking(venue_id=venue_id, booking_id=booking.id))


def _added(stadium: Stadium, contact: str) -> commands.AddVenue:
    person = Person(contact, "stadiums.example")
    return commands.AddVenue(
        name=stadium.name,
        capacity=stadium.capacity,
        venue_type="stadium",
        address={
            "city": stadium.city,
            "country": stadium.country,
            "latitude": stadium.latitude,
            "longitude": stadium.longitude,
        },
        amenities=("step-free access", "wifi", "catering"),
        contact_info=commands.ContactInfo(name=person.name, email=person.email, phone="+49 30 000000"),
    )
