"""The projection that keeps the documented schema `read`."""

from __future__ import annotations

from projections.changes import Projection
from projections.schema import READ

RELATIONAL = Projection("relational", version=2, metadata=READ)
