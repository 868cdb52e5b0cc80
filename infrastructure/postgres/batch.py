"""A batch of components as the arrays that the SQL function `log.append` takes, and its findings as verdicts.

Components, and the entries of every array, are numbered from 1, as SQL numbers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from application.ports import AppendUnit, Committed, Component, KeyClaim, KeyTaken, Moved, NewRecord, Replayed, Verdict

_ARGUMENTS: Final = 38
APPEND: Final = f"select * from log.append({', '.join(f'${n}' for n in range(1, _ARGUMENTS + 1))})"  # noqa: S608  # numbers only
"""Takes `Batch.arguments()`."""

_SENT: Final = ("event_id", "stream_id", "version", "data", "meta", "recorded_at")
"""The columns of records that go as they are; the others are few distinct values, and numbers that name them."""

Columns = list[Sequence[Any]]


class Batch:
    """Collects what the components' units write and ask, side by side."""

    def __init__(self, components: Sequence[Component]) -> None:
        self._components = components
        self._counts: list[int] = []
        self._records: list[NewRecord] = []
        self._expectations: dict[tuple[UUID, int], int] = {}
        self._holding: list[tuple[int, int]] = []
        self._ledger: list[tuple[int, UUID, bytes, bytes, bytes | None, int]] = []
        self._asked: list[int] = []
        self._releases: list[tuple[int, KeyClaim]] = []
        self._claims: list[tuple[int, KeyClaim]] = []
        self._claimed: list[tuple[int, int]] = []
        self._lasting: list[bool] = []
        self._erased: list[tuple[int, UUID]] = []
        for number, component in enumerate(components, 1):
            self._add(number, component)

    def _add(self, number: int, component: Component) -> None:
        for expectation in component.preconditions.items():
            self._holding.append((number, self._expectations.setdefault(expectation, len(self._expectations) + 1)))
        before = len(self._records)
        first_claim = len(self._claims)
        for index, unit in enumerate(component.units):
            self._records.extend(unit.records)
            self._add_ledger(number, index, unit)
            self._add_keys(number, index, unit, first_claim)
            self._erased.extend((number, key) for key in unit.erases)
        self._counts.append(len(self._records) - before)

    def _add_ledger(self, number: int, index: int, unit: AppendUnit) -> None:
        if unit.ledger is not None:
            reply = unit.ledger.reply if unit.writes_ledger else None
            last = len(self._records) if unit.records else 0
            self._ledger.append((number, *unit.ledger[:3], reply, last))
            self._asked.append(index)

    def _add_keys(self, number: int, index: int, unit: AppendUnit, first_claim: int) -> None:
        """A claim that a later unit of the component gives back is checked, but does not last."""
        for release in unit.releases:
            self._releases.append((number, release))
            for nth in range(first_claim, len(self._claims)):
                if self._claims[nth][1] == release:
                    self._lasting[nth] = False
        for nth, claim in enumerate(unit.claims):
            self._claims.append((number, claim))
            self._claimed.append((index, nth))
            self._lasting.append(True)

    def arguments(self) -> Columns:
        """The arrays, in the order of the function's parameters."""
        organizations: dict[UUID, list[int]] = {}
        kinds: dict[tuple[str, str, int], int] = {}
        places = []
        for record in self._records:
            home = organizations.setdefault(record.organization_id, [len(organizations) + 1, 0])
            home[1] += 1
            kind = (record.stream_type, record.type, record.type_version)
            places.append((*home, kinds.setdefault(kind, len(kinds) + 1)))
        columns = dict(zip(NewRecord._fields, _columns(self._records, len(NewRecord._fields)), strict=True))
        return [
            self._counts,
            list(organizations),
            *_columns(list(kinds), 3),
            [number for number, count in enumerate(self._counts, 1) for _ in range(count)],
            *_columns(places, 3),
            *(columns[field] for field in _SENT),
            *_columns(list(self._expectations), 2),
            *_columns(self._holding, 2),
            *_columns(self._ledger, 6),
            *_key_columns(self._releases),
            *_key_columns(self._claims),
            self._lasting,
            *_columns(self._erased, 2),
        ]

    def verdicts(self, found: asyncpg.Record) -> list[Verdict]:
        """One per component, from the row that `log.append` returned: the first finding in the order ledger, streams, keys."""
        failed: dict[int, Verdict] = {}
        self._note_taken(failed, found["taken"] or ())
        self._note_moved(failed, set(found["moved"] or ()))
        replays = zip(*(found[f"replayed{part}"] or () for part in ("", "_requests", "_replies", "_positions")), strict=True)
        for ordinal, request, reply, position in reversed(list(replays)):
            failed[self._ledger[ordinal - 1][0]] = Replayed(self._asked[ordinal - 1], request, reply, position)
        head: int = found["head"]
        end = head + sum(count for number, count in enumerate(self._counts, 1) if number not in failed)
        verdicts: list[Verdict] = []
        for number, component in enumerate(self._components, 1):
            verdict = failed.get(number)
            if verdict is None:
                positions = []
                for unit in component.units:
                    head += len(unit.records)
                    positions.append(head if unit.records else end)
                verdict = Committed(positions)
            verdicts.append(verdict)
        return verdicts

    def _note_taken(self, failed: dict[int, Verdict], taken: Sequence[int]) -> None:
        for ordinal in sorted(taken, reverse=True):
            failed[self._claims[ordinal - 1][0]] = KeyTaken(*self._claimed[ordinal - 1])

    def _note_moved(self, failed: dict[int, Verdict], moved: set[int]) -> None:
        streams: dict[int, list[UUID]] = {}
        expected = list(self._expectations) if moved else []
        for number, ordinal in self._holding if moved else ():
            if ordinal in moved:
                streams.setdefault(number, []).append(expected[ordinal - 1][0])
        failed.update({number: Moved(moved_streams) for number, moved_streams in streams.items()})


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> Columns:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _key_columns(keys: Sequence[tuple[int, KeyClaim]]) -> Columns:
    return _columns([(number, *key) for number, key in keys], 5)
