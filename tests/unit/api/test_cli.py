"""The command line's shell."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from api.cli import main
from api.cli.output import Marked, progress, show
from infrastructure.faults import Fault
from infrastructure.settings import described

BASH = shutil.which("bash")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "STAGEBOOK_URL", "STAGEBOOK_KEY", "STAGEBOOK_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("arguments", [["frobnicate"], ["up", "--port", "x"], ["up", "--port", "70000"], ["catalog", "--check", "--write"]])
def test_wrong_use_is_said_in_one_line_on_standard_error_with_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("stagebook: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["migrat"], 'Did you mean "migrate"'),
        (["records", "tial"], 'Did you mean "tail"'),
        (["import", "venue", "x.csv"], 'Did you mean "venues"'),
        (["up", "--prot", "1"], "Did you mean --port?"),
        (["import", "venues", "x.csv", "--dryrun"], "Did you mean --dry-run?"),
        (["completion", "bsh"], 'Did you mean "bash"?'),
        (["import", "events", "x.json", "--timezone", "Europe/Berln"], "did you mean Europe/Berlin"),
        (["keys", "create", "Shop", "--scope", "orders.creat", "--key", "x"], "did you mean orders.create"),
        (["send", "add-venue", '{"capcity": 5}'], "there is no field capcity: did you mean capacity?"),
        (["send", "place-oder"], "there is no command place-oder: did you mean place-order or cancel-order or expire-order?"),
    ],
)
def test_what_is_misspelt_is_answered_with_what_was_meant(arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(arguments) == 2
    assert meant in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["projections", "verify", "relatonal"], "there is no projection relatonal: did you mean relational?"),
        (["records", "tail", "--type", "order.plced"], "there is no record type order.plced: did you mean order.placed"),
        (["records", "tail", "--type", "sandwich.*"], "there is no record type sandwich.*: there is "),
    ],
)
def test_names_are_looked_at_before_the_database(
    arguments: list[str], meant: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setenv("STAGEBOOK_MASTER_KEY", "0" * 64)
    assert main.run(arguments) == 2
    assert meant in capsys.readouterr().err


def test_a_fault_is_said_in_one_line_with_its_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Fault):
        exit_code = 1

    def fail() -> None:
        message = "it is broken"
        raise Broken(message)

    monkeypatch.setattr("api.cli.database.database_url", fail)
    assert main.run(["database-url"]) == 1
    assert capsys.readouterr().err == "stagebook: it is broken\n"


def test_without_a_server_the_commands_say_how_to_get_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["database-url", "--data-dir", str(tmp_path)]) == 2
    assert "run `stagebook up`, or set DATABASE_URL" in capsys.readouterr().err


def test_without_a_key_nothing_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["keys", "list"]) == 2
    assert capsys.readouterr().err == "stagebook: an API key is needed: name it with --key, or set STAGEBOOK_KEY\n"


def test_database_url_prints_the_url_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://host/database")
    assert main.run(["database-url"]) == 0
    assert capsys.readouterr().out == "postgresql://host/database\n"


def test_the_list_of_commands_loads_neither_drivers_nor_frameworks() -> None:
    code = "import sys; from api.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "database-url" in done.stdout
    assert {"asyncpg", "litestar", "sqlalchemy", "eventsourcing", "cryptography", "httpx"} & set(done.stderr.split()) == set()


def test_every_command_explains_itself_and_each_of_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (command for app in [main.program()] for command in _commands(app)):
        assert main.run([*arguments, "--help"]) == 0
        said = capsys.readouterr().out
        assert f"Usage: stagebook {' '.join(arguments)}" in said
        unexplained = [
            line for line in said.splitlines() if line.startswith("│") and "--" in line and len(line.strip("│ ").split("  ")) < 2
        ]
        assert unexplained == []


@pytest.mark.skipif(BASH is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("pro", "projections"),
        ("projections re", "rebuild resume retry"),
        ("records tail --fo", "--follow"),
        ("import events --t", "--timezone"),
    ],
)
def test_bash_completes_commands_and_options(typed: str, completed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    words = " ".join(["stagebook", *typed.split()])
    ask = f'COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _stagebook; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run([str(BASH), "--norc", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=True)
    assert " ".join(sorted(done.stdout.split())) == completed
    assert done.stderr == ""


def test_settings_are_all_told_and_secrets_are_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("STAGEBOOK_MASTER_KEY", "ab" * 32)
    monkeypatch.setenv("STAGEBOOK_PORT", "9999")
    assert main.run(["settings", "--json"]) == 0
    told = {line["variable"]: line for line in map(msgspec.json.decode, capsys.readouterr().out.splitlines())}
    assert told.keys() == {doc.variable for doc in described()}
    assert (told["STAGEBOOK_PORT"]["value"], told["STAGEBOOK_PORT"]["default"]) == ("9999", "8080")
    assert told["STAGEBOOK_MASTER_KEY"]["value"] not in ("", "ab" * 32)
    assert main.run(["settings"]) == 0
    said = capsys.readouterr().out
    assert "ab" * 32 not in said
    assert all(doc.variable in said for doc in described())


def test_tables_are_for_people_and_lines_of_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "[a]", "count": 12000, "good": True, "left": None, "marked": Marked(5, wrong=True)}]
    show(rows, as_json=False)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["name", "count", "good", "left", "marked"],
        ["[a]", "12,000", "yes", "5"],
    ]
    show([{"name": "a", "count": 12000}], as_json=True)
    assert capsys.readouterr().out == '{"name":"a","count":12000}\n'
    show([], as_json=False, nothing="none at all")
    assert capsys.readouterr().out == "none at all\n"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("quiet", "shown"), [(False, True), (True, False)])
def test_progress_is_shown_on_a_terminal_and_not_to_programs(quiet: bool, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress(quiet=quiet) as advance:
        for done in range(1, 5):
            advance("venues", done, 4)
    assert ("venues" in terminal.getvalue() and "4/4" in terminal.getvalue()) == shown
    assert shown or terminal.getvalue() == ""


def test_progress_goes_nowhere_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as advance:
        advance("venues", 1, 4)
    assert capsys.readouterr() == ("", "")


def _commands(app: object, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [above] if above else []
    for name in app:  # type: ignore[attr-defined]  # an App is iterated over by the names of its commands
        if not name.startswith("-"):
            found += _commands(app[name], (*above, name))  # type: ignore[index]
    return found
