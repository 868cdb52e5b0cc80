"""Three routes per table of the read model: its rows, one row, and that row's history."""

from __future__ import annotations

import sqlalchemy as sa
from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.endpoints import handler
from api.queries.history import history_endpoint
from api.queries.kept import KeptAnswers
from api.queries.lists import list_endpoint
from api.queries.one import get_endpoint
from api.resources import collections, parameter
from api.services import Services


def query_routes(table: sa.Table, services: Services, kept: KeptAnswers) -> list[HTTPRouteHandler]:
    """The routes of a table, under all its names."""
    paths = [f"/v1/{name}" for name in collections(table.name)]
    row = f"{{{parameter(table.name)}:str}}"
    routes = (
        ("list", paths, list_endpoint),
        ("get", [f"{path}/{row}" for path in paths], get_endpoint),
        ("history_of", [f"{path}/{row}/history" for path in paths], history_endpoint),
    )
    return [
        get(places, name=f"{kind}_{table.name}")(handler(f"{kind}_{table.name}", kept.keeping(endpoint(table, services)), services))
        for kind, places, endpoint in routes
    ]
