"""Importing this module registers every table and projector; the projections that a worker runs stand here."""

from __future__ import annotations

from domain.catalog import import_areas
from projections.audit import deletions, status_changes
from projections.changes import Projection
from projections.deadlines import DEADLINES
from projections.relational import RELATIONAL

import_areas("projections")

PROJECTIONS: tuple[Projection, ...] = (RELATIONAL, DEADLINES)

__all__ = ["PROJECTIONS", "deletions", "status_changes"]
