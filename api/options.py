"""OPTIONS: which methods a path takes (RFC 9110). The framework's own answer leaves out those of other handlers of the same path."""

from __future__ import annotations

from collections.abc import Iterable

from litestar import Response, route
from litestar.handlers import HTTPRouteHandler


def options_routes(routes: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """A route per path of these."""
    methods: dict[str, set[str]] = {}
    for one in routes:
        for path in one.paths:
            methods.setdefault(path, {"OPTIONS"}).update(one.http_methods)
    return [_options(path, ", ".join(sorted(found))) for path, found in methods.items()]


def _options(path: str, allow: str) -> HTTPRouteHandler:
    async def options() -> Response[None]:
        return Response(None, status_code=204, headers={"allow": allow})

    handler: HTTPRouteHandler = route(path, http_method="OPTIONS", status_code=204, name=f"options of {path}")(options)
    return handler
