"""Benchmarks: each measures the system beside its baseline in the same run (`stagebook bench <name>`; figures in `docs/benchmarks.md`)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import uvloop

from infrastructure import collector
from infrastructure.bench.report import Report
from infrastructure.faults import Fault

NAMES = ("append", "commands", "contention", "lag", "project", "query")


class UnknownBenchmark(Fault):
    """There is no benchmark of this name."""


def run(name: str) -> Sequence[Report]:
    """Run one benchmark, or `all` of them. Takes one to two minutes each."""
    if name not in (*NAMES, "all"):
        message = f"there is no benchmark {name}; there are {', '.join(NAMES)} and all"
        raise UnknownBenchmark(message)
    collector.take_over()
    return [uvloop.run(import_module(f"infrastructure.bench.{one}").run()) for one in (NAMES if name == "all" else (name,))]
