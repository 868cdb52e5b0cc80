"""`stagebook up` with the real API and worker, and the commands that look at a running system."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

STAGEBOOK = [sys.executable, "-m", "api.cli.main"]
# The tree under test, installed or not.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {"PYTHONPATH": str(Path(__file__).parents[3])}


@contextmanager
def _running(data_dir: Path) -> Iterator[dict[str, Any]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    command = [*STAGEBOOK, "up", "--data-dir", str(data_dir), "--port", port, "--demo", "--json"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield msgspec.json.decode(process.stdout.readline())
        finally:
            process.terminate()
            complaints = process.communicate(timeout=60)[1]
    assert process.returncode == 0, complaints


def _stagebook(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*STAGEBOOK, *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60)


def _events(started: dict[str, Any], key: str) -> list[str]:
    answer = httpx.get(f"{started['url']}/v1/events", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text
    return sorted(event["name"] for event in answer.json()["data"])


def test_the_first_start_has_a_demo_to_look_at_and_the_second_one_has_the_same_data(data_dir: Path) -> None:
    with _running(data_dir) as first:
        key = first["owner_key"]
        assert _stagebook(data_dir, "projections", "status").returncode == 0
        events = _events(first, key)
        last = _stagebook(data_dir, "records", "tail", "--number", "1").stdout
        assert httpx.get(first["docs_url"]).status_code == 200
    with _running(data_dir) as second:
        assert second["owner_key"] is None
        assert _events(second, key) == events != []
        assert _stagebook(data_dir, "records", "tail", "--number", "1").stdout == last != ""


def test_records_and_read_models_can_be_looked_at_while_it_runs(data_dir: Path) -> None:
    with _running(data_dir) as started:
        assert _stagebook(data_dir, "database-url").stdout.strip() == started["database_url"]
        shown = msgspec.json.decode(_stagebook(data_dir, "records", "show", "1").stdout)
        assert (shown["position"], shown["type"]) == (1, "organization.created")
        missing = _stagebook(data_dir, "records", "show", "1000000")
        assert (missing.returncode, missing.stderr) == (1, "stagebook: the log has no record at position 1000000\n")
        tables = _stagebook(data_dir, "projections", "verify", "--json")
        assert tables.returncode == 0
        assert all(msgspec.json.decode(line)["equal"] for line in tables.stdout.splitlines())
