"""The commands of a batch, each on its own: read, sent, and answered with a status and a body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from api.body import CommandReader
from api.commands import reply_body
from api.endpoints import note
from api.problems import FAULT, Problem, problem_of
from api.refusals import FieldError, InvalidInput
from application.bus.encode import without_secrets
from application.bus.messages import Request
from application.bus.port import CommandBus
from application.principal import Principal
from application.registry import Command, CommandSpec, Reply


class Readers:
    """Reads commands that are given by name, the fields of path and body side by side."""

    def __init__(self, commands: Mapping[str, CommandSpec]) -> None:
        self._readers = {name: (CommandReader(spec, path_fields=()), spec.status) for name, spec in commands.items()}

    def read(self, item: dict[str, Any], at: str = "") -> tuple[Command, int]:
        """The command and the status of its success. `at` is the pointer of `item` in the body. Raises `InvalidInput`."""
        name = item.get("command")
        if not isinstance(name, str) or name not in self._readers:
            raise InvalidInput(FieldError(pointer=f"{at}/command", detail="Expected the name of a command, such as place_order"))
        reader, status = self._readers[name]
        return reader.read({field: value for field, value in item.items() if field != "command"}, {}, at), status


class Sender(NamedTuple):
    """Whose commands they are."""

    principal: Principal
    correlation_id: str
    client_address: str | None

    def request(self, commands: tuple[Command, ...], *, command_id: UUID, key: str | None) -> Request:
        """The commands as one unit for the bus."""
        return Request(
            commands=commands,
            principal=self.principal,
            command_id=command_id,
            idempotency_key=key,
            correlation_id=self.correlation_id,
            client_address=self.client_address,
        )


class Answered(NamedTuple):
    """What became of one command."""

    status: int
    what: Reply | Problem
    position: int
    """0 when nothing was recorded."""

    def body(self, *, secrets: bool) -> object:
        """As the command by itself would have been answered, with or without what is shown once."""
        if isinstance(self.what, Problem):
            return self.what
        return reply_body(self.what if secrets else without_secrets(self.what), self.position)


async def answered(
    index: int,
    read: Callable[[], tuple[Command, int]],
    sender: Sender,
    bus: CommandBus,
    *,
    command_id: UUID,
    key: str | None,
    passing: tuple[type[Exception], ...] = (),
) -> Answered:
    """Send one command of a batch. Whatever fails is that command's answer, apart from what is `passing`: that is raised.

    `read` gives the command and the status of its success; its faults have pointers from the command on. `key` is the batch's.
    """
    # No client can send a key with this separator, so these never meet another request's key.
    own_key = None if key is None else f"{key}\x1f{index}"
    try:
        command, status = read()
        outcome = await bus.submit(sender.request((command,), command_id=command_id, key=own_key))
    except passing:
        raise
    except Exception as failure:  # noqa: BLE001  # each on its own: a fault of one is that one's answer
        problem = problem_of(failure, correlation_id=sender.correlation_id, at=f"/commands/{index}")
        if problem.status == FAULT:  # refusals are no news: the request as a whole is no failed one
            note(problem, failure, "batch")
        return Answered(problem.status, problem, 0)
    return Answered(status, outcome.replies[0], outcome.position)
