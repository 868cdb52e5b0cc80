"""Whether this process lives, and whether it can do its work. No credential needed, nothing of any organization shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.answers import JSON, PRIVATE, Answer
from api.call import Call
from api.description import Content, Description, described
from api.endpoints import handler
from api.refusals import NotReady
from api.services import Services
from api.telemetry import Condition
from application.bus.messages import Unavailable
from application.bus.statistics import Held
from projections.relational import RELATIONAL
from projections.runner.status import Status

LAG_RECORDS: Final = 10_000
"""That a projection may be behind before readiness says so."""
LAG_SECONDS: Final = 30.0
"""That a record may wait for a projection."""
OVERDUE_SECONDS: Final = 60.0
"""That a deadline may have fallen due without anybody having dealt with it."""

Code: TypeAlias = Literal["behind", "parked", "paused", "no_worker", "outdated", "queue_full", "deadlines_overdue"]


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `/health/live`."""

    status: Literal["live"] = "live"


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is not as it should be."""

    code: Code
    """Stable; docs/operations.md says what to do."""
    detail: str
    projection: str | None = None
    """Which one it is about."""


class ProjectionState(msgspec.Struct, frozen=True, kw_only=True):
    """How one projection fares."""

    name: str
    state: str
    """`live` or `paused`."""
    position: int
    """Up to here it has dealt with the log."""
    lag_records: int
    """Records that wait."""
    lag_seconds: float
    """Age of the oldest of them."""
    parked: int
    """Organizations whose rows stand still at a record that cannot be applied."""


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """Commands in this process."""

    open: int
    """Units of work that have no answer yet."""
    limit: int
    """When they are so many, further ones are answered 503."""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `/health/ready`."""

    status: Literal["ready", "degraded"]
    """`degraded`: it works, but see the reasons. Taking every process out of service would help nobody then."""
    reasons: tuple[Reason, ...]
    projections: tuple[ProjectionState, ...]
    queue: Queue
    deadlines_overdue_seconds: float
    """How long ago the oldest deadline fell due that nobody has dealt with; 0 when there is none."""


_EXAMPLE: Final = Readiness(
    status="degraded",
    reasons=(Reason(code="behind", projection="relational", detail="12000 records behind, the oldest for 41 seconds"),),
    projections=(ProjectionState(name="relational", state="live", position=88000, lag_records=12000, lag_seconds=41.2, parked=0),),
    queue=Queue(open=3, limit=4096),
    deadlines_overdue_seconds=0.0,
)
LIVE: Final = Description(
    summary="Ask whether the process answers",
    text="It looks at nothing else: a process that does not answer is one to start again.",
    contents=(Content(Liveness, {"status": "live"}),),
)
READY: Final = Description(
    summary="Ask whether it can do its work, and what is behind",
    text="503 takes the process out of service: its database cannot be reached, or has no read models yet.",
    contents=(Content(Readiness, msgspec.to_builtins(_EXAMPLE)),),
    failures=(NotReady,),
)


def health_routes(services: Services) -> list[HTTPRouteHandler]:
    """`/health/live` and `/health/ready`."""

    async def live(_: Call) -> Answer:
        return Answer(200, [JSON, PRIVATE], msgspec.json.encode(Liveness()))

    async def ready(_: Call) -> Answer:
        try:
            condition = await services.telemetry.condition()
        except Unavailable:
            raise NotReady(reason="the database cannot be reached") from None
        return Answer(200, [JSON, PRIVATE], msgspec.json.encode(readiness(condition, services.telemetry.held())))

    return [
        get("/health/live", name="live", opt=described(LIVE))(handler("live", live, services, traced=False)),
        get("/health/ready", name="ready", opt=described(READY))(handler("ready", ready, services, traced=False)),
    ]


def readiness(condition: Condition, held: Held) -> Readiness:
    """What to answer. Raises `NotReady` while there are no tables to answer queries from."""
    if not all(status.tables_version for status in condition.projections if status.projection == RELATIONAL.name):
        raise NotReady(reason="the read models are not built yet")
    reasons = (*(reason for status in condition.projections for reason in _reasons(status)), *_own_reasons(condition, held))
    return Readiness(
        status="degraded" if reasons else "ready",
        reasons=reasons,
        projections=tuple(map(_state, condition.projections)),
        queue=Queue(open=held.open, limit=held.limit),
        deadlines_overdue_seconds=round(condition.overdue_seconds, 3),
    )


def _reasons(status: Status) -> Iterator[Reason]:
    def reason(code: Code, detail: str) -> Reason:
        return Reason(code=code, detail=detail, projection=status.projection)

    if status.lag_records > LAG_RECORDS or status.lag_seconds > LAG_SECONDS:
        yield reason("behind", f"{status.lag_records} records behind, the oldest for {status.lag_seconds:.0f} seconds")
    if status.parked:
        yield reason("parked", f"organizations parked at a record that cannot be applied: {len(status.parked)}")
    if status.state != "live":
        yield reason("paused", "somebody has paused it")
    elif status.owner is None:
        yield reason("no_worker", "no worker looks after it")
    if status.tables_version < status.version:
        yield reason("outdated", f"its tables are of version {status.tables_version}, this program makes version {status.version}")


def _own_reasons(condition: Condition, held: Held) -> Iterator[Reason]:
    if held.open >= held.limit:
        yield Reason(code="queue_full", detail=f"{held.open} units of work are under way, more are refused")
    if condition.overdue_seconds > OVERDUE_SECONDS:
        yield Reason(code="deadlines_overdue", detail=f"a deadline fell due {condition.overdue_seconds:.0f} seconds ago")


def _state(status: Status) -> ProjectionState:
    return ProjectionState(
        name=status.projection,
        state=status.state,
        position=status.position,
        lag_records=status.lag_records,
        lag_seconds=round(status.lag_seconds, 3),
        parked=len(status.parked),
    )
