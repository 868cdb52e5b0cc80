"""Long-running operations in memory: for unit tests, and held to the same contract as those in PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from application.bus.messages import IdempotencyMismatch, Unavailable
from application.operations.model import (
    ENDED,
    OPEN_LIMIT,
    Claim,
    Lost,
    NewOperation,
    Operation,
    OperationEnded,
    Progress,
    State,
    TooManyOperations,
)
from application.unit import PLATFORM_ID


@dataclass
class _Kept:
    new: NewOperation
    shown: Operation
    inputs: list[bytes]
    outputs: list[bytes] = field(default_factory=list)
    cancelled: bool = False
    epoch: int = 0
    attempt: int = 0
    free_at: float = 0.0

    def show(self, **changes: Any) -> None:
        self.shown = msgspec.structs.replace(self.shown, **changes)


class MemoryOperations:
    """`Operations` and `Claims` without a database; `away` makes it as good as gone."""

    def __init__(self, *, kept: timedelta = timedelta(hours=24), lease: timedelta = timedelta(seconds=10)) -> None:
        self.kept = kept
        self.lease = lease
        self.away = False
        self._all: dict[UUID, _Kept] = {}
        self._queued = asyncio.Event()

    async def create(self, new: NewOperation) -> tuple[Operation, bool]:
        self._reach()
        home = new.principal.organization_id or PLATFORM_ID
        for kept in self._of(home):
            if new.idempotency_key is not None and kept.new.idempotency_key == new.idempotency_key:
                if (kept.new.kind, kept.new.fingerprint) != (new.kind, new.fingerprint):
                    raise IdempotencyMismatch
                return kept.shown, True
        if sum(kept.shown.ended_at is None for kept in self._of(home)) >= OPEN_LIMIT:
            raise TooManyOperations(limit=OPEN_LIMIT)
        shown = Operation(
            id=new.id,
            organization_id=home,
            kind=new.kind,
            state="queued",
            done=0,
            total=new.total,
            created_at=datetime.now(UTC),
            started_at=None,
            ended_at=None,
            results_until=None,
            actor=new.principal.actor,
            permissions=new.permissions,
            correlation_id=new.correlation_id,
            result={},
            problem=None,
            outputs=0,
        )
        self._all[new.id] = _Kept(new, shown, list(new.inputs))
        self._queued.set()
        return shown, False

    async def get(self, organization_id: UUID, operation_id: UUID) -> Operation | None:
        self._reach()
        return next((kept.shown for kept in self._of(organization_id) if kept.shown.id == operation_id), None)

    async def page(
        self, organization_id: UUID, *, limit: int, before: UUID | None = None, state: State | None = None, kind: str | None = None
    ) -> Sequence[Operation]:
        self._reach()
        shown = sorted((kept.shown for kept in self._of(organization_id)), key=lambda each: each.id, reverse=True)
        return [each for each in shown if (not before or each.id < before) and state in (None, each.state) and kind in (None, each.kind)][
            :limit
        ]

    async def cancel(self, organization_id: UUID, operation_id: UUID) -> Operation | None:
        self._reach()
        kept = next((kept for kept in self._of(organization_id) if kept.shown.id == operation_id), None)
        if kept is None or kept.shown.state == "cancelled":
            return None if kept is None else kept.shown
        if kept.shown.state in ENDED:
            raise OperationEnded(state=kept.shown.state)
        kept.cancelled = True
        if kept.shown.state == "queued":
            self._over(kept, "cancelled", None)
        return kept.shown

    async def outputs(self, operation: Operation, first: int = 0) -> AsyncIterator[bytes]:
        self._reach()
        for number in range(first, operation.outputs or 0):
            outputs = self._all[operation.id].outputs if operation.id in self._all else []
            if number >= len(outputs):
                raise LookupError
            yield outputs[number]

    async def claim(self, kinds: Collection[str]) -> Claim | None:
        self._reach()
        now = time.monotonic()
        free = [each for each in self._all.values() if each.shown.ended_at is None and each.free_at <= now and each.shown.kind in kinds]
        if not free:
            return None
        kept = min(free, key=lambda each: (self._running(each.shown.organization_id), each.shown.id))
        kept.epoch += 1
        kept.attempt += 1
        kept.free_at = now + self.lease.total_seconds()
        kept.show(state="running", started_at=kept.shown.started_at or datetime.now(UTC))
        return Claim(
            id=kept.shown.id,
            kind=kept.shown.kind,
            epoch=kept.epoch,
            attempt=kept.attempt,
            principal=kept.new.principal,
            correlation_id=kept.shown.correlation_id,
            done=kept.shown.done,
            total=kept.shown.total,
            result=kept.shown.result,
            outputs=len(kept.outputs),
            cancelled=kept.cancelled,
        )

    async def renew(self, claim: Claim) -> None:
        with contextlib.suppress(Lost):
            self._held(claim).free_at = time.monotonic() + self.lease.total_seconds()

    async def parameters(self, claim: Claim) -> bytes:
        return self._held(claim).new.parameters

    async def input(self, claim: Claim, number: int) -> bytes:
        return self._held(claim).inputs[number]

    async def step(self, claim: Claim, now: Progress, output: bytes | None) -> bool:
        kept = self._held(claim)
        if output is not None:
            kept.outputs.append(output)
        kept.free_at = time.monotonic() + self.lease.total_seconds()
        kept.show(done=now.done, total=kept.shown.total if now.total is None else now.total, result=now.result, outputs=now.outputs)
        return kept.cancelled

    async def begin_again(self, claim: Claim) -> None:
        kept = self._held(claim)
        kept.outputs.clear()
        kept.show(done=0, total=None, result={}, outputs=0)

    async def put_back(self, claim: Claim, *, pause: float, counts: bool) -> None:
        kept = self._held(claim)
        kept.attempt -= not counts
        kept.free_at = time.monotonic() + pause
        kept.show(state="queued")

    async def end(self, claim: Claim, state: State, problem: dict[str, Any] | None = None) -> None:
        self._over(self._held(claim), state, problem)

    async def tidy(self) -> None:
        self._reach()
        for kept in self._all.values():
            if kept.shown.results_until is not None and kept.shown.results_until < datetime.now(UTC):
                kept.outputs.clear()
                kept.show(outputs=None)

    async def wait(self, timeout: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._queued.wait(), timeout)
        self._queued.clear()

    def _of(self, organization_id: UUID) -> list[_Kept]:
        return [kept for kept in self._all.values() if kept.shown.organization_id == organization_id]

    def _running(self, organization_id: UUID) -> int:
        return sum(kept.shown.state == "running" for kept in self._of(organization_id))

    def _held(self, claim: Claim) -> _Kept:
        self._reach()
        kept = self._all[claim.id]
        if kept.epoch != claim.epoch or kept.shown.state != "running":
            raise Lost
        return kept

    def _over(self, kept: _Kept, state: State, problem: dict[str, Any] | None) -> None:
        now = datetime.now(UTC)
        kept.inputs.clear()
        kept.show(state=state, problem=problem, ended_at=now, results_until=now + self.kept)

    def _reach(self) -> None:
        if self.away:
            raise Unavailable
