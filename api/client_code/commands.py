"""`client/commands.py`: a class per command of the registry."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, get_origin

import msgspec

from api.client_code.replies import Replies
from api.client_code.source import Field, alias_source, class_source, module, value_source
from api.client_code.types import Names, composed_in, field_docs, hints_of
from application import fields
from application.registry import CommandSpec

_SUMMARY: Final = "What can be told to Stagebook."
_WIDER: Final = ((fields.Amount, "Decimal | str"), (fields.Percentage, "Decimal | str"), (fields.Time, "datetime | str"))
"""Where the wire has text, clients may give something better."""


def commands_module(specs: Sequence[CommandSpec], replies: Replies) -> str:
    """The text of the module. Raises TypeError for a command that the client cannot express."""
    aliases = dict(_aliases(specs))
    names = Names(tuple((kind, name) for name, kind in aliases.items()))
    parts = [_struct(kind, names) for kind in _nested(specs)]
    parts += [_command(spec, names, replies.name_of(spec)) for spec in specs]
    used = {node.id for node in ast.walk(ast.parse("".join(parts))) if isinstance(node, ast.Name)}
    return module(_SUMMARY, [*(_alias(name, kind) for name, kind in aliases.items() if name in used), *parts])


def _aliases(specs: Iterable[CommandSpec]) -> Iterator[tuple[str, Any]]:
    """The field types that the application has a name for: bounded ones, and enumerations of the modules that use them."""
    found = {name: kind for name, kind in vars(fields).items() if hasattr(kind, "__metadata__")}
    for spec in specs:
        for name, kind in vars(sys.modules[spec.type.__module__]).items():
            # A second enumeration of the same name is written out where it is used.
            if get_origin(kind) is Literal:
                found.setdefault(name, kind)
    yield from sorted(found.items())


def _alias(name: str, kind: Any) -> str:
    return alias_source(name, Names(_WIDER).source(kind), Names().notes(kind))


def _nested(specs: Iterable[CommandSpec]) -> list[type]:
    found = (kind for spec in specs for hint in hints_of(spec.type).values() for kind in composed_in(hint))
    return sorted(dict.fromkeys(found), key=lambda kind: kind.__name__)


def _struct(kind: type, names: Names) -> str:
    return class_source(
        kind.__name__, "msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True", kind.__doc__ or "", {}, _fields(kind, names)
    )


def _command(spec: CommandSpec, names: Names, reply: str) -> str:
    constants = {"ROUTE: ClassVar[str]": value_source(f"{spec.method} {spec.path}")}
    if reply != "Reply":
        constants["REPLY: ClassVar[type[Reply]]"] = reply
    bases = f'Command[{reply}], frozen=True, kw_only=True, omit_defaults=True, tag="{spec.name}"'
    return class_source(spec.type.__name__, bases, spec.description, constants, _fields(spec.type, names))


def _fields(kind: type, names: Names) -> list[Field]:
    docs, hints = field_docs(kind), hints_of(kind)
    return [
        Field(
            field.name,
            names.source(hints[field.name]),
            " ".join(text for text in (docs.get(field.name, ""), names.notes(hints[field.name])) if text),
            "" if field.default is msgspec.NODEFAULT else value_source(field.default),
        )
        for field in msgspec.structs.fields(kind)
    ]
