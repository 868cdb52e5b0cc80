"""Answers that are given again, as they are, for as long as their organization has no new record.

Rows change by records alone. So an answer that shows the organization's last record is what the database would say again, credential and
permissions included: they are decided by records of the organization, too. What this process does not know yet of the log, because another
process appended it a moment ago, the read models need not show yet either; who wants to see it says so with `Stagebook-Min-Position`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

from api.answers import Answer, Header
from api.call import Call
from api.endpoints import Endpoint
from api.streams import Stream

LONGEST_SECONDS: Final = 10.0
"""Of an answer's life: for what changes rows without a record, such as the tables of another version of the program."""

_BYTES_EACH: Final = 262_144


class Reading(Answer):
    """An answer of an organization's rows, as of a position."""

    __slots__ = ("organization_id", "position")

    def __init__(self, headers: list[Header], body: bytes, organization_id: UUID, position: int) -> None:
        super().__init__(200, headers, body)
        self.organization_id = organization_id
        self.position = position


class _Kept(NamedTuple):
    """What is needed to give it again."""

    headers: tuple[Header, ...]
    body: bytes
    organization_id: UUID
    position: int
    until: float


class KeptAnswers:
    """The answers of one process, those that were asked for longest ago given up first."""

    def __init__(self, last_position: Callable[[UUID], int | None], most_bytes: int) -> None:
        """`last_position` is that of `CommandBus`; the bodies take `most_bytes` at most."""
        self._last_position = last_position
        self._most_bytes = most_bytes
        self._bytes = 0
        self._answers: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()

    def keeping(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint, asked only for what is not kept. A request with `Cache-Control: no-cache` is always answered anew."""

        async def run(call: Call) -> Answer | Stream:
            headers = call.headers
            if headers.get(b"cache-control") == b"no-cache":
                return await endpoint(call)
            scope = call.request.scope
            key = (headers.get(b"authorization"), scope["path"], scope["query_string"], headers.get(b"accept"))
            kept = self._valid(key)
            if kept is not None and (b"stagebook-min-position" not in headers or kept.position >= call.min_position):
                return Answer(200, [*kept.headers], kept.body)
            answer = await endpoint(call)
            if isinstance(answer, Reading):
                self._keep(key, answer)
            return answer

        return run

    def _valid(self, key: tuple[object, ...]) -> _Kept | None:
        kept = self._answers.get(key)
        if kept is None:
            return None
        last = self._last_position(kept.organization_id)
        if last is None or last > kept.position or time.monotonic() > kept.until:
            self._drop(key)
            return None
        self._answers.move_to_end(key)
        return kept

    def _keep(self, key: tuple[object, ...], answer: Reading) -> None:
        last = self._last_position(answer.organization_id)
        if last is None or last > answer.position or len(answer.body) > _BYTES_EACH:
            return
        if key in self._answers:
            self._drop(key)
        until = time.monotonic() + LONGEST_SECONDS
        self._answers[key] = _Kept(tuple(answer.headers), answer.body, answer.organization_id, answer.position, until)
        self._bytes += len(answer.body)
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: tuple[object, ...]) -> None:
        self._bytes -= len(self._answers.pop(key).body)
