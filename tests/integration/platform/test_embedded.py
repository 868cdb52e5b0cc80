"""The embedded PostgreSQL."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from infrastructure.postgres.embedded import DataDirectoryInUse, DataDirectoryNewer, PostgresFailed, PostgresServer, running_url

ServerOn = Callable[[Path], PostgresServer]


@pytest.fixture
def server_on() -> Iterator[ServerOn]:
    """Makes servers, and stops them after the test."""
    made: list[PostgresServer] = []

    def make(data_dir: Path) -> PostgresServer:
        made.append(PostgresServer(data_dir))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def _ask(server: PostgresServer, statement: str) -> object:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_first_start_takes_about_a_second_and_has_utf8_and_checksums(server_on: ServerOn, data_dir: Path) -> None:
    server, begin = server_on(data_dir), time.monotonic()
    server.start()
    assert time.monotonic() - begin < 10  # about one on an idle machine
    assert _ask(server, "select concat_ws(' ', current_setting('server_encoding'), current_setting('data_checksums'))") == "UTF8 on"
    assert str(_ask(server, "show server_version")).startswith("18.")


def test_a_second_start_keeps_the_data(server_on: ServerOn, data_dir: Path) -> None:
    server = server_on(data_dir)
    server.start()
    _ask(server, "create table kept as select 42 as answer")
    server.stop()
    again = server_on(data_dir)
    again.start()
    assert _ask(again, "select answer from kept") == 42


def test_what_was_committed_survives_a_kill(server_on: ServerOn, data_dir: Path) -> None:
    server = server_on(data_dir)
    server.start()
    _ask(server, "create table kept as select 42 as answer")
    server.kill9()
    server.restart()
    assert _ask(server, "select answer from kept") == 42


def test_a_data_folder_that_another_process_uses_is_refused(server_on: ServerOn, data_dir: Path) -> None:
    server_on(data_dir).start()
    with pytest.raises(DataDirectoryInUse, match=f"^the data folder {data_dir} is in use by another stagebook$"):
        server_on(data_dir).start()


def test_a_refused_start_leaves_the_running_server_alone(server_on: ServerOn, data_dir: Path) -> None:
    server = server_on(data_dir)
    server.start()
    with pytest.raises(DataDirectoryInUse):
        server_on(data_dir).start()
    assert _ask(server, "select 1") == 1


def test_a_data_folder_whose_server_runs_without_its_parent_is_refused(
    server_on: ServerOn, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_on(data_dir)
    server.start()
    assert server._lock is not None
    fcntl.flock(server._lock, fcntl.LOCK_UN)
    monkeypatch.setattr("infrastructure.postgres.embedded._FORMER_SECONDS", 0.1)
    with pytest.raises(DataDirectoryInUse, match="in use by a PostgreSQL server, process"):
        server_on(data_dir).start()


def test_a_data_folder_of_a_newer_layout_is_refused(server_on: ServerOn, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "stagebook.version").write_text("99\n")
    with pytest.raises(DataDirectoryNewer, match="written by a later stagebook: layout 99"):
        server_on(data_dir).start()


def test_a_data_folder_of_a_newer_postgresql_is_refused(server_on: ServerOn, data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("19\n")
    with pytest.raises(DataDirectoryNewer, match="written by PostgreSQL 19"):
        server_on(data_dir).start()


def test_a_start_that_was_interrupted_while_making_the_cluster_is_made_good(server_on: ServerOn, data_dir: Path) -> None:
    (data_dir / "postgres.new").mkdir(parents=True)
    (data_dir / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = server_on(data_dir)
    server.start()
    assert _ask(server, "select 1") == 1


def test_a_process_id_that_a_dead_server_left_and_another_program_has_does_not_block_the_start(server_on: ServerOn, data_dir: Path) -> None:
    server = server_on(data_dir)
    server.start()
    left = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    server.stop()
    (data_dir / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *left[1:]]))
    server.start()
    assert _ask(server, "select 1") == 1


def test_it_starts_below_a_folder_that_only_its_owner_may_pass_and_changes_no_permission(server_on: ServerOn, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    server = server_on(private / "deep" / "data")
    server.start()
    assert _ask(server, "select 1") == 1
    assert private.stat().st_mode & 0o777 == 0o700


def test_a_very_long_data_folder_still_gets_a_socket(server_on: ServerOn, tmp_path: Path) -> None:
    server = server_on(tmp_path / ("long" * 30) / "data")
    server.start()
    assert _ask(server, "select 1") == 1


def test_nobody_else_may_enter_the_socket_folder(server_on: ServerOn, data_dir: Path) -> None:
    server = server_on(data_dir)
    server.start()
    assert server.sockets.stat().st_mode & 0o077 == 0


def test_a_socket_folder_that_others_may_enter_is_refused(server_on: ServerOn, data_dir: Path) -> None:
    server = server_on(data_dir)
    server.sockets.mkdir()
    server.sockets.chmod(0o777)
    try:
        with pytest.raises(PostgresFailed, match="must be a folder that belongs to us alone"):
            server.start()
    finally:
        server.sockets.rmdir()


def test_no_pg_variable_of_the_environment_changes_the_server(server_on: ServerOn, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    server = server_on(data_dir)
    server.start()
    assert _ask(server, "show port") == "5432"


def test_the_url_of_a_running_server_is_found_and_of_a_stopped_one_is_not(server_on: ServerOn, data_dir: Path) -> None:
    server = server_on(data_dir)
    assert running_url(data_dir) is None
    server.start()
    assert running_url(data_dir) == server.url()
    server.stop()
    assert running_url(data_dir) is None
    assert not server.sockets.exists()


def test_the_server_ends_when_its_parent_is_killed(data_dir: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from infrastructure.postgres.embedded import PostgresServer\n"
        "print(PostgresServer(Path(sys.argv[1])).start().pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(data_dir)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{server}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{server}").exists()
