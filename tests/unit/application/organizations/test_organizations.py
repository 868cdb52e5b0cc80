"""Commands of organizations (O1, O4, O5, O10)."""

from __future__ import annotations

import msgspec
import pytest

from application.events.events import CreateEvent
from application.events.life_cycle import ConfirmEvent, GoLive
from application.events.settlement import EventNotSettled
from application.organizations.organizations import (
    DeleteOrganization,
    ResumeOrganization,
    SuspendOrganization,
    UpdateOrganization,
)
from application.principal import PLATFORM, system
from application.slugs import SlugTaken
from application.ticketing.box_offices import OpenSales
from application.ticketing.orders import CancelOrder
from application.unit import IdTaken, UnfitId
from domain.local_time import UnknownTimeZone
from domain.money import UnknownCurrency
from domain.organizations.api_key import ApiKey, ApiKeyIssued
from domain.organizations.facts import (
    OrganizationBillingChanged,
    OrganizationCreated,
    OrganizationDeleted,
    OrganizationDetailsChanged,
    OrganizationResumed,
    OrganizationSuspended,
    UserAdded,
)
from domain.organizations.organization import OrganizationIsSuspended
from domain.refusals import NotFound, Stale
from domain.ticketing.box_office import box_office_id
from tests.support.given import ORG, SYSTEM, fact, given, uid
from tests.support.tenant import FOUND, tenant
from tests.support.ticketing import EVENT, ORDER, ORGANIZATION, category, place

OTHER = uid(2)
GALA = CreateEvent(id=EVENT, name="Gala", starts_at="2027-06-12T19:30", ends_at="2027-06-12T23:00", online_url="https://gala.example")


def test_an_organization_begins_with_its_owner_and_a_key_shown_once() -> None:
    world = given(principal=PLATFORM).when(FOUND)
    world.then(
        [
            fact(OrganizationCreated, of=ORG, name="Harbour Stage", slug="harbour-stage", default_currency="EUR"),
            fact(UserAdded, of=ORG, role="owner", email="ada@harbour.example"),
            fact(ApiKeyIssued, scopes=("*",)),
        ]
    )
    key = world.get(ApiKey, msgspec.convert(world.reply.data["owner_key_id"], type(ORG)))
    prefix, key_id, secret = world.reply.secrets["owner_key"].split("_", 2)
    assert (prefix, key_id) == ("sbk", key.id.hex)
    assert key.opens_with(secret)
    assert not key.opens_with(secret + "x")
    assert secret not in repr(world.events), "a secret never reaches the log"


def test_o10_a_slug_is_unique_on_the_platform() -> None:
    world = given([FOUND], principal=PLATFORM)
    world.when(msgspec.structs.replace(FOUND, id=OTHER, slug="harbour-stage")).then_refused(SlugTaken)
    world.when(msgspec.structs.replace(FOUND, id=OTHER)).then([fact(OrganizationCreated, of=OTHER), UserAdded, ApiKeyIssued])
    assert world.reply.data["slug"].startswith("harbour-stage-")


def test_o10_a_slug_that_was_given_up_stays_with_its_organization() -> None:
    world = tenant().when(UpdateOrganization(organization_id=ORG, slug="quay"))
    world.then([fact(OrganizationDetailsChanged, of=ORG, slug="quay")])
    world.by(PLATFORM).when(msgspec.structs.replace(FOUND, id=OTHER, slug="harbour-stage")).then_refused(SlugTaken)
    world.by(SYSTEM).when(UpdateOrganization(organization_id=ORG, slug="harbour-stage")).then([OrganizationDetailsChanged])


def test_o1_an_organization_is_not_there_for_others() -> None:
    world = given([FOUND, msgspec.structs.replace(FOUND, id=OTHER)], principal=PLATFORM).by(system("test", OTHER))
    world.when(UpdateOrganization(organization_id=ORG, name="Mine")).then_refused(NotFound)
    world.when(DeleteOrganization(organization_id=ORG)).then_refused(NotFound)


