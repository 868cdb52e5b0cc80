"""A few commands, a bus and a read store in memory: the HTTP layer without anything below it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, TypeVar
from uuid import UUID

import httpx
import msgspec
import sqlalchemy as sa
from litestar import Litestar
from msgspec import Meta
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from application.bus.messages import IdempotencyMismatch, Outcome, Request
from application.principal import Principal
from application.reading import Export, Form, Found, Sink
from application.registry import Command, CommandSpec, Reply
from application.unit import Unit
from domain.aggregate import Aggregate
from domain.organizations.api_key import ApiKey, key_text
from domain.refusals import REFUSALS, Conflict, Forbidden, NotFound, Refusal, Unauthenticated
from tests.support.memory import MemoryCodec

NOW = datetime(2027, 6, 12, 19, 30, tzinfo=UTC)
ORGANIZATION = UUID(int=0xA)
OTHER_ORGANIZATION = UUID(int=0xB)
USER = UUID(int=0xC)
KEY_ID = UUID(int=0xD)
SECRET = "correct-horse_battery"  # noqa: S105
KEY = key_text(KEY_ID, SECRET)
PLATFORM_KEY = "sbp_platform"
PLATFORM_KEY_SHA256 = sha256(PLATFORM_KEY.encode()).hexdigest()
EVENT = UUID(int=0xE)

T = TypeVar("T")

_known = dict(REFUSALS)


class StockGone(Conflict, rule="T8", pointer="/quantity"):
    """Only {left} are left."""


REFUSALS.clear()
REFUSALS.update(_known)


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    count: Annotated[int, Meta(ge=1, le=100)] = 1


class Reserve(Command, frozen=True, kw_only=True):
    event_id: UUID
    quantity: int
    customer_email: Annotated[str, Meta(max_length=100)] = ""
    lines: tuple[Line, ...] = ()
    extra: dict[str, Any] = msgspec.field(default_factory=dict)


class Confirm(Command, frozen=True, kw_only=True):
    order_id: UUID


class Rename(Command, frozen=True, kw_only=True):
    venue_id: UUID
    name: str


class Remove(Command, frozen=True, kw_only=True):
    order_id: UUID


class Break(Command, frozen=True, kw_only=True):
    text: str = ""


def reserve(command: Reserve, unit: Unit) -> Reply:
    """Reserve places (T8)."""
    if command.quantity > 10:
        raise StockGone(left=10)
    return Reply(
        id=unit.new_id(),
        version=1,
        collection="sponsorship_deals",
        data={"event_id": command.event_id, "left": 7},
        secrets={"link": "s3cret"},
    )


def confirm(command: Confirm, unit: Unit) -> Reply:
    """Confirm."""
    unit.match(3)
    if command.order_id != EVENT:
        raise NotFound(what="order")
    return Reply(id=command.order_id, version=4, collection="order_items")


def rename(command: Rename, unit: Unit) -> Reply:
    """Rename a venue."""
    return Reply(id=command.venue_id, version=2, collection="venues", data={"at": unit.now})


def remove(command: Remove, unit: Unit) -> Reply:  # noqa: ARG001
    """Remove."""
    return Reply(id=command.order_id, version=5, collection=None)


def fail(command: Break, unit: Unit) -> Reply:  # noqa: ARG001
    """Break."""
    msg = f"very private: {command.text}"
    raise RuntimeError(msg)


def _spec(route: str, type_: type[Command], handler: Callable[[Any, Unit], Reply], *, status: int = 200, **fields: Any) -> CommandSpec:
    method, path = route.split()
    name = handler.__name__
    defaults = {"permission": "orders.create", "rules": (), "refusals": (), "example": {}}
    return CommandSpec(
        name=name, type=type_, handler=handler, area="sample", method=method, path=path, status=status, **(defaults | fields)
    )


SAMPLE: dict[str, CommandSpec] = {
    spec.name: spec
    for spec in (
        _spec(
            "POST /events/{event_id}/orders", Reserve, reserve, status=201, rules=("T8",), refusals=(StockGone,), example={"quantity": 2}
        ),
        _spec("POST /orders/{order_id}/confirm", Confirm, confirm),
        _spec("PATCH /venues/{venue_id}", Rename, rename, permission="venues.manage", example={"name": "Hall"}),
        _spec("DELETE /orders/{order_id}", Remove, remove),
        _spec("POST /break", Break, fail, example={"text": "x"}),
    )
}

_metadata = sa.MetaData(schema="read")


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    instant = sa.TIMESTAMP(timezone=True)
    own = (sa.Column("id", sa.Uuid, primary_key=True), sa.Column("organization_id", sa.Uuid), *columns)
    return sa.Table(name, _metadata, *own, sa.Column("created_at", instant), sa.Column("stream_version", sa.Integer))


VENUES = _table(
    "venues",
    sa.Column("name", sa.Text),
    sa.Column("kind", sa.Text, nullable=True, info={"values": ("hall", "park")}),
    sa.Column("fee", sa.Numeric(18, 3), nullable=True),
    sa.Column("currency", sa.CHAR(3)),
    sa.Column("share", sa.Numeric(7, 4)),
    sa.Column("tags", ARRAY(sa.Text)),
    sa.Column("address", JSONB),
    sa.Column("contact", sa.Text, info={"subject": "contact_key"}),
)
DEALS = _table("sponsorship_deals", sa.Column("event_id", sa.Uuid), sa.Column("deal_value", sa.Numeric(18, 3)))
API_KEYS = _table("api_keys", sa.Column("name", sa.Text), sa.Column("hash", sa.Text))
TABLES = dict(_metadata.tables)


def authorize(permission: str, unit: Unit) -> None:
    """As the real hook: the key's present state decides."""
    if unit.principal.organization_id is None:
        raise Forbidden(permission=permission)
    key = unit.find(ApiKey, unit.principal.key_id) if unit.principal.key_id else None
    if key is None or key.revoked:
        raise Unauthenticated
    if not key.admits(permission):
        raise Forbidden(permission=permission)


