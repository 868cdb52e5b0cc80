"""The README's "Add a command in 6 steps", done to a copy of the program: what is not named there is not needed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

_ROOT = Path(__file__).parents[2]
_LAYERS = ("domain", "application", "projections", "api", "infrastructure", "client", "contracts")

_DOMAIN_EVENT = '''

class EventNoted(DomainEvent):
    """Somebody wrote a note."""

    type_name = "event.noted"
    note: str

    def apply(self, aggregate: Event) -> None:
        """Keep it."""
        aggregate.note = self.note
'''

_DECISION = '''    def take_note(self, note: str, *, now: datetime) -> None:
        """Notes can be taken as long as something may change (E2)."""
        self.require_open()
        self.trigger(EventNoted, now=now, note=note)
'''

_HANDLER = '''"""Notes on Events."""

from __future__ import annotations

from application.events.events import event_reply
from application.fields import Id, LongText
from application.registry import Command, Reply, command
from application.unit import Unit
from domain.events.event import Event, EventIsFinal


class NoteEvent(Command, frozen=True, kw_only=True):
    """Write a note on an Event."""

    event_id: Id
    note: LongText


@command(
    "POST /events/{event_id}/note",
    permission="events.manage",
    rules="E2",
    refusals=(EventIsFinal,),
    example={"note": "Bring the long cable"},
)
def note_event(command: NoteEvent, unit: Unit) -> Reply:
    """Write a note on an Event."""
    event = unit.get(Event, command.event_id)
    unit.match(event.version)
    event.take_note(command.note, now=unit.now)
    return event_reply(event)
'''

_PROJECTOR = '''

@RELATIONAL.on(EventNoted)
def noted(event: EventNoted, _: Record) -> Iterable[Change]:
    """The latest note in the row."""
    yield Set(events, event.originator_id, {"note": event.note})
'''


def _edit(path: Path, *edits: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in edits:
        assert text.count(old) >= 1, f"{old!r} is not in {path}"
        text = text.replace(old, new, 1)
    path.write_text(text)


def _take_the_steps(copy: Path) -> None:
    with (copy / "domain/events/facts.py").open("a") as facts:
        facts.write(_DOMAIN_EVENT)
    event = copy / "domain/events/event.py"
    _edit(
        event,
        ("    EventPostponed,\n", "    EventNoted,\n    EventPostponed,\n"),
        ("    booked_venues: ", "    note: str | None = None\n    booked_venues: "),
        ("    def cancel(self,", f"{_DECISION}\n    def cancel(self,"),
    )
    (copy / "application/events/notes.py").write_text(_HANDLER)
    projector = copy / "projections/events/events.py"
    _edit(
        projector,
        ("    EventPostponed,\n", "    EventNoted,\n    EventPostponed,\n"),
        ('    sa.Column("description", sa.Text),\n', '    sa.Column("description", sa.Text),\n    sa.Column("note", sa.Text),\n'),
    )
    with projector.open("a") as file:
        file.write(_PROJECTOR)
    _edit(copy / "projections/relational.py", ("version=2", "version=3"))


def _stagebook(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli.main", *arguments]
    return subprocess.run(command, cwd=copy, env=_environment(copy), capture_output=True, text=True, timeout=60, check=False)


def _environment(copy: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(copy)}


@contextmanager
def _running(copy: Path) -> Iterator[dict[str, Any]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "api.cli.main", "up", "--data-dir", "data", "--port", str(port), "--demo", "--json"]
    with subprocess.Popen(command, cwd=copy, env=_environment(copy), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def test_six_steps_add_a_command_with_route_contract_and_column(tmp_path: Path) -> None:
    for layer in _LAYERS:
        shutil.copytree(_ROOT / layer, tmp_path / layer, ignore=shutil.ignore_patterns("__pycache__"))
    _take_the_steps(tmp_path)
    assert "event.noted" in _stagebook(tmp_path, "catalog", "--check").stdout
    assert _stagebook(tmp_path, "catalog", "--write").returncode == 0
    assert _stagebook(tmp_path, "catalog", "--check").returncode == 0
    with (
        _running(tmp_path) as started,
        httpx.Client(base_url=started["url"], headers={"Authorization": f"Bearer {started['owner_key']}"}) as client,
    ):
        event = client.get("/v1/events").json()["data"][0]
        noted = client.post(f"/v1/events/{event['id']}/note", json={"note": "Bring the long cable"})
        assert noted.status_code == 200, noted.text
        row = client.get(f"/v1/events/{event['id']}", headers={"Stagebook-Min-Position": noted.headers["Stagebook-Position"]})
        assert (row.json()["note"], row.headers["ETag"]) == ("Bring the long cable", noted.headers["ETag"])
        assert "/v1/events/{event_id}/note" in client.get("/schema/openapi.json").json()["paths"]
