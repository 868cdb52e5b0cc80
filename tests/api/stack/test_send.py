"""`stagebook send` against the running system: the names on the command line are those of the registry."""

from __future__ import annotations

import msgspec
import pytest

from api.cli import main
from tests.support.stack import Stack, Tenant


def test_a_command_is_sent_by_its_name(stack: Stack, tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["send", "add-venue", '{"name": "Old Customs House", "capacity": 1500}', "--url", stack.url, "--key", tenant.key]
    assert main.run(arguments) == 0
    reply = msgspec.json.decode(capsys.readouterr().out)
    venue = tenant.http.get(f"/v1/venues/{reply['id']}", headers={"Stagebook-Min-Position": str(reply["position"])})
    assert venue.json()["capacity"] == 1500


def test_t21_the_same_idempotency_key_sends_once(stack: Stack, tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "send",
        "add-venue",
        '{"name": "Once", "capacity": 5}',
        "--url",
        stack.url,
        "--key",
        tenant.key,
        "--idempotency-key",
        "one venue",
    ]
    answers = []
    for _ in range(2):
        assert main.run(arguments) == 0
        answers.append(msgspec.json.decode(capsys.readouterr().out))
    assert [answer.pop("replayed") for answer in answers] == [False, True]
    assert answers[0] == answers[1]


def test_a_refusal_is_exit_code_1_with_its_problem(
    stack: Stack, tenant: Tenant, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGEBOOK_KEY", tenant.key)
    assert main.run(["send", "add-venue", '{"name": "", "capacity": 0}', "--url", stack.url]) == 1
    problem = msgspec.json.decode(capsys.readouterr().err)
    assert (problem["status"], [error["pointer"] for error in problem["errors"]]) == (422, ["/name", "/capacity"])


def test_a_field_that_must_be_there_is_asked_for_before_anything_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["send", "add-venue", '{"name": "Hall"}', "--key", "x"]) == 2
    assert capsys.readouterr().err == "stagebook: add-venue: Missing required argument 'capacity'\n"
