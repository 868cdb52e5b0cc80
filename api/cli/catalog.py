"""`stagebook catalog`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from infrastructure.faults import Fault

Flag = Annotated[bool, Parameter(negative="")]


class Ambiguous(Fault):
    """Two options exclude each other."""


def catalog(
    *,
    check: Flag = False,
    write: Flag = False,
    as_json: Annotated[bool, Parameter("--json", negative="")] = False,
    contracts: Path = Path("contracts"),
    client: Path = Path("client"),
) -> int:
    """Print every command and record type; or compare them with the contracts and the client, which others rely on.

    Parameters
    ----------
    check
        Print only what is wrong between the program and these; exit code 1 when something is.
    write
        Write what is new into the contracts and the client, and print the files.
    as_json
        Print the catalogue as one JSON object a line.
    contracts
        Folder of the contracts.
    client
        Folder of the Python client.
    """
    if check and write:
        message = "--check and --write exclude each other"
        raise Ambiguous(message)
    if check:
        return _check(contracts, client)
    if write:
        return _write(contracts, client)
    from infrastructure.codec.catalog import print_catalog

    print_catalog(json=as_json)
    return 0


def _check(contracts: Path, client: Path) -> int:
    from api.client_code import check_client
    from infrastructure.codec.contracts import check_contracts

    complaints = check_contracts(contracts) + check_client(client)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


def _write(contracts: Path, client: Path) -> int:
    from api.client_code import write_client
    from infrastructure.codec.contracts import ContractBroken, write_contracts

    try:
        written = write_contracts(contracts) + write_client(client)
    except ContractBroken as broken:
        print(*broken.complaints, sep="\n")
        return 1
    for path in written:
        print(path)
    return 0
