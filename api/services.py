"""What the routes work with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

import msgspec

from api.auth import Credentials
from api.telemetry import Telemetry
from application.bus.port import CommandBus
from application.operations.model import Operations
from application.ports import Codec
from application.reading import ReadStore
from application.unit import AccessHook


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the HTTP layer."""

    wait_seconds: float = 5.0
    """Longest that a query with `Stagebook-Min-Position` waits for the read model."""
    slow_seconds: float = 1.0
    """Requests that take longer are logged."""
    metrics_token: str = ""
    """What `/metrics` asks for; empty: nothing."""
    kept_bytes: int = 67_108_864
    """Of answers that are kept to be given again; 0: none is."""
    trusted_proxies: int = 0
    """Proxies in front of this server whose `X-Forwarded-For` names the client's address."""


class Services(NamedTuple):
    """Ports and settings, wired by the program's start."""

    bus: CommandBus
    reads: ReadStore
    codec: Codec
    operations: Operations
    credentials: Credentials
    authorize: AccessHook
    new_id: Callable[[], UUID]
    settings: ApiSettings
    telemetry: Telemetry