def test_o1_an_id_that_is_in_use_is_refused() -> None:
    given([FOUND], principal=PLATFORM).when(msgspec.structs.replace(FOUND, slug="other")).then_refused(IdTaken)


@pytest.mark.parametrize("unfit", [box_office_id(EVENT), type(ORG)(int=0)])
def test_o1_an_id_that_could_be_computed_is_refused(unfit: object) -> None:
    """Else somebody could take the stream of another organization's box office."""
    given(principal=PLATFORM).when(msgspec.structs.replace(FOUND, id=unfit)).then_refused(UnfitId)


def test_o5_the_currency_is_one_of_iso_4217() -> None:
    given(principal=PLATFORM).when(msgspec.structs.replace(FOUND, default_currency="XXX")).then_refused(UnknownCurrency)


def test_what_is_left_out_stays() -> None:
    world = tenant().when(UpdateOrganization(organization_id=ORG, timezone="Europe/Paris"))
    assert world.events[0].name is msgspec.UNSET  # type: ignore[attr-defined]  # a field of the event
    world.when(UpdateOrganization(organization_id=ORG)).then([])
    world.when(UpdateOrganization(organization_id=ORG, timezone="Mars/Olympus")).then_refused(UnknownTimeZone)


def test_a_stale_version_is_refused_and_users_do_not_count() -> None:
    world = tenant().when(UpdateOrganization(organization_id=ORG, name="A"), if_match=1)
    assert world.reply.version == 3, "after the creation and the owner"
    world.when(UpdateOrganization(organization_id=ORG, name="B"), if_match=1).then_refused(Stale, version=3, expected=1)


def test_billing_information_is_sealed_under_a_key_of_the_organization() -> None:
    world = tenant().when(UpdateOrganization(organization_id=ORG, billing_info={"attention": "Ada"}))
    key = world.state.person_key(ORG, f"organization:{ORG}")
    world.then([fact(OrganizationBillingChanged, billing=key, billing_info={"attention": "Ada"})])


def test_o4_nothing_is_published_while_suspended() -> None:
    world = tenant().when(GALA).by(PLATFORM)
    world.when(SuspendOrganization(organization_id=ORG, reason="unpaid")).then([fact(OrganizationSuspended, reason="unpaid")])
    world.when(SuspendOrganization(organization_id=ORG, reason="again")).then([])
    world.by(SYSTEM).when(ConfirmEvent(event_id=EVENT)).then_refused(OrganizationIsSuspended)
    world.by(PLATFORM).when(ResumeOrganization(organization_id=ORG)).then([OrganizationResumed])
    world.by(SYSTEM).when(ConfirmEvent(event_id=EVENT)).succeeded()
    world.by(PLATFORM).when(SuspendOrganization(organization_id=ORG, reason="unpaid")).succeeded()
    world.by(SYSTEM).when(GoLive(event_id=EVENT)).then_refused(OrganizationIsSuspended)


def test_o4_an_organization_is_deleted_and_then_unknown() -> None:
    world = tenant().when(DeleteOrganization(organization_id=ORG)).then([fact(OrganizationDeleted, of=ORG)])
    world.when(UpdateOrganization(organization_id=ORG, name="Back")).then_refused(NotFound)
    world.when(DeleteOrganization(organization_id=ORG)).then_refused(NotFound)


def test_o4_an_organization_with_unsettled_orders_is_not_deleted() -> None:
    world = given([ORGANIZATION, GALA, ConfirmEvent(event_id=EVENT), category(), OpenSales(event_id=EVENT), place()])
    world.when(DeleteOrganization(organization_id=ORG)).then_refused(EventNotSettled, committed=2)
    world.when(CancelOrder(order_id=ORDER)).when(DeleteOrganization(organization_id=ORG)).then([OrganizationDeleted])
