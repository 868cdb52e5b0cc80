"""`client/replies.py`: what commands answer besides id, version and position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from api.client_code.source import Field, class_source, module
from api.client_code.types import Names, composed_in, field_docs, hints_of
from application import replies
from application.registry import CommandSpec

_SUMMARY: Final = "What commands answer."
_NAMES: Final = Names(((replies.IdText, "UUID"), (replies.TimeText, "datetime"), (replies.MoneyText, "Decimal")), open_ended=True)
_SHOWN_ONCE: Final = "Shown once; None in the answer to a retry."


class Replies:
    """The answers of these commands, by the command's name. Raises TypeError when two of one name differ."""

    def __init__(self, specs: Sequence[CommandSpec]) -> None:
        self._classes = {spec.name: (_class_name(spec), _reply(spec)) for spec in specs if spec.data is not None or spec.secrets}
        self._nested = {kind.__name__: _struct(kind) for kind in _nested(specs)}
        texts = dict(self._classes.values()) | self._nested
        for name, text in self._classes.values():
            if texts[name] != text:
                msg = f"two replies of different form are called {name}"
                raise TypeError(msg)

    def name_of(self, spec: CommandSpec) -> str:
        """What the command's answer is called in `client/commands.py`."""
        return f"replies.{self._classes[spec.name][0]}" if spec.name in self._classes else "Reply"

    def module(self) -> str:
        """The text of the module."""
        return module(_SUMMARY, [*self._nested.values(), *(text for _, text in sorted(set(self._classes.values())))])


def _class_name(spec: CommandSpec) -> str:
    return f"{spec.type.__name__}Reply" if spec.data is None else spec.data.__name__


def _reply(spec: CommandSpec) -> str:
    fields = [] if spec.data is None else _fields(spec.data)
    doc = f"The answer to `{spec.type.__name__}`." if spec.data is None else spec.data.__doc__ or ""
    fields += [Field(secret, "str | None", _SHOWN_ONCE, "None") for secret in spec.secrets]
    return class_source(_class_name(spec), "Reply, frozen=True, kw_only=True", doc, {}, fields)


def _struct(kind: type) -> str:
    return class_source(kind.__name__, "msgspec.Struct, frozen=True, kw_only=True", kind.__doc__ or "", {}, _fields(kind))


def _fields(kind: type) -> list[Field]:
    docs = field_docs(kind)
    return [
        Field(name, _NAMES.source(hint), " ".join(text for text in (docs.get(name, ""), _NAMES.notes(hint)) if text))
        for name, hint in hints_of(kind).items()
    ]


def _nested(specs: Iterable[CommandSpec]) -> Iterator[type]:
    found = (kind for spec in specs if spec.data is not None for hint in hints_of(spec.data).values() for kind in composed_in(hint))
    return iter(sorted(dict.fromkeys(found), key=lambda kind: kind.__name__))
