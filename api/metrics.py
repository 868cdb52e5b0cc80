"""`/metrics`: the figures of this process, and of the projections beside it, for Prometheus. Nothing of any organization."""

from __future__ import annotations

from hmac import compare_digest

from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.answers import PRIVATE, Answer
from api.call import Call
from api.description import Content, Description, described
from api.endpoints import handler
from api.services import Services
from domain.refusals import Unauthenticated

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_EXAMPLE = 'stagebook_commands_total{command="place_order",outcome="refused",code="sold_out"} 7.0\n'

METRICS = Description(
    summary="Read the figures of this process, for Prometheus",
    text="Commands and how they ended, times, the bus, the cache, the projections. Where the operator has set a token, it asks for that.",
    contents=(Content({"type": "string"}, _EXAMPLE, "text/plain"),),
    failures=(Unauthenticated,),
)


def metrics_route(services: Services) -> HTTPRouteHandler:
    """`GET /metrics`."""
    expected = f"Bearer {services.settings.metrics_token}".encode() if services.settings.metrics_token else b""

    async def metrics(call: Call) -> Answer:
        if expected and not compare_digest(call.headers.get(b"authorization", b""), expected):
            raise Unauthenticated
        return Answer(200, [(b"content-type", CONTENT_TYPE.encode()), PRIVATE], await services.telemetry.exposition())

    return get("/metrics", name="metrics", opt=described(METRICS))(handler("metrics", metrics, services, traced=False))
