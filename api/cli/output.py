"""How commands answer: a table for people, one JSON object a line for machines; how far long work is, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Row = Mapping[str, object]

Advance = Callable[[str, int, int], None]
"""Told what is worked at, how much of it is done, and of how much."""

_FILE_WIDTH = 240
"""Of tables that nobody sees: files and pipes have no edge, and a broken line is hard to search."""


class Marked(NamedTuple):
    """A value that is as it should be, or that is not."""

    value: object
    wrong: bool


def json_line(row: object) -> None:
    """One JSON object on a line of standard output, at once."""
    print(json_text(row, indented=False), flush=True)


def json_text(value: object, *, indented: bool) -> str:
    """JSON on one line, or indented for people."""
    text = msgspec.json.encode(value)
    return (msgspec.json.format(text) if indented else text).decode()


def show(rows: Sequence[Row], *, as_json: bool, nothing: str = "nothing") -> None:
    """The rows, which all have the same keys; `nothing` is what a person reads when there are none."""
    if as_json:
        for row in rows:
            json_line(row)
        return
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, value in rows[0].items() if rows else ():
        shown = value.value if isinstance(value, Marked) else value
        numeric = isinstance(shown, int | float) and not isinstance(shown, bool)
        table.add_column(name.replace("_", " "), overflow="fold", justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console().print(table if rows else nothing)


def console() -> Console:
    """Standard output, in colour where it is a terminal."""
    from rich.console import Console

    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=_FILE_WIDTH)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Advance]:
    """Show how far work is, how fast it goes and what remains; only on a terminal, and not when `quiet`."""
    if quiet or not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from api.cli.bars import bars

    with bars() as advance:
        yield advance


def _cell(value: object) -> Text:
    from rich.text import Text

    match value:
        case None:
            text, style = "", ""
        case bool():
            text, style = ("yes", "green") if value else ("no", "bold red")
        case Marked():
            return Text.assemble((_cell(value.value).plain, "bold yellow" if value.wrong else "green"))
        case int() | float():
            text, style = (f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"), ""
        case datetime():
            text, style = value.isoformat(" ", "seconds"), ""
        case list() | tuple():
            text, style = ", ".join(map(str, value)), ""
        case _:
            text, style = str(value), ""
    return Text(text, style)
