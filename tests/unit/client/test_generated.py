"""The generated part of the client: as the registry and the tables have it, and read by the server as it was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.client_code import check_client, client_code, write_client
from api.client_code.rows import row_name
from api.client_code.source import docstring, statement, value_source
from api.client_code.types import Names
from api.resources import collection
from application.registry import COMMANDS, CommandSpec
from client import Command, commands, rows
from projections.queries.fields import fields
from projections.schema import READ

CLIENT = Path(__file__).parents[3] / "client"
ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def test_the_client_is_up_to_date() -> None:
    assert check_client(CLIENT) == []


def test_a_stale_module_is_named_and_written_anew(tmp_path: Path) -> None:
    folder = tmp_path / "client"
    assert {path.name for path in write_client(folder)} == {"commands.py", "replies.py", "rows.py"}
    (folder / "rows.py").write_text("# mended by hand\n")
    assert check_client(folder) == ["client/rows.py is not up to date: run `stagebook catalog --write`"]
    assert write_client(folder) == [folder / "rows.py"]
    assert (folder / "rows.py").read_text() == client_code()["rows.py"]


@pytest.mark.parametrize("spec", COMMANDS.values(), ids=lambda spec: spec.name)
def test_the_server_reads_a_command_as_the_client_wrote_it(spec: CommandSpec) -> None:
    fields_ = spec.example | dict.fromkeys(spec.path_fields, str(ID))
    command = _client_class(spec)(**fields_)
    sent = msgspec.json.decode(msgspec.json.encode(command), type=dict[str, Any])
    assert sent.pop("command") == spec.name
    assert msgspec.convert(sent, spec.type) == msgspec.convert(fields_, spec.type)


@pytest.mark.parametrize("spec", COMMANDS.values(), ids=lambda spec: spec.name)
def test_a_command_of_the_client_has_the_fields_the_defaults_and_the_route_of_the_registry(spec: CommandSpec) -> None:
    kind = _client_class(spec)
    assert f"{spec.method} {spec.path}" == kind.ROUTE
    theirs = {field.name: (field.required, field.default) for field in msgspec.structs.fields(spec.type)}
    assert {field.name: (field.required, field.default) for field in msgspec.structs.fields(kind)} == theirs
    answered = set(() if spec.data is None else spec.data.__annotations__) | set(spec.secrets)
    assert set(kind.REPLY.__struct_fields__) == {"id", "version", "position", "replayed"} | answered


@pytest.mark.parametrize("table", READ.tables.values(), ids=lambda table: table.name)
def test_a_row_of_the_client_has_the_columns_that_are_shown_and_no_secrets(table: Any) -> None:
    kind = getattr(rows, row_name(table.name))
    assert table.name == kind.TABLE
    assert collection(table.name) == kind.COLLECTION
    assert set(kind.__struct_fields__) == set(fields(table))


def test_no_key_is_in_a_row_of_a_key() -> None:
    assert "hash" not in rows.ApiKey.__struct_fields__


def test_irregular_plurals_have_a_singular() -> None:
    assert [row_name(name) for name in ("ticket_categories", "api_keys", "venue_bookings")] == ["TicketCategory", "ApiKey", "VenueBooking"]


def test_a_default_without_a_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="has no place in the client"):
        value_source(object())


def test_a_type_that_the_client_cannot_express_is_refused() -> None:
    with pytest.raises(TypeError, match="has no place in the client"):
        Names().source(frozenset[str])


def test_long_enumerations_have_a_line_per_value() -> None:
    values = ", ".join(f'"value_{number}"' for number in range(12))
    text = statement("status: ", f"Literal[{values}] | None")
    assert text.splitlines()[:2] == ["status: Literal[", '    "value_0",']
    assert text.splitlines()[-1] == "] | None"


def test_a_docstring_with_a_backslash_is_raw() -> None:
    assert docstring(r"Pattern `\d`.", "") == 'r"""Pattern `\\d`."""\n'


def _client_class(spec: CommandSpec) -> type[Command[Any]]:
    found: type[Command[Any]] = getattr(commands, spec.type.__name__)
    return found
