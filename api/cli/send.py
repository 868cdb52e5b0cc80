"""`stagebook send`: any command of the registry, to a running API."""

from __future__ import annotations

import http.client
import os
import sys
from contextlib import closing
from difflib import get_close_matches
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from cyclopts import Parameter

from infrastructure.faults import Fault

_SECONDS = 30.0
_GOOD = range(200, 300)


class WrongCommand(Fault):
    """There is no such command, or its fields are not a JSON object."""


class NotAnswered(Fault):
    """Nobody answers at the URL."""


def send(
    name: str,
    fields: str = "{}",
    /,
    *,
    url: str = "http://127.0.0.1:8080",
    key: str | None = None,
    idempotency_key: Annotated[str | None, Parameter("--idempotency-key")] = None,
) -> int:
    """Send a command to a running API and print its answer. Exit code 1 when it is refused.

    Parameters
    ----------
    name
        The command as `stagebook catalog` lists it: place-order, create-event, …
    fields
        Its fields as a JSON object, those of the path included.
    url
        Where the API listens.
    key
        An API key; by default that of the environment variable STAGEBOOK_KEY.
    idempotency_key
        The same for every attempt of one request; by default a new one.
    """
    body = msgspec.json.encode({"commands": [{**_object(fields), "command": _known(name)}]})
    headers = {
        "Authorization": f"Bearer {key or os.environ.get('STAGEBOOK_KEY', '')}",
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key or str(uuid4()),
    }
    status, answer = _post(url, body, headers)
    if status in _GOOD:
        print(msgspec.json.format(msgspec.json.encode(answer["replies"][0])).decode())
        return 0
    print(msgspec.json.format(msgspec.json.encode(answer)).decode(), file=sys.stderr)
    return 1


def _known(name: str) -> str:
    import application.catalog  # noqa: F401  # registers the commands
    from application.registry import COMMANDS

    command = name.replace("-", "_")
    if command in COMMANDS:
        return command
    near = ", ".join(match.replace("_", "-") for match in get_close_matches(command, COMMANDS)) or "see `stagebook catalog`"
    message = f"there is no command {name}: {near}"
    raise WrongCommand(message)


def _object(fields: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(fields, type=dict[str, Any])
    except msgspec.DecodeError as error:
        message = f"the fields are not a JSON object: {error}"
        raise WrongCommand(message) from None


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        with closing(connect(parts.hostname or "", parts.port, timeout=_SECONDS)) as connection:
            connection.request("POST", f"{parts.path.rstrip('/')}/v1/batch", body, headers)
            answer = connection.getresponse()
            return answer.status, msgspec.json.decode(answer.read())
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        message = f"no answer from {url}: {error}; is it running? (`stagebook up`)"
        raise NotAnswered(message) from None
