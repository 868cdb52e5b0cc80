"""Table `deletions`: tombstones, so that clients can follow the tables by `log_position`. The runner writes its rows."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from projections.schema import INSTANT, read_table

deletions = read_table(
    "deletions",
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("entity_id", UUID, nullable=False),
    sa.Column("at", INSTANT, nullable=False),
    history=False,
)
