"""What a benchmark says: figures with units, the baseline beside them, the conditions around them."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table

_FEW = 100
"""Numbers below it are shown with decimals."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured series."""

    name: str
    unit: str
    values: Sequence[float]
    note: str = ""

    @property
    def median(self) -> float:
        """The middle of the repetitions: what is quoted."""
        return statistics.median(self.values)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one benchmark run."""

    benchmark: str
    figures: Sequence[Figure]
    ratios: dict[str, float]
    """Figure over baseline."""
    conditions: dict[str, str]


def conditions(**more: object) -> dict[str, str]:
    """The machine, and what the caller adds."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": str(cores),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        **{name: str(value) for name, value in more.items()},
    }


def publish(report: Report, *, as_json: bool) -> None:
    """Print to standard output: one JSON object on a line, or tables."""
    if as_json:
        medians = {figure.name: round(figure.median, 3) for figure in report.figures}
        sys.stdout.write(msgspec.json.encode({**msgspec.to_builtins(report), "medians": medians}).decode() + "\n")
        return
    console = Console()
    table = Table("figure", "median", "lowest", "highest", "unit", "note", title=report.benchmark)
    for figure in report.figures:
        numbers = [
            f"{number:,.2f}" if number < _FEW else f"{number:,.0f}" for number in (figure.median, min(figure.values), max(figure.values))
        ]
        table.add_row(figure.name, *numbers, figure.unit, figure.note)
    console.print(table)
    for name, ratio in report.ratios.items():
        console.print(f"{name}: {ratio:.3g}")
    console.print(", ".join(f"{name} {value}" for name, value in report.conditions.items()), style="dim")
