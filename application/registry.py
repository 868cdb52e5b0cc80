"""The one registry of commands: routes, OpenAPI, CLI names, the catalogue and the contracts are derived from it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, get_args, get_type_hints
from uuid import UUID

import msgspec
from typing_extensions import TypeVar

from domain.refusals import Refusal

if TYPE_CHECKING:
    from application.unit import Unit

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")
_PATH_FIELD = re.compile(r"{(\w+)}")


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all commands: an immutable, validated request in the imperative. Fields named in the route's path come from there."""


Data_co = TypeVar("Data_co", bound=Mapping[str, Any], default=Mapping[str, Any], covariant=True)


class Reply(msgspec.Struct, Generic[Data_co], frozen=True, kw_only=True, omit_defaults=True):
    """What a handler answers. The ledger keeps it for good, except for `secrets`.

    A handler that answers with `data` names its type, a TypedDict of what JSON can hold: `-> Reply[OrderHeld]`.
    """

    id: UUID
    """The addressed or created resource."""
    version: int
    """The addressed resource's version: the stream version of the last domain event that touched it."""
    collection: str | None
    """The table of the read model where the resource will be found; None: in no table."""
    data: Data_co = {}  # type: ignore[assignment]  # nothing to add: of those that name no type
    """More ids, numbers, times. Never personal data."""
    secrets: dict[str, str] = {}
    """Shown once, never stored: a retry gets the reply without them."""


C = TypeVar("C", bound=Command)
Handler = Callable[[Any, "Unit"], Reply]
Refusals = tuple[type[Refusal], ...]
DataType: TypeAlias = type[Mapping[str, Any]]


class CommandSpec(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one command."""

    name: str
    """Snake case: `place_order`. The CLI says `place-order`."""
    type: type[Command]
    handler: Handler
    area: str
    """The area of the handler's module: `ticketing`, `events`, …"""
    method: str
    path: str
    status: int
    permission: str
    rules: tuple[str, ...]
    refusals: Refusals
    example: dict[str, Any]
    """A request body that is valid as JSON."""
    data: DataType | None = None
    """The TypedDict of the reply's `data`; None: it has none."""
    secrets: tuple[str, ...] = ()
    """The names of the reply's `secrets`."""

    @property
    def summary(self) -> str:
        """One line for OpenAPI, CLI and catalogue."""
        return self.description.splitlines()[0].rstrip(".")

    @property
    def description(self) -> str:
        """The handler's docstring."""
        return inspect.getdoc(self.handler) or self.name

    @property
    def path_fields(self) -> tuple[str, ...]:
        """Fields of the command that stand in the path."""
        return tuple(_PATH_FIELD.findall(self.path))


COMMANDS: dict[str, CommandSpec] = {}
_BY_TYPE: dict[type[Command], CommandSpec] = {}


def command(
    route: str,
    *,
    permission: str,
    status: int = 200,
    rules: str = "",
    refusals: tuple[type[Refusal], ...] = (),
    example: dict[str, Any] | None = None,
    secrets: tuple[str, ...] = (),
) -> Callable[[Callable[[C, Unit], Reply]], Callable[[C, Unit], Reply]]:
    """Register the decorated pure function as the handler of the command that its first parameter names.

    `route` is method and path below `/v1`, such as `"POST /events/{event_id}/orders"`; `rules` are the numbers of the
    domain rules that the handler enforces, separated by spaces; `secrets` names those of the reply.
    """
    method, path = route.split()

    def register(handler: Callable[[C, Unit], Reply]) -> Callable[[C, Unit], Reply]:
        first = next(iter(inspect.signature(handler).parameters))
        hints = get_type_hints(handler, localns={"Unit": object})
        command_type: type[Command] = hints[first]
        spec = CommandSpec(
            name=_WORD_START.sub("_", command_type.__name__).lower(),
            type=command_type,
            handler=handler,
            area=handler.__module__.split(".")[-2],
            method=method,
            path=path,
            status=status,
            permission=permission,
            rules=tuple(rules.split()),
            refusals=refusals,
            example=example or {},
            data=next(iter(get_args(hints["return"])), None),
            secrets=secrets,
        )
        missing = set(spec.path_fields) - set(command_type.__struct_fields__)
        if missing or spec.name in COMMANDS:
            msg = f"{spec.name}: path fields {missing} are not in the command" if missing else f"{spec.name} is registered already"
            raise TypeError(msg)
        COMMANDS[spec.name] = spec
        _BY_TYPE[command_type] = spec
        return handler

    return register


def spec_of(command: Command) -> CommandSpec:
    """The registration of a command's type."""
    return _BY_TYPE[type(command)]
