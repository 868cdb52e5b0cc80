"""`stagebook send`: any command, to a running API."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from api.cli.connection import connected
from api.cli.names import known_name
from api.cli.options import DEFAULT_URL, Json, Key, Url
from api.cli.output import json_text
from infrastructure.faults import Fault

if TYPE_CHECKING:
    from client import Command, Problem, Reply


class WrongFields(Fault):
    """The fields are not those of the command."""


def send(
    name: str,
    fields: str = "{}",
    /,
    *,
    url: Url = DEFAULT_URL,
    key: Key = "",
    idempotency_key: str | None = None,
    if_match: int | None = None,
    as_json: Json = False,
) -> int:
    """Send a command to a running API and print its answer as JSON. Exit code 1 when it is refused.

    Parameters
    ----------
    name
        The command as `stagebook catalog` lists it: place-order, create-event, …
    fields
        Its fields as a JSON object, those of the path included.
    idempotency_key
        The same for every attempt of one request. Default: a new one
    if_match
        Only while the addressed resource has this version.
    """
    command = _command(name, fields)
    answer = asyncio.run(_send(command, url, key, idempotency_key, if_match))
    if isinstance(answer, msgspec.Struct):
        print(json_text(answer, indented=not as_json))
        return 0
    print(json_text(_told(answer), indented=not as_json), file=sys.stderr)
    return 1


async def _send(command: Command[Any], url: str, key: str, idempotency_key: str | None, if_match: int | None) -> Reply | Problem:
    from client import Problem

    async with connected(url, key) as stagebook:
        try:
            reply: Reply = await stagebook.send(command, idempotency_key=idempotency_key, if_match=if_match)
        except Problem as problem:
            return problem
    return reply


def _told(problem: Problem) -> dict[str, object]:
    """The problem details, as far as there are any."""
    details = {name: getattr(problem, name) for name in ("status", "code", "detail", "rule", "params", "correlation_id")}
    errors = [{name: said for name, said in msgspec.structs.asdict(error).items() if said} for error in problem.errors]
    return {name: said for name, said in {**details, "errors": errors}.items() if said}


def _command(name: str, fields: str) -> Command[Any]:
    """Raises `UnknownName`, `WrongFields`."""
    import application.catalog  # noqa: F401  # registers the commands
    from application.registry import COMMANDS
    from client import commands

    known = {command.replace("_", "-"): spec.type for command, spec in COMMANDS.items()}
    kind = getattr(commands, known[known_name("command", name.replace("_", "-"), known)].__name__)
    given = _object(fields)
    for field in given:
        known_name("field", field, kind.__struct_fields__)
    try:
        command: Command[Any] = kind(**given)
    except TypeError as error:
        message = f"{name}: {error}"
        raise WrongFields(message) from None
    return command


def _object(fields: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(fields, type=dict[str, Any])
    except msgspec.DecodeError as error:
        message = f"the fields are not a JSON object: {error}"
        raise WrongFields(message) from None
