"""Every benchmark, for a moment: it runs, measures itself and its baseline, and says so as JSON. How fast is `make bench`'s question."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import msgspec
import pytest
import uvloop

from domain.aggregate import AGGREGATE_TYPES, EVENT_TYPES
from infrastructure.bench import append, commands, contention, lag, project
from infrastructure.bench.report import Report, publish

_SHORT: dict[ModuleType, dict[str, Any]] = {
    append: {"_SECONDS": 0.3, "_REPETITIONS": 1, "_CONCURRENT": (1, 256), "_LIBRARY_UNITS": 16, "_COPIED": 500},
    commands: {"_SECONDS": 1, "_REPETITIONS": 1, "_CONNECTIONS": (4,)},
    lag: {"_SECONDS": 0.5, "_REPETITIONS": 1, "_RATES": (50, 100)},
    contention: {"_SECONDS": 0.5, "_REPETITIONS": 1, "_CLIENTS": 16},
    project: {"_ORDERS": 300, "_REPETITIONS": 1},
}


@pytest.mark.parametrize("benchmark", _SHORT, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_benchmark_measures_itself_beside_its_baseline(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in _SHORT[benchmark].items():
        monkeypatch.setattr(benchmark, name, value)
    report: Report = uvloop.run(benchmark.run())
    publish(report, as_json=True)
    said = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])
    assert said["benchmark"] == report.benchmark
    assert report.ratios
    assert any("baseline" in figure.note for figure in report.figures)
    assert all(value > 0 for figure in report.figures for value in figure.values)
    assert all("refused" not in figure.note for figure in report.figures)


def test_what_a_benchmark_registers_for_itself_is_not_part_of_the_program() -> None:
    assert not [name for name in (*EVENT_TYPES, *AGGREGATE_TYPES) if name.startswith("bench_")]
