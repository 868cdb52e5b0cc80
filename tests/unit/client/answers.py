"""What a server answers."""

from __future__ import annotations

from typing import Any

import httpx

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def done(position: int = 7, **more: Any) -> httpx.Response:
    """A command was done."""
    return httpx.Response(200, json={"id": ID, "version": 3, "position": position, **more}, headers={"Stagebook-Position": str(position)})


def problem(status: int, code: str, *, retry_after: str | None = None, **more: Any) -> httpx.Response:
    """Something was refused."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return httpx.Response(status, json={"status": status, "code": code, "detail": f"It is {code}.", **more}, headers=headers)


def page(*rows: dict[str, Any], cursor: str | None = None, position: int = 7, **more: Any) -> httpx.Response:
    """A page of a list."""
    return httpx.Response(
        200, json={"data": rows, "next_cursor": cursor, "position": position, **more}, headers={"Stagebook-Position": str(position)}
    )


def row(position: int = 5, **columns: Any) -> dict[str, Any]:
    """What every row has, and these columns."""
    conventions = {
        "id": ID,
        "organization_id": ID,
        "created_at": "2026-05-01T12:00:00+00:00",
        "updated_at": "2026-05-01T12:00:00+00:00",
        "log_position": position,
        "stream_id": ID,
        "stream_version": 1,
    }
    return conventions | columns


def pool(position: int = 5, **columns: Any) -> dict[str, Any]:
    """A row of `ticket_pools`."""
    return row(position, event_id=ID, name="Floor", quantity_total=100, **columns)
