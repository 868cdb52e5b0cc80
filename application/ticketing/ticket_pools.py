"""Ticket pools: add, change, over-allocate."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from application.fields import Capacity, Id, Name, Quantity, Reason
from application.registry import Command, Reply, command
from application.ticketing.offices import office_of
from application.ticketing.stock import open_quota, quota_of
from application.unit import IdTaken, UnfitId, Unit
from domain.events.event import Event, EventIsFinal
from domain.patch import UNSET, UnsetType
from domain.refusals import NotFound
from domain.ticketing.box_office import BoxOffice, Pool
from domain.ticketing.quota import BelowCommitted, Quota, quota_id


class AddTicketPool(Command, frozen=True, kw_only=True):
    """Let ticket categories share a stock."""

    event_id: Id
    name: Name
    quantity_total: Capacity
    id: Id | None = None


class ChangeTicketPool(Command, frozen=True, kw_only=True):
    """Change a shared stock."""

    ticket_pool_id: Id
    name: Name | UnsetType = UNSET
    quantity_total: Capacity | UnsetType = UNSET


class OverAllocateTicketPool(Command, frozen=True, kw_only=True):
    """Sell more than the pool's total."""

    ticket_pool_id: Id
    quantity: Quantity
    reason: Reason


@command(
    "POST /events/{event_id}/ticket-pools",
    permission="tickets.manage",
    status=201,
    rules="E4 O1",
    refusals=(EventIsFinal, IdTaken, UnfitId),
    example={"name": "Main hall", "quantity_total": 900},
)
def add_ticket_pool(command: AddTicketPool, unit: Unit) -> Reply:
    """Let ticket categories share a stock.

    A category that names the pool draws on both: its own total and the pool's bind (E4).
    """
    event = unit.get(Event, command.event_id)
    event.require_open()
    pool_id = unit.resource_id(command.id, Quota.stream_type)
    pool = office_of(unit, event).add_pool(pool_id, command.name, command.quantity_total, now=unit.now)
    open_quota(unit, "pool", event.id, pool.id, pool.quantity_total)
    return _reply(pool)


@command(
    "PATCH /ticket-pools/{ticket_pool_id}",
    permission="tickets.manage",
    rules="E4",
    refusals=(BelowCommitted, EventIsFinal),
    example={"quantity_total": 950},
)
def change_ticket_pool(command: ChangeTicketPool, unit: Unit) -> Reply:
    """Change a shared stock; its total never falls below what is sold or held."""
    office, pool = _find(unit, command.ticket_pool_id)
    name = pool.name if command.name is UNSET else command.name
    total = pool.quantity_total if command.quantity_total is UNSET else command.quantity_total
    pool = office.change_pool(pool.id, name, total, now=unit.now)
    quota_of(unit, pool.id).resize(total, now=unit.now)
    return _reply(pool)


@command(
    "POST /ticket-pools/{ticket_pool_id}/over-allocate",
    permission="tickets.manage",
    rules="E4",
    refusals=(EventIsFinal,),
    example={"quantity": 5, "reason": "Extra chairs agreed with the venue"},
)
def over_allocate_ticket_pool(command: OverAllocateTicketPool, unit: Unit) -> Reply:
    """Let more tickets be sold than the pool's total says.

    Who sends it answers for it: the log names them as the approver, with the reason.
    """
    _, pool = _find(unit, command.ticket_pool_id)
    quota_of(unit, pool.id).over_allocate(command.quantity, reason=command.reason, approver=unit.principal.actor, now=unit.now)
    return _reply(pool)


class _Found(NamedTuple):
    office: BoxOffice
    pool: Pool


def _find(unit: Unit, pool_id: UUID) -> _Found:
    """The pool, by way of its quota, which knows the Event; the Event is not final, `If-Match` has been compared."""
    quota = unit.find(Quota, quota_id(pool_id))
    if quota is None:
        raise NotFound(what="ticket pool", id=str(pool_id))
    event = unit.get(Event, quota.event_id)
    office = office_of(unit, event)
    pool = office.pool(pool_id)
    unit.match(pool.version)
    event.require_open()
    return _Found(office, pool)


def _reply(pool: Pool) -> Reply:
    return Reply(id=pool.id, version=pool.version, collection="ticket_pools")
