"""What can be wrong with something stored, or with something to be stored."""

from __future__ import annotations


class CodecError(Exception):
    """Something cannot be encoded or decoded."""


class UnknownType(CodecError):
    """No class of this program has this stored type name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"there is no record or stream type {name!r} in this program")


class UnknownVersion(CodecError):
    """The record's version is later than the program's, or its upcaster is missing."""

    def __init__(self, name: str, version: int, missing: str) -> None:
        self.name = name
        self.version = version
        super().__init__(f"{name} version {version} cannot be read: {missing}")


class Malformed(CodecError):
    """The stored bytes do not have the form that their type and version promise."""


class NoSubject(CodecError):
    """A personal field has a value, but the field that names the person is empty: there is no key to seal it under."""
