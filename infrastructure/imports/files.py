"""The files that a path stands for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from infrastructure.faults import Fault
from infrastructure.imports.entries import READERS


class NothingToImport(Fault):
    """There is no file that can be read."""


def files(path: Path) -> list[tuple[str, bytes]]:
    """A file, or every one in a folder and in those below it that can be read, in the order of their names: name and content of each.

    Raises `NothingToImport`.
    """
    endings = ", ".join(READERS)
    if path.is_file() and path.suffix.lower() not in READERS:
        message = f"{path} cannot be read: expected a file that ends with {endings}"
        raise NothingToImport(message)
    try:
        found = [(str(file), file.read_bytes()) for file in ([path] if path.is_file() else _within(path))]
    except OSError as error:
        message = f"{error.filename} cannot be read: {error.strerror}"
        raise NothingToImport(message) from None
    if not found:
        message = f"{path} has no file that ends with {endings}" if path.is_dir() else f"there is no file {path}"
        raise NothingToImport(message)
    return found


def _within(folder: Path) -> Iterator[Path]:
    """Hidden files and folders belong to other programs."""
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix.lower() in READERS and not hidden and file.is_file():
            yield file
