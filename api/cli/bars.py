"""Progress on a terminal: a line for each thing that is worked at, gone at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from api.cli.output import Advance


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", "cyan")


@contextmanager
def bars() -> Iterator[Advance]:
    """Draw on standard error as long as the block runs."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        lines: dict[str, TaskID] = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in lines:
                lines[what] = drawn.add_task(what)
            drawn.update(lines[what], completed=done, total=total)

        yield advance
