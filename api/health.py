"""Whether this process lives, and whether it can do its work. No credential needed, nothing of any organization shown."""

from __future__ import annotations

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.answers import JSON, PRIVATE, Answer
from api.call import Call
from api.endpoints import handler
from api.refusals import NotReady
from api.services import Services
from application.bus.messages import Unavailable

LAG_LIMIT = 10_000
"""Records that the read models may be behind before readiness says so."""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `/health/ready`."""

    status: str
    """`ready`; `degraded` when commands work and some rows are behind. Taking every process out of service would help nobody then."""
    reasons: tuple[str, ...]
    lag: int
    """Records of the log that some read model has not applied yet."""
    parked: int
    """Organizations whose rows stand still at a record that cannot be applied."""


def health_routes(services: Services) -> list[HTTPRouteHandler]:
    """`/health/live` and `/health/ready`."""

    async def live(_: Call) -> Answer:
        return Answer(200, [JSON, PRIVATE], b'{"status":"live"}')

    async def ready(_: Call) -> Answer:
        try:
            status = await services.reads.status()
        except Unavailable:
            raise NotReady(reason="the database cannot be reached") from None
        if not status.built:
            raise NotReady(reason="the read models are not built yet")
        lag = max(0, status.head - status.position)
        reasons = []
        if lag > LAG_LIMIT:
            reasons.append(f"the read models are {lag} records behind")
        if status.parked:
            reasons.append(f"organizations parked at a record that cannot be applied: {status.parked}")
        readiness = Readiness(status="degraded" if reasons else "ready", reasons=tuple(reasons), lag=lag, parked=status.parked)
        return Answer(200, [JSON, PRIVATE], msgspec.json.encode(readiness))

    return [
        get("/health/live", name="live")(handler("live", live, services)),
        get("/health/ready", name="ready")(handler("ready", ready, services)),
    ]
