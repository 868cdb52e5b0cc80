"""The company: its settings, its people, their keys."""

from __future__ import annotations

from typing import Final, NamedTuple

from client import commands
from infrastructure.demo.material import Person
from infrastructure.demo.story import Story

NAME: Final = "Lakeside Conferences"
_HOST: Final = "lakeside.example"
OWNER: Final = Person("Hanna Seewald", _HOST)


class _Colleague(NamedTuple):
    name: str
    role: commands.Role
    skills: tuple[str, ...] = ()
    hourly_rate: str | None = None
    permissions: tuple[str, ...] = ()
    """Beyond those of the role."""

    @property
    def person(self) -> Person:
        return Person(self.name, _HOST)


_COLLEAGUES: Final = (
    _Colleague("Emil Nord", "admin"),
    _Colleague("Mara Feld", "event_director", ("programme", "negotiation"), "95.00"),
    _Colleague("Rafael Cruz", "producer", ("stage", "power", "rigging"), "78.00"),
    _Colleague("Aylin Demir", "marketing_manager", ("copy", "social media"), "64.00", ("orders.create",)),
    _Colleague("Signe Holm", "sales_manager", ("group bookings",), "60.00"),
    _Colleague("Jonas Brandt", "finance_manager", ("VAT",), "82.00"),
    _Colleague("Tom Okafor", "coordinator", ("volunteers", "first aid"), "38.50"),
    _Colleague("Lena Vogel", "member"),
    _Colleague("Petra Lang", "auditor"),
    _Colleague("Bruno Keil", "coordinator", ("box office",), "36.00"),
)
FORMER: Final = "Bruno Keil"
PROMOTED: Final = "Lena Vogel"


def founding() -> commands.CreateOrganization:
    """What the platform is told."""
    return commands.CreateOrganization(
        name=NAME,
        subscription_tier="pro",
        default_currency="EUR",
        timezone="Europe/Berlin",
        owner_email=OWNER.email,
        owner_name=OWNER.name,
        billing_info={"company": f"{NAME} GmbH", "street": "Uferweg 4", "postcode": "10115", "city": "Berlin", "country": "DE"},
    )


async def tell_company(story: Story) -> None:
    """Settings, a user of every role, keys for a shop and a box office; somebody has left, a key was withdrawn."""
    settings = {"locale": "en", "week_starts_on": "monday", "brand_colour": "#0b6e99"}
    await story.tell("settings", commands.UpdateOrganization(organization_id=story.begun.organization_id, settings=settings))
    users = {colleague.name: (await story.tell(f"user {colleague.name}", _added(colleague))).id for colleague in _COLLEAGUES}
    await story.tell("promotion", commands.ChangeUserRole(user_id=users[PROMOTED], role="producer"))
    shop = commands.IssueApiKey(name="Shop", scopes=("data.read", "orders.create"), user_id=users["Signe Holm"])
    await story.tell("key of the shop", shop)
    door = commands.IssueApiKey(name="Box office tablet", scopes=("data.read", "check_ins.create"), user_id=users["Tom Okafor"])
    await story.tell("key of the box office", door)
    lost = await story.tell("key that is lost", commands.IssueApiKey(name="Old spreadsheet", scopes=("data.read",), user_id=users[FORMER]))
    await story.tell("key is revoked", commands.RevokeApiKey(key_id=lost.id))
    await story.tell("somebody leaves", commands.DeactivateUser(user_id=users[FORMER]))


def _added(colleague: _Colleague) -> commands.AddUser:
    return commands.AddUser(
        email=colleague.person.email,
        full_name=colleague.name,
        role=colleague.role,
        skills=colleague.skills,
        hourly_rate=colleague.hourly_rate,
        permissions=colleague.permissions,
    )
