"""`stagebook projections`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, Parameter

from api.cli.names import known_name
from api.cli.options import DataDir, Json
from api.cli.output import Marked, Row, progress, show
from api.cli.surroundings import connected_settings, run

app = App(name="projections", help="Look at the read models, check them, build them anew, hold them still.")

Name = Annotated[str | None, Parameter(help="One projection; by default all of them.")]
OneName = Annotated[str, Parameter(help="The projection, as `stagebook projections status` names it.")]


@app.command
def status(name: Name = None, /, *, as_json: Json = False, data_dir: DataDir = None) -> int:
    """Print how far each projection is, and what it has parked. Exit code 1 when something is parked."""
    from infrastructure.read_models import projection_status

    found = run(projection_status(connected_settings(data_dir).with_keys(), _names(name)))
    if as_json:
        show(found, as_json=True)
    else:
        show([{**one, **_marks(one)} for one in found], as_json=False)
        _show_parked([{"projection": one["projection"], **parked} for one in found for parked in one["parked"]])
    return 1 if any(one["parked"] for one in found) else 0


@app.command
def rebuild(name: Name = None, /, *, as_json: Json = False, data_dir: DataDir = None) -> int:
    """Replay the log into fresh tables and put them in the place of the live ones; readers see the old ones until then.

    Exit code 1 when a record could not be applied and its organization is parked.
    """
    from infrastructure.read_models import rebuild_projections

    with progress(quiet=as_json) as advance:
        rebuilt = run(rebuild_projections(connected_settings(data_dir).with_keys(), _names(name), advance))
    show(rebuilt, as_json=as_json)
    return 1 if any(one["parked"] for one in rebuilt) else 0


@app.command
def verify(name: Name = None, /, *, as_json: Json = False, data_dir: DataDir = None) -> int:
    """Replay the log beside the live read models and compare every table. Exit code 1 when one differs."""
    from infrastructure.read_models import verify_projections

    with progress(quiet=as_json) as advance:
        tables = run(verify_projections(connected_settings(data_dir).with_keys(), _names(name), advance))
    show(tables, as_json=as_json)
    return 0 if all(table["equal"] for table in tables) else 1


@app.command
def retry(name: Name = None, /, *, as_json: Json = False, data_dir: DataDir = None) -> int:
    """Apply again, in order, what was parked, and print what is parked still. Exit code 1 when something is."""
    from infrastructure.read_models import retry_projections

    stuck = run(retry_projections(connected_settings(data_dir).with_keys(), _names(name)))
    show(stuck, as_json=as_json, nothing="nothing is parked")
    return 1 if stuck else 0


@app.command
def pause(name: OneName, /, *, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Hold a projection still until `resume`, also when workers are started again. Its rows stay as they are."""
    from infrastructure.read_models import pause_projections

    show(run(pause_projections(connected_settings(data_dir).with_keys(), _names(name))), as_json=as_json)


@app.command
def resume(name: OneName, /, *, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Let a paused projection go on from where it stopped."""
    from infrastructure.read_models import resume_projections

    show(run(resume_projections(connected_settings(data_dir).with_keys(), _names(name))), as_json=as_json)


def _names(name: str | None) -> Sequence[str]:
    """The projections that are meant. Raises `UnknownName`."""
    from projections.catalog import PROJECTIONS

    every = [projection.name for projection in PROJECTIONS]
    return every if name is None else [known_name("projection", name, every)]


def _marks(one: Row) -> Row:
    """The cells of a status that tell whether all is well."""
    parked = one["parked"]
    return {
        "state": Marked(one["state"], one["state"] != "live"),
        "lag_records": Marked(one["lag_records"], bool(one["lag_records"])),
        "parked": Marked(len(parked) if isinstance(parked, list) else 0, bool(parked)),
    }


def _show_parked(parked: Sequence[Row]) -> None:
    """Beneath the table: who waits for `retry`, since when and why."""
    if parked:
        print("\nparked, until `stagebook projections retry`:")
        show(parked, as_json=False)
