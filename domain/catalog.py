"""Importing this module registers every aggregate and domain event."""

from __future__ import annotations

import pkgutil
from importlib import import_module

AREAS = ("organizations", "events", "ticketing")
"""The same in every layer."""


def import_areas(layer: str) -> None:
    """Import every module of every area of a layer, so that what they register is registered."""
    for area in AREAS:
        package = import_module(f"{layer}.{area}")
        for module in pkgutil.walk_packages(package.__path__, f"{layer}.{area}."):
            import_module(module.name)


import_areas("domain")
