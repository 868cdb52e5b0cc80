"""The Python client against the real system."""

from __future__ import annotations

import asyncio
import csv
import re
import textwrap
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from client import Deleted, Operation, Problem, Reply, Retries, Row, Stagebook, commands, replies, rows
from tests.support.stack import Stack, Tenant

README = Path(__file__).parents[3] / "client" / "README.md"
HALL = commands.AddVenue(name="Hall", capacity=400)
GALA = commands.CreateEvent(name="Gala", starts_at="2099-06-12T19:30", ends_at="2099-06-13T02:00", online_url="https://gala.example")


@pytest.fixture
async def stagebook(tenant: Tenant) -> AsyncIterator[Stagebook]:
    """The owner of a new organization."""
    async with tenant.client() as client:
        yield client


async def test_the_first_example_of_the_readme_does_what_it_says(tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    example = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[0]
    source = f"async def main():\n{textwrap.indent(example, '    ')}"
    scope: dict[str, Any] = {}
    exec(source.replace("http://127.0.0.1:8080", tenant.url).replace("sbk_…", tenant.key), scope)  # noqa: S102  # our own text
    await scope["main"]()
    held, listed = capsys.readouterr().out.splitlines()
    assert held.split()[1] == "98.00"
    assert listed.split()[0] == held.split()[0]


async def test_what_was_written_is_read_at_once(stagebook: Stagebook) -> None:
    hall = await stagebook.send(HALL)
    for number in range(20):
        await stagebook.send(commands.UpdateVenue(venue_id=hall.id, name=f"Hall {number}"))
        assert (await stagebook.get(rows.Venue, hall.id)).name == f"Hall {number}"


async def test_t21_commands_are_done_once_although_the_api_is_killed_meanwhile(stack: Stack, tenant: Tenant) -> None:
    async with tenant.client(retries=Retries(attempts=12, first_pause=0.2, longest_pause=2.0)) as stagebook:
        sending = asyncio.gather(*(stagebook.send(commands.AddVenue(name=f"Hall {number}", capacity=5)) for number in range(60)))
        await asyncio.sleep(0.02)
        stack.kill("serve")
        made = await sending
        found = [venue.id async for venue in stagebook.list(rows.Venue)]
    assert sorted(found) == sorted(reply.id for reply in made)


async def test_t21_a_command_that_is_sent_again_gets_its_reply_again(stagebook: Stagebook) -> None:
    first = await stagebook.send(commands.IssueApiKey(name="Tablet"), idempotency_key="tablet")
    again = await stagebook.send(commands.IssueApiKey(name="Tablet"), idempotency_key="tablet")
    assert (again.id, again.position, again.replayed, again.key) == (first.id, first.position, True, None)
    assert first.key is not None


async def test_many_commands_each_on_its_own(stagebook: Stagebook) -> None:
    hall = await stagebook.send(HALL)
    bad = commands.BookVenue(venue_id=hall.id, starts_at="2099-01-01T12:00", ends_at="2099-01-01T10:00")
    answers = await stagebook.send_all([*(commands.AddVenue(name="Hall", capacity=n) for n in range(1, 600)), bad], atomic=False)
    assert all(isinstance(answer, Reply) for answer in answers[:-1])
    assert isinstance(answers[-1], Problem)
    assert answers[-1].code == "booking_ends_before_start"
    assert (await stagebook.page(rows.Venue, limit=1, count=True)).count == 600


async def test_many_commands_or_none(stagebook: Stagebook) -> None:
    event = await stagebook.send(GALA)
    with pytest.raises(Problem) as refused:
        await stagebook.send_all([commands.ConfirmEvent(event_id=event.id), commands.CompleteEvent(event_id=event.id)])
    assert (refused.value.code, refused.value.errors[0].pointer) == ("illegal_event_step", "/commands/1")
    assert (await stagebook.get(rows.Event, event.id)).status == "planning"
    steps = await stagebook.send_all([commands.ConfirmEvent(event_id=event.id), commands.GoLive(event_id=event.id)])
    assert [step.status for step in steps if isinstance(step, replies.EventState)] == ["confirmed", "live"]


async def test_an_older_version_is_refused(stagebook: Stagebook) -> None:
    hall = await stagebook.send(HALL)
    await stagebook.send(commands.UpdateVenue(venue_id=hall.id, name="Barn"), if_match=hall.version)
    with pytest.raises(Problem) as stale:
        await stagebook.send(commands.UpdateVenue(venue_id=hall.id, name="Shed"), if_match=hall.version)
    assert (stale.value.status, stale.value.code) == (412, "stale")


async def test_lists_are_filtered_sorted_and_complete(stagebook: Stagebook) -> None:
    await stagebook.send_all([commands.AddVenue(name=f"Hall {n}", capacity=n, venue_type="tent" if n % 2 else None) for n in range(1, 31)])
    large = [venue.capacity async for venue in stagebook.list(rows.Venue, filter={"capacity": {"gt": 10}}, sort="-capacity", limit=7)]
    assert large == list(range(30, 10, -1))
    plain = [venue async for venue in stagebook.list("venues", filter={"venue_type": None}, sort="name", fields=["capacity"])]
    assert sum(venue["capacity"] for venue in plain) == sum(range(2, 31, 2))
    some = await stagebook.page(rows.Venue, filter={"capacity": {"in": [3, 4, 99]}}, count=True)
    assert (some.count, some.next_cursor) == (2, None)


async def test_a_copy_follows_a_table(stagebook: Stagebook) -> None:
    halls = [(await stagebook.send(commands.AddVenue(name=name, capacity=400))).id for name in ("Hall", "Barn")]
    event = await stagebook.send(msgspec.structs.replace(GALA, venue_id=halls[0]))
    copy: dict[Any, rows.VenueBooking] = {}
    position = 0
    for venue in (None, halls[1], halls[0], None):
        if venue is not None:  # the booking moves away, and its id comes back with it
            await stagebook.send(commands.UpdateEvent(event_id=event.id, venue_id=venue))
        changes = stagebook.changes(rows.VenueBooking, after=position)
        async for change in changes:
            if isinstance(change, Deleted):
                copy.pop(change.id, None)
            else:
                copy[change.id] = change
        assert changes.position >= position
        position = changes.position
        assert copy == {row.id: row async for row in stagebook.list(rows.VenueBooking)}
    assert [booking.venue_id for booking in copy.values()] == [halls[0]]
    assert [change async for change in stagebook.changes(rows.VenueBooking, after=position)] == []


async def test_a_row_tells_its_past(stagebook: Stagebook) -> None:
    hall = await stagebook.send(HALL)
    await stagebook.send(commands.UpdateVenue(venue_id=hall.id, name="Barn"))
    steps = [step async for step in stagebook.history(rows.Venue, hall.id)]
    assert [(step.type, step.action) for step in steps] == [("venue.added", "inserted"), ("venue.details_changed", "changed")]
    assert steps[1].changes == {"name": "Barn"}
    assert (await stagebook.get(rows.Venue, hall.id, as_of=hall.position)).name == "Hall"
    assert (await stagebook.get(rows.Venue, hall.id, as_of=datetime.now(UTC) + timedelta(minutes=1))).name == "Barn"


async def test_exports_hold_what_was_written_before(stagebook: Stagebook) -> None:
    await stagebook.send(commands.AddVenue(name='The "Hall", with\na line', capacity=400))
    table = b"".join([chunk async for chunk in stagebook.export(rows.Venue, fields=["name", "capacity"])]).decode()
    assert list(csv.DictReader(table.splitlines(keepends=True))) == [{"name": 'The "Hall", with\na line', "capacity": "400"}]
    lines = b"".join([chunk async for chunk in stagebook.export("venues", "application/x-ndjson")]).splitlines()
    assert [msgspec.json.decode(line, type=rows.Venue).capacity for line in lines] == [400]


@pytest.mark.parametrize("kind", Row.__subclasses__(), ids=lambda kind: kind.__name__)
async def test_every_table_can_be_read(stagebook: Stagebook, kind: type[Row]) -> None:
    page = await stagebook.page(kind)
    assert all(isinstance(row, kind) for row in page.data)


async def test_amounts_keep_their_decimals(stagebook: Stagebook) -> None:
    event = await stagebook.send(GALA)
    offer = commands.AddTicketCategory(event_id=event.id, name="Stalls", quantity_total=10, price=Decimal("12.5"), tax_rate=Decimal("7.5"))
    found = await stagebook.get(rows.TicketCategory, (await stagebook.send(offer)).id)
    assert (str(found.price), found.tax_rate) == ("12.50", Decimal("7.5"))


async def test_work_in_the_background_is_waited_for(tenant: Tenant, stagebook: Stagebook) -> None:
    batch = {"atomic": False, "commands": [{"command": "add_venue", "name": f"Hall {n}", "capacity": 5} for n in range(40)]}
    accepted = tenant.post("/v1/batch", batch, prefer="respond-async")
    assert accepted.status_code == 202, accepted.text
    seen: list[Operation] = []
    ended = await stagebook.wait_for(UUID(accepted.json()["id"]), progress=seen.append)
    assert (ended.state, ended.done, ended.total, seen[-1]) == ("succeeded", 40, 40, ended)
