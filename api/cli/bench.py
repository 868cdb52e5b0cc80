"""`stagebook bench`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def bench(name: str = "all", /, *, as_json: Annotated[bool, Parameter("--json", negative="")] = False) -> None:
    """Measure the system beside its baselines, on a database of its own.

    Parameters
    ----------
    name
        append, commands, contention, lag, project, query; or all, one after the other.
    as_json
        One JSON object a line.
    """
    from infrastructure import bench as benchmarks
    from infrastructure.bench.report import publish
    from infrastructure.logging import configure_logging

    configure_logging("warning")

    for report in benchmarks.run(name):
        publish(report, as_json=as_json)
