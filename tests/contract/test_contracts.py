"""The contract files: what was stored once stays readable, and the files tell the truth about the program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from application.registry import COMMANDS, CommandSpec
from domain.aggregate import EVENT_TYPES, DomainEvent
from infrastructure.codec.contracts import ContractBroken, check_contracts, write_contracts
from tests.unit.codec import sample
from tests.unit.codec.sample import RING

ROOT = Path(__file__).parents[2] / "contracts"


def record_type(version: int, *, upcasters: tuple[int, ...] = (), **fields: Any) -> dict[str, type[DomainEvent]]:
    """A registry with one record type of the given version and fields."""
    methods = {f"upcast_v{n}_v{n + 1}": staticmethod(dict.copy) for n in upcasters}
    body = {"type_name": "sample_bell.rung", "class_version": version, "__annotations__": fields, "__module__": __name__}
    kind: Any = type("BellRung", (DomainEvent,), body | methods)
    EVENT_TYPES.pop("sample_bell.rung")
    return {"sample_bell.rung": kind}


VERSION_1 = record_type(1, times=int)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Contracts as they were written for version 1."""
    write_contracts(tmp_path, VERSION_1, {"ring_the_bell": RING})
    return tmp_path


def complaints(root: Path, records: dict[str, type[DomainEvent]], commands: dict[str, CommandSpec] | None = None) -> list[str]:
    return check_contracts(root, records, {"ring_the_bell": RING} if commands is None else commands)


def test_the_contracts_of_this_program_are_kept() -> None:
    assert check_contracts(ROOT, EVENT_TYPES, COMMANDS) == []


def test_nothing_to_complain_about_after_writing(root: Path) -> None:
    assert complaints(root, VERSION_1) == []
    assert write_contracts(root, VERSION_1, {"ring_the_bell": RING}) == []


def test_a_new_type_or_command_has_to_be_written(tmp_path: Path) -> None:
    found = complaints(tmp_path, VERSION_1)
    assert [line.split("/", 1)[1].split(" ")[0] for line in found] == ["commands/ring_the_bell.json", "records/sample_bell.rung.v1.json"]
    assert all("stagebook catalog --write" in line for line in found)


@pytest.mark.parametrize(
    "fields",
    [{"times": int, "tone": str}, {"times": int, "tone": str | None}, {"times": str}, {"count": int}, {}, {"times": int | None}],
    ids=str,
)
def test_a_changed_form_without_a_raised_version_is_refused(root: Path, fields: dict[str, Any]) -> None:
    changed = record_type(1, **fields)
    assert any("raise class_version to 2 and add upcast_v1_v2" in line for line in complaints(root, changed))
    before = (root / "records" / "sample_bell.rung.v1.json").read_bytes()
    with pytest.raises(ContractBroken, match=r"sample_bell\.rung"):
        write_contracts(root, changed, {})
    assert (root / "records" / "sample_bell.rung.v1.json").read_bytes() == before


def test_a_raised_version_needs_its_upcaster(root: Path) -> None:
    assert any("upcast_v1_v2 is missing" in line for line in complaints(root, record_type(2, times=int, tone=str)))


def test_a_raised_version_with_upcaster_is_written_beside_the_old_one(root: Path) -> None:
    raised = record_type(2, upcasters=(1,), times=int, tone=str)
    assert write_contracts(root, raised, {"ring_the_bell": RING}) == [root / "records" / "sample_bell.rung.v2.json"]
    assert (root / "records" / "sample_bell.rung.v1.json").exists()
    assert complaints(root, raised) == []


def test_every_step_of_a_chain_needs_its_upcaster(root: Path) -> None:
    found = complaints(root, record_type(3, upcasters=(2,), times=int))
    assert any("upcast_v1_v2 is missing" in line for line in found)
    assert not any("upcast_v2_v3 is missing" in line for line in found)


def test_a_vanished_type_is_noticed(root: Path) -> None:
    assert any("sample_bell.rung.v1.json: no record type" in line for line in complaints(root, {}))


def test_a_vanished_old_version_is_noticed(root: Path) -> None:
    raised = record_type(2, upcasters=(1,), times=int, tone=str)
    write_contracts(root, raised, {"ring_the_bell": RING})
    (root / "records" / "sample_bell.rung.v1.json").unlink()
    assert any("stay for good" in line for line in complaints(root, raised))


def test_a_lowered_version_is_noticed(root: Path) -> None:
    write_contracts(root, record_type(2, upcasters=(1,), times=int, tone=str), {})
    assert any("went back to version 1" in line for line in complaints(root, VERSION_1))


def test_a_vanished_command_is_noticed(root: Path) -> None:
    assert any("the command is gone" in line for line in complaints(root, VERSION_1, {}))


def test_a_changed_command_is_written_anew(root: Path) -> None:
    changed = CommandSpec(**{name: getattr(RING, name) for name in RING.__struct_fields__} | {"permission": "bell.break"})
    assert any("commands/ring_the_bell.json is not up to date" in line for line in complaints(root, VERSION_1, {"ring_the_bell": changed}))
    assert write_contracts(root, VERSION_1, {"ring_the_bell": changed}) == [root / "commands" / "ring_the_bell.json"]


def test_a_record_contract_says_whose_a_sealed_field_is_and_what_was_sealed(tmp_path: Path) -> None:
    write_contracts(tmp_path, sample.EVENTS, {})
    contract = json.loads((tmp_path / "records" / "sample_choir.founded.v1.json").read_text())
    assert contract["title"] == "sample_choir.founded"
    assert contract["x-version"] == 1
    email = contract["properties"]["leader_email"]
    assert email["x-sealed"] == {"subject": "leader", "value": {"anyOf": [{"type": "string"}, {"type": "null"}]}}
    assert email["anyOf"][0]["required"] == ["key", "commit", "box"]


def test_a_command_contract_says_all_that_clients_rely_on(root: Path) -> None:
    contract = json.loads((root / "commands" / "ring_the_bell.json").read_text())
    assert contract["refusals"] == {"bell_broken": "O1"}
    assert (contract["method"], contract["path"], contract["permission"]) == ("POST", "/choirs/{choir_id}/bell", "bell.ring")
    assert "times" in json.dumps(contract["schema"])


def test_the_files_are_the_same_whenever_they_are_written(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_contracts(tmp_path / folder, sample.EVENTS, {"ring_the_bell": RING})
    one, two = ({path.name: path.read_bytes() for path in sorted((tmp_path / folder).rglob("*.json"))} for folder in ("one", "two"))
    assert one == two
    assert len(one) == len(sample.EVENTS) + 1
