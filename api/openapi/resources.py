"""Which tables a path is about: `/events/{event_id}/orders` addresses a row of `events` and makes rows of `orders`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from api.resources import collections
from application.registry import CommandSpec
from projections.queries import singular

CREATED = 201
"""The status of commands that make a resource."""


class Place(NamedTuple):
    """A path's tables; None where there is none."""

    parameters: dict[str, str | None]
    """By path parameter, in their order: the table whose row it names."""
    last: str | None
    """Of the last literal step."""


class Resources:
    """The tables by the names that paths have for them."""

    def __init__(self, tables: Iterable[sa.Table]) -> None:
        self._tables = {table.name for table in tables}
        self._named = {name: table for table in self._tables for name in collections(table)}

    def place(self, path: str) -> Place:
        """The tables along a path below `/v1`. A step below a resource may leave its name out: `/venues/{venue_id}/bookings`."""
        parameters: dict[str, str | None] = {}
        above: str | None = None
        last: str | None = None
        for step in path.strip("/").split("/"):
            if step.startswith("{"):
                parameters[step.strip("{}")] = above = last
            else:
                last = self._named.get(step) or self._below(above, step)
        return Place(parameters, last)

    def made_by(self, commands: Mapping[str, CommandSpec]) -> dict[str, CommandSpec]:
        """By table: the command that makes its rows."""
        made = {self.place(spec.path).last: spec for spec in commands.values() if spec.status == CREATED}
        return {table: spec for table, spec in made.items() if table is not None}

    def addressed_by(self, spec: CommandSpec) -> str | None:
        """The table that the `id` of the command's reply is found in."""
        place = self.place(spec.path)
        return place.last if spec.status == CREATED else next(reversed([*place.parameters.values()]), None)

    def _below(self, above: str | None, step: str) -> str | None:
        table = f"{singular(above or '')}_{step.replace('-', '_')}"
        return table if table in self._tables else None
