"""How commands answer: a table for people, one JSON object a line for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

Row = Mapping[str, object]


def json_line(row: Row) -> None:
    """One JSON object on a line of standard output, at once."""
    print(msgspec.json.encode(row).decode(), flush=True)


def show(rows: Sequence[Row], *, as_json: bool) -> None:
    """The rows, which all have the same keys."""
    if as_json:
        for row in rows:
            json_line(row)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for name in rows[0] if rows else ():
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table if rows else "nothing")
