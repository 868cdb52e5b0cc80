"""The command line's shell."""

from __future__ import annotations

import subprocess
import sys

import pytest

from api.cli import main
from infrastructure.faults import Fault


@pytest.mark.parametrize("arguments", [["frobnicate"], ["up", "--port", "x"], ["up", "--port", "70000"], ["catalog", "--check", "--write"]])
def test_wrong_use_is_said_in_one_line_on_standard_error_with_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("stagebook: ")
    assert captured.err.count("\n") == 1


def test_a_fault_is_said_in_one_line_with_its_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Fault):
        exit_code = 1

    def fail() -> None:
        message = "it is broken"
        raise Broken(message)

    monkeypatch.setattr("api.cli.database.database_url", fail)
    assert main.run(["database-url"]) == 1
    assert capsys.readouterr().err == "stagebook: it is broken\n"


def test_without_a_server_the_commands_say_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main.run(["database-url", "--data-dir", str(tmp_path)]) == 2
    assert "run `stagebook up`, or set DATABASE_URL" in capsys.readouterr().err


def test_database_url_prints_the_url_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://host/database")
    assert main.run(["database-url"]) == 0
    assert capsys.readouterr().out == "postgresql://host/database\n"


def test_the_list_of_commands_loads_neither_drivers_nor_frameworks() -> None:
    code = "import sys; from api.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "database-url" in done.stdout
    assert {"asyncpg", "litestar", "sqlalchemy", "eventsourcing", "cryptography"} & set(done.stderr.split()) == set()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["place-oder"], "there is no command place-oder: place-order, cancel-order, expire-order"),
        (["place-order", "[1]"], "the fields are not a JSON object: Expected `object`, got `array`"),
    ],
)
def test_send_names_what_is_wrong_before_it_sends_anything(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["send", *arguments]) == 2
    assert capsys.readouterr().err == f"stagebook: {line}\n"
