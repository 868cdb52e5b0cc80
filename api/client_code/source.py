"""Python source text, laid out as the formatter would."""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

WIDTH: Final = 140
_INDENT: Final = "    "

_IMPORTS: Final[tuple[Mapping[str, str], ...]] = (
    {
        "date": "datetime",
        "datetime": "datetime",
        "Decimal": "decimal",
        "Any": "typing",
        "ClassVar": "typing",
        "Literal": "typing",
        "TypeAlias": "typing",
        "UUID": "uuid",
    },
    {"msgspec": "", "UNSET": "msgspec", "UnsetType": "msgspec"},
    {"replies": "client", "Command": "client.base", "Reply": "client.base"},
)
"""Names and the modules that they come from, in the three groups of an import section."""


class Field(NamedTuple):
    """A field of a class."""

    name: str
    type: str
    doc: str = ""
    default: str = ""


def module(summary: str, parts: Iterable[str]) -> str:
    """A whole file with its imports. `parts` are top-level statements, each with the blank lines that belong before it."""
    body = "".join(parts)
    head = f'"""{summary}\n\nWritten by `stagebook catalog --write`: not to be edited.\n"""\n\nfrom __future__ import annotations\n'
    return head + _imports(body) + body.rstrip("\n") + "\n"


def class_source(name: str, bases: str, doc: str, constants: Mapping[str, str], fields: Sequence[Field]) -> str:
    """A class statement."""
    parts = [f"\n\nclass {name}({bases}):\n", docstring(doc, _INDENT)]
    if constants or fields:
        parts.append("\n")
    parts += [f"{_INDENT}{constant}{f' = {value}' if value else ''}\n" for constant, value in constants.items()]
    if constants and fields:
        parts.append("\n")
    return "".join([*parts, *map(_field, fields)])


def alias_source(name: str, definition: str, doc: str) -> str:
    """A type alias with what is to be known about it."""
    return f"\n{statement(f'{name}: TypeAlias = ', definition)}{docstring(doc, '') if doc else ''}"


def statement(start: str, definition: str, indent: str = "") -> str:
    """One statement; a `Literal` that is too long for a line has one for each of its values."""
    line = f"{indent}{start}{definition}\n"
    if len(line) <= WIDTH + 1 or "[" not in definition:
        return line
    head, _, rest = definition.partition("[")
    values, _, tail = rest.rpartition("]")
    lines = "".join(f"{indent}{_INDENT}{value},\n" for value in values.split(", "))
    return f"{indent}{start}{head}[\n{lines}{indent}]{tail}\n"


def docstring(text: str, indent: str) -> str:
    """The text, its lines no longer than the file allows."""
    raw = "r" if "\\" in text else ""
    paragraphs = text.split("\n\n")
    wrapped = [textwrap.fill(" ".join(paragraph.split()), WIDTH - len(indent) - 7, break_long_words=False) for paragraph in paragraphs]
    end = '"""\n' if len(wrapped) == 1 and "\n" not in wrapped[0] else f'\n{indent}"""\n'
    lines = "\n\n".join(wrapped).replace("\n", f"\n{indent}").replace(f"\n{indent}\n", "\n\n")
    return f'{indent}{raw}"""{lines}{end}'


def value_source(value: Any) -> str:
    """The literal of a default. Raises TypeError for what has none."""
    if value is msgspec.UNSET:
        return "UNSET"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(value_source, value))}{',' if len(value) == 1 else ''})"
    msg = f"the default {value!r} has no place in the client"
    raise TypeError(msg)


def _field(field: Field) -> str:
    line = statement(f"{field.name}: ", f"{field.type}{f' = {field.default}' if field.default else ''}", _INDENT)
    return line + (docstring(field.doc, _INDENT) if field.doc else "")


def _imports(body: str) -> str:
    """The import section that the body needs."""
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    sections = []
    for group in _IMPORTS:
        modules: dict[str, list[str]] = {}
        for name, place in group.items():
            if name in used:
                modules.setdefault(place, []).append(name)
        lines = [f"from {place} import {', '.join(names)}\n" if place else f"import {names[0]}\n" for place, names in modules.items()]
        if lines:
            sections.append("\n" + "".join(lines))
    return "".join(sections)
