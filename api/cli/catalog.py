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
) -> int:
    """Print every command and record type; or compare them with the contracts that clients and stored records rely on.

    Parameters
    ----------
    check
        Print only what is wrong between the program and the contracts; exit code 1 when something is.
    write
        Write what is new into the contracts and print the files.
    as_json
        Print the catalogue as one JSON object a line.
    contracts
        Folder of the contracts.
    """
    if check and write:
        message = "--check and --write exclude each other"
        raise Ambiguous(message)
    if check:
        return _check(contracts)
    if write:
        return _write(contracts)
    from infrastructure.codec.catalog import print_catalog

    print_catalog(json=as_json)
    return 0


def _check(root: Path) -> int:
    from infrastructure.codec.contracts import check_contracts

    complaints = check_contracts(root)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


def _write(root: Path) -> int:
    from infrastructure.codec.contracts import ContractBroken, write_contracts

    try:
        written = write_contracts(root)
    except ContractBroken as broken:
        print(*broken.complaints, sep="\n")
        return 1
    for path in written:
        print(path)
    return 0
