"""The process tree: start, faults of the surroundings, crashes, stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

Up = Callable[..., subprocess.Popen[str]]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def up(data_dir: Path) -> Iterator[Up]:
    """Starts the supervisor on `data_dir`; ended after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*, port: int | None = None, **environment: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        command = [sys.executable, "-m", "tests.support.supervised", "up", str(data_dir), str(port or _free_port())]
        process = subprocess.Popen(command, env=clean | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=60)


def _announced(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    found: dict[str, Any] = msgspec.json.decode(line)
    return found


def _last_line(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=60)[1].splitlines()[-1]


def _running(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()}


def _children(data_dir: Path) -> set[int]:
    stand_ins = {int((data_dir / name).read_text()) for name in ("serve.pid", "work.pid")}
    return stand_ins | {int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])}


def _until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_announces_urls_and_keys_in_one_line_once_everything_is_ready(up: Up) -> None:
    port = _free_port()
    found = _announced(up(port=port))
    assert found["url"] == f"http://127.0.0.1:{port}"
    assert found["docs_url"] == f"http://127.0.0.1:{port}/docs"
    assert found["platform_key"].startswith("sbp_")
    assert found["owner_key"] == "sbk_demo"
    with psycopg.connect(found["database_url"]) as connection:
        assert connection.execute("select count(*) from log.records").fetchone() == (0,)


def test_the_platform_key_is_shown_at_the_first_start_alone(up: Up) -> None:
    first = up()
    assert _announced(first)["platform_key"]
    first.terminate()
    assert first.wait(30) == 0
    assert _announced(up())["platform_key"] is None


def test_the_demo_is_loaded_into_an_empty_log_alone(up: Up, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into log.records select 1, id, 1, id, id, 'x', 1, 'x.y', 1, '{}', '{}', now(), ''"
            " from (select gen_random_uuid() as id) as drawn"
        )
    assert _announced(up(DATABASE_URL=database_url))["owner_key"] is None


def test_sigterm_ends_every_child_with_exit_code_0(up: Up, data_dir: Path) -> None:
    process = up()
    _announced(process)
    children = _children(data_dir)
    assert _running(children) == children
    process.terminate()
    assert process.wait(30) == 0
    assert _running(children) == set()


def test_ctrl_c_in_the_terminal_ends_every_child_with_exit_code_0(up: Up, data_dir: Path) -> None:
    process = up()
    _announced(process)
    children = _children(data_dir)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert _running(children) == set()


def test_no_child_outlives_a_supervisor_that_is_killed(up: Up, data_dir: Path) -> None:
    process = up()
    _announced(process)
    children = _children(data_dir)
    process.kill()
    process.wait(10)
    _until(lambda: _running(children) == set())


def test_it_can_be_started_again_right_after_it_was_killed(up: Up) -> None:
    first = up()
    _announced(first)
    first.kill()
    first.wait(10)
    assert _announced(up())["url"]


@pytest.mark.parametrize("name", ["serve.pid", "work.pid"])
def test_a_child_that_crashed_is_started_again(up: Up, data_dir: Path, name: str) -> None:
    _announced(up())
    before = (data_dir / name).read_text()
    os.kill(int(before), signal.SIGKILL)
    _until(lambda: (data_dir / name).read_text() not in {before, ""})


def test_a_database_that_crashed_is_started_again(up: Up, data_dir: Path) -> None:
    url = _announced(up())["database_url"]
    os.kill(int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)

    def answers() -> bool:
        try:
            psycopg.connect(url, connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    _until(lambda: not answers())
    _until(answers)


def test_a_child_that_keeps_ending_ends_everything_with_exit_code_1(up: Up, data_dir: Path) -> None:
    process = up()
    _announced(process)
    children = _children(data_dir)
    (data_dir / "broken").write_text("")
    os.kill(int((data_dir / "serve.pid").read_text()), signal.SIGKILL)
    assert _last_line(process) == "stagebook: api ended 6 times within a minute, last with exit code 7"
    assert process.returncode == 1
    assert _running(children) == set()


def test_an_api_that_does_not_start_is_said_in_one_line(up: Up, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "broken").write_text("")
    process = up()
    assert _last_line(process) == "stagebook: api ended with exit code 7 before everything was ready; its log above says why"
    assert process.returncode == 1


def test_the_platform_key_is_not_lost_by_a_first_start_that_fails(up: Up, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "broken").write_text("")
    up().wait(30)
    (data_dir / "broken").unlink()
    assert _announced(up())["platform_key"]


def test_a_port_in_use_is_said_in_one_line_with_exit_code_2(up: Up, data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = up(port=port)
        expected = f"stagebook: port {port} on 127.0.0.1 is in use; choose another with --port or STAGEBOOK_PORT\n"
        assert process.communicate(timeout=30) == ("", expected)
    assert process.returncode == 2
    assert not data_dir.exists()


def test_a_data_folder_in_use_is_said_in_one_line_with_exit_code_2(up: Up, data_dir: Path) -> None:
    _announced(up())
    second = up()
    assert second.communicate(timeout=30) == ("", f"stagebook: the data folder {data_dir} is in use by another stagebook\n")
    assert second.returncode == 2


def test_a_newer_data_folder_is_said_in_one_line_with_exit_code_2(up: Up, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "stagebook.version").write_text("99\n")
    process = up()
    output, complaint = process.communicate(timeout=30)
    assert (output, complaint.count("\n"), process.returncode) == ("", 1, 2)
    assert "written by a later stagebook" in complaint


def test_an_unreachable_database_url_is_said_in_one_line_without_its_password(up: Up) -> None:
    port = _free_port()
    process = up(DATABASE_URL=f"postgresql://user:secret@127.0.0.1:{port}/x")
    complaint = process.communicate(timeout=30)[1]
    assert complaint.startswith(f"stagebook: DATABASE_URL: no connection to PostgreSQL at 127.0.0.1:{port}: ")
    assert complaint.count("\n") == 1
    assert "secret" not in complaint
    assert process.returncode == 2


def test_with_a_database_url_no_server_is_started(up: Up, data_dir: Path, empty_database_url: str) -> None:
    assert _announced(up(DATABASE_URL=empty_database_url))["database_url"] == empty_database_url
    assert not (data_dir / "postgres").exists()
