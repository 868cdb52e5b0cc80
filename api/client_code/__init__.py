"""The generated part of the Python client: commands and replies from the registry, rows from the tables of the read model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa

import application.catalog  # noqa: F401  # registers the commands
import projections.catalog  # noqa: F401  # and the tables
from api.client_code.commands import commands_module
from api.client_code.replies import Replies
from api.client_code.rows import rows_module
from application.registry import COMMANDS, CommandSpec
from projections.schema import READ


def client_code(commands: Mapping[str, CommandSpec] = COMMANDS, tables: Mapping[str, sa.Table] = READ.tables) -> dict[str, str]:
    """The text of each generated module, by file name."""
    specs = [commands[name] for name in sorted(commands)]
    replies = Replies(specs)
    return {
        "commands.py": commands_module(specs, replies),
        "replies.py": replies.module(),
        "rows.py": rows_module(sorted(tables.values(), key=lambda table: table.name)),
    }


def check_client(root: Path) -> list[str]:
    """What is wrong with the generated modules in the folder `root`, a sentence each; empty when all is well."""
    return [f"{root.name}/{path.name} is not up to date: run `stagebook catalog --write`" for path, _ in _outdated(root)]


def write_client(root: Path) -> list[Path]:
    """Write the modules that are not up to date; answers with their paths."""
    written = []
    for path, text in _outdated(root):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _outdated(root: Path) -> Iterator[tuple[Path, str]]:
    for name, text in client_code().items():
        path = root / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path, text