class FakeBus:
    """Runs handlers at once; remembers idempotency keys; `failure` is raised instead of an outcome."""

    def __init__(self) -> None:
        self.aggregates: dict[UUID, Aggregate] = {}
        self.requests: list[Request] = []
        self.questions = 0
        self.last_positions: dict[UUID, int] = {}
        self.failure: Exception | None = None
        self._done: dict[tuple[UUID | None, str], tuple[object, Outcome]] = {}
        self._position = 40

    def aggregate(self, stream_id: UUID) -> Aggregate | None:
        return self.aggregates.get(stream_id)

    def person_key(self, organization_id: UUID, person: str) -> UUID:
        raise NotImplementedError

    def digest(self, organization_id: UUID, text: str) -> bytes:
        raise NotImplementedError

    def issue_key(self, key_id: UUID = KEY_ID, *, organization_id: UUID = ORGANIZATION, scopes: tuple[str, ...] = ("*",)) -> ApiKey:
        key = ApiKey.issue(
            id=key_id, organization_id=organization_id, secret=SECRET, name="k", scopes=scopes, user_id=USER, created_by=None, now=NOW
        )
        self.aggregates[key_id] = key
        return key

    async def submit(self, request: Request) -> Outcome:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        unit = Unit(now=NOW, principal=request.principal, command_id=request.command_id, state=self, if_match=request.if_match)
        slot = (request.principal.organization_id, request.idempotency_key or "")
        if request.idempotency_key and slot in self._done:
            commands, outcome = self._done[slot]
            if commands != request.commands:
                raise IdempotencyMismatch
            replies = [msgspec.structs.replace(reply, secrets={}) for reply in outcome.replies]
            return Outcome(replies=replies, position=outcome.position, replayed=True)
        replies = [self._run(index, command, unit) for index, command in enumerate(request.commands)]
        unit.finish()
        self._position += 1
        outcome = Outcome(replies=replies, position=self._position)
        self._done[slot] = (request.commands, outcome)
        return outcome

    def _run(self, index: int, command: Command, unit: Unit) -> Reply:
        spec = next(spec for spec in SAMPLE.values() if spec.type is type(command))
        try:
            authorize(spec.permission, unit)
            return spec.handler(command, unit)
        except Refusal as refusal:
            refusal.command_index = index
            raise

    def last_position(self, organization_id: UUID) -> int | None:
        return self.last_positions.get(organization_id)

    async def ask(self, principal: Principal, question: Callable[[Unit], T]) -> T:
        self.questions += 1
        if self.failure is not None:
            raise self.failure
        return question(Unit(now=NOW, principal=principal, command_id=UUID(int=1), state=self))


class FakeReads:
    """Rows by (organization, table), newest first; `reached` is what waiting brings the position to."""

    def __init__(self) -> None:
        self.tables: dict[tuple[UUID, str], list[Mapping[str, Any]]] = {}
        self.position = 40
        self.reached = 40
        self.waits: list[tuple[UUID, int, float]] = []
        self.statements: list[tuple[str, tuple[object, ...]]] = []
        self.chunks: list[bytes | Exception] = []
        self.asked_at: datetime | None = None
        self.failure: Exception | None = None

    async def fetch(self, organization_id: UUID, text: str, parameters: Sequence[object]) -> Found:
        self.statements.append((text, tuple(parameters)))
        assert organization_id in parameters
        table = re.findall(r'from "read"\."(\w+)" t', text)[0]
        rows = self.tables.get((organization_id, table), [])
        if 't."id" = $1' in text:
            return Found(self.position, [_one(row) for row in rows if row["id"] == str(parameters[0])])
        if len(parameters) == 3:
            rows = [row for row in rows if (row["created_at"], row["id"]) < (parameters[1].isoformat(), str(parameters[2]))]  # type: ignore[attr-defined]
        limit = next(iter(re.findall(r"limit (\d+)", text)), len(rows) + 1)  # without one they are counted
        return Found(self.position, [_page(rows, int(limit) - 1)])

    @asynccontextmanager
    async def export(self, organization_id: UUID, text: str, parameters: Sequence[object], form: Form) -> AsyncIterator[Export]:
        assert organization_id in parameters
        assert ("row_to_json" in text) == (form == "ndjson")
        self.statements.append((text, tuple(parameters)))
        if self.failure is not None:
            raise self.failure

        async def copy(sink: Sink) -> None:
            for chunk in self.chunks:
                if isinstance(chunk, Exception):
                    raise chunk
                await sink(chunk)

        yield Export(self.position, copy)

    async def position_at(self, instant: datetime) -> int:
        self.asked_at = instant
        return self.position

    async def wait(self, organization_id: UUID, position: int, timeout: float) -> bool:
        self.waits.append((organization_id, position, timeout))
        self.position = self.reached
        return self.position >= position


def codec() -> MemoryCodec:
    """A codec that nothing is stored with."""
    return MemoryCodec()


def transport(app: Litestar) -> httpx.ASGITransport:
    """HTTP without a socket."""
    return httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # httpx types messages as dicts, Litestar as typed ones


def _one(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"body": json.dumps(row).encode(), "version": row["stream_version"]}


def _page(rows: Sequence[Mapping[str, Any]], size: int) -> Mapping[str, Any]:
    last = json.dumps([rows[size - 1]["created_at"], rows[size - 1]["id"]]) if len(rows) > size else None
    return {"data": ",".join(json.dumps(row) for row in rows[:size]).encode(), "last": last, "count": len(rows)}
