"""Partial changes: a field that was left out is `UNSET`, which is not the same as `null`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

__all__ = ["UNSET", "UnsetType", "given_fields"]


def given_fields(source: object, *names: str) -> dict[str, Any]:
    """Those of the named fields of a command or a domain event that are not `UNSET`."""
    return {name: value for name in names if (value := getattr(source, name)) is not UNSET}
