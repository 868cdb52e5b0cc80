"""The command line on the running system."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from api.cli import main
from api.cli.records import _tail
from infrastructure.postgres.search import Filter
from tests.support.stack import PATIENCE, PROGRAM, Stack, Tenant, clean_environment

Lines = list[dict[str, Any]]
Say = Callable[..., tuple[int, Lines]]


@pytest.fixture
def say(stack: Stack, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command on the running system with `--json`, as the tenant: its exit code and its lines."""
    for name in [name for name in os.environ if name.startswith("STAGEBOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", stack.database_url)
    monkeypatch.setenv("STAGEBOOK_DATA_DIR", str(stack.data_dir))
    monkeypatch.setenv("STAGEBOOK_URL", stack.url)
    monkeypatch.setenv("STAGEBOOK_KEY", tenant.key)

    def run(*arguments: str) -> tuple[int, Lines]:
        code = main.run([*arguments, "--json"])
        return code, [msgspec.json.decode(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_records_are_told_by_organization_type_and_stream(say: Say, tenant: Tenant) -> None:
    organization = tenant.founded["id"]
    hall = tenant.made("/v1/venues", {"name": "Hall", "capacity": 10})["id"]
    tenant.made("/v1/venues", {"name": "Yard", "capacity": 20})
    tenant.send("PATCH", f"/v1/venues/{hall}", {"capacity": 11})

    def told(*filters: str) -> list[str]:
        code, lines = say("records", "tail", *filters)
        assert code == 0
        assert [line["position"] for line in lines] == sorted(line["position"] for line in lines)
        return [line["type"] for line in lines]

    assert told("--organization", organization, "-n", "3") == ["venue.added", "venue.added", "venue.details_changed"]
    assert told("--organization", organization, "--type", "venue.details_*") == ["venue.details_changed"]
    assert told("--stream", hall) == ["venue.added", "venue.details_changed"]
    assert told("--stream", str(uuid4())) == []


async def test_records_are_followed_through_the_filter(stack: Stack, tenant: Tenant) -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()
    wanted = Filter(types=["venue.added"], organization_id=UUID(tenant.founded["id"]))
    following = asyncio.create_task(_tail(stack.database_url, wanted, 5, follow=True, say=lambda record: seen.put_nowait(record.type)))
    async with asyncio.timeout(PATIENCE):
        for name in ("Hall", "Yard"):
            await asyncio.to_thread(tenant.made, "/v1/venues", {"name": name, "capacity": 10})
            await asyncio.to_thread(tenant.show)
            assert await seen.get() == "venue.added"
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert seen.empty()


@pytest.mark.usefixtures("say")
def test_a_record_is_shown_whole_and_one_that_is_not_there_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["records", "show", "1"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out)["type"] == "organization.created"
    assert main.run(["records", "show", "99999999"]) == 1
    assert capsys.readouterr().err == "stagebook: the log has no record at position 99999999\n"


def test_a_paused_projection_says_so_and_goes_on_when_it_is_told_to(say: Say, tenant: Tenant) -> None:
    assert say("projections", "pause", "relational")[1][0]["state"] == "paused"
    try:
        code, (status,) = say("projections", "status", "relational")
        assert (code, status["projection"], status["state"], status["parked"]) == (0, "relational", "paused", [])
        made = tenant.made("/v1/venues", {"name": "Hall", "capacity": 10})
        assert say("projections", "status", "relational")[1][0]["lag_records"] > 0
    finally:
        assert say("projections", "resume", "relational")[1][0]["state"] == "live"
    assert tenant.row(f"/v1/venues/{made['id']}", made["position"])["name"] == "Hall"


def test_read_models_are_built_anew_and_verified(say: Say) -> None:
    code, (rebuilt,) = say("projections", "rebuild", "deadlines")
    assert (code, rebuilt["projection"], rebuilt["parked"]) == (0, "deadlines", 0)
    code, tables = say("projections", "verify")
    assert code == 0
    assert {table["projection"] for table in tables} >= {"relational", "deadlines"}
    assert all(table["equal"] for table in tables)
    assert say("projections", "retry") == (0, [])


def test_a_table_that_is_wrong_is_exit_code_1(stack: Stack, say: Say, tenant: Tenant) -> None:
    made = tenant.made("/v1/venues", {"name": "Hall", "capacity": 10})
    tenant.row(f"/v1/venues/{made['id']}", made["position"])
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("update read.venues set capacity = 11 where id = %s", [made["id"]])
        try:
            code, tables = say("projections", "verify", "relational")
        finally:
            connection.execute("update read.venues set capacity = 10 where id = %s", [made["id"]])
    assert code == 1
    assert [(table["table"], table["differing"]) for table in tables if not table["equal"]] == [("venues", made["id"])]


def test_a_key_is_made_listed_and_revoked(stack: Stack, say: Say) -> None:
    code, (made,) = say("keys", "create", "Shop", "--scope", "orders.*", "--scope", "data.read")
    assert code == 0
    shop = Tenant(stack.url, made["key"])
    with shop:
        assert shop.get("/v1/events").status_code == 200
        _, keys = say("keys", "list")
        shown = {key["name"]: key for key in keys}["Shop"]
        assert (shown["id"], shown["scopes"], shown["revoked_at"]) == (made["id"], ["orders.create", "orders.manage", "data.read"], None)
        assert say("keys", "revoke", shown["prefix"])[0] == 0
        assert shop.get("/v1/events").status_code == 401
    assert {key["name"]: key for key in say("keys", "list")[1]}["Shop"]["revoked_at"] is not None


@pytest.mark.usefixtures("say")
def test_what_the_api_refuses_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["keys", "list", "--key", "wrong"]) == 1
    assert capsys.readouterr().err == "stagebook: 401 unauthenticated: No valid credential was given.\n"


@pytest.mark.parametrize("arguments", [["records", "tail"], ["records", "show", "1"], ["projections", "status"]])
def test_a_database_that_cannot_be_reached_is_said_in_one_line(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setenv("STAGEBOOK_MASTER_KEY", "0" * 64)
    assert main.run(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("stagebook: the database cannot be reached: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_process_without_a_database_ends_with_one_line(command: str, tmp_path: Path) -> None:
    environment = clean_environment() | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "STAGEBOOK_DATA_DIR": str(tmp_path)}
    done = subprocess.run([*PROGRAM, command], env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 2
    assert done.stderr.startswith("stagebook: the database cannot be reached: ")
    assert done.stderr.count("\n") == 1


def test_a_database_of_something_else_is_said_in_one_line(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", stack.database_url.replace("/stagebook?", "/postgres?"))
    assert main.run(["records", "tail"]) == 2
    assert "run `stagebook migrate`" in capsys.readouterr().err


def test_without_an_api_it_is_said_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["keys", "list", "--key", "x", "--url", "http://127.0.0.1:1"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("stagebook: no answer from http://127.0.0.1:1: ")
    assert "`stagebook up`" in error
    assert error.count("\n") == 1
