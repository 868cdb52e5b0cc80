"""`stagebook keys`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from cyclopts import App, Parameter

from api.cli.connection import connected
from api.cli.names import known_name, known_names
from api.cli.options import DEFAULT_URL, Json, Key, Url
from api.cli.output import json_line, show

if TYPE_CHECKING:
    from client.rows import ApiKey

app = App(name="keys", help="List, create, revoke API keys, through a running API.")


@app.command(name="list")
def list_keys(*, url: Url = DEFAULT_URL, key: Key = "", as_json: Json = False) -> None:
    """Print the organization's keys, the newest first; the keys themselves are not kept anywhere."""
    shown = ("id", "name", "prefix", "scopes", "user_id", "created_at", "last_used_at", "revoked_at")
    found = asyncio.run(_list(url, key))
    show([{name: getattr(row, name) for name in shown} for row in found], as_json=as_json, nothing="there are no keys")


@app.command
def create(
    name: str,
    /,
    *,
    scope: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    user: UUID | None = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once. It acts for a user and may at most what the user may.

    Parameters
    ----------
    name
        What it is for, to tell it from others.
    scope
        A permission that it has, such as orders.create, or a pattern such as 'orders.*'. May be given several times. Default: all
    user
        The id of the user for whom it acts. Default: the one who makes it
    """
    from application.access import PERMISSIONS
    from client import commands

    scopes = tuple(
        found for pattern in scope for found in ([pattern] if pattern == "*" else known_names("permission", pattern, PERMISSIONS))
    )
    command = commands.IssueApiKey(name=name, user_id=user, **({"scopes": scopes} if scopes else {}))

    async def send() -> None:
        async with connected(url, key) as stagebook:
            made = await stagebook.send(command)
        json_line({"id": made.id, "key": made.key}) if as_json else print(made.key)

    asyncio.run(send())


@app.command
def revoke(which: str, /, *, url: Url = DEFAULT_URL, key: Key = "", as_json: Json = False) -> None:
    """Let a key open nothing any more, from the next request on.

    Parameters
    ----------
    which
        Its id or its prefix, as `stagebook keys list` shows them.
    """
    from client import commands, rows

    async def send() -> None:
        async with connected(url, key) as stagebook:
            found = {name: row.id async for row in stagebook.list(rows.ApiKey) for name in (str(row.id), row.prefix)}
            reply = await stagebook.send(commands.RevokeApiKey(key_id=found[known_name("key", which, found)]))
        json_line({"id": reply.id, "version": reply.version}) if as_json else print(f"revoked {reply.id}")

    asyncio.run(send())


async def _list(url: str, key: str) -> list[ApiKey]:
    from client import rows

    async with connected(url, key) as stagebook:
        return [row async for row in stagebook.list(rows.ApiKey)]
