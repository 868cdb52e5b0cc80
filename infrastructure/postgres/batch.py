"""A batch of components as the arrays that the SQL function `log.append` takes, and its findings as verdicts.

Components, and the entries of every array, are numbered from 1, as SQL numbers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from application.ports import AppendUnit, Committed, Component, KeyTaken, Moved, NewRecord, Replayed, Verdict

_ARGUMENTS: Final = 19
APPEND: Final = f"select * from log.append({', '.join(f'${n}' for n in range(1, _ARGUMENTS + 1))})"  # noqa: S608  # numbers only
"""Takes `Batch.arguments()`."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Batch:
    """Collects what the components' units write and ask, side by side."""

    def __init__(self, components: Sequence[Component]) -> None:
        self._components = components
        self._counts: list[int] = []
        self._organizations: dict[UUID, list[int]] = {}
        """Of the records: ordinal, and how many there are so far."""
        self._kinds: dict[tuple[str, str, int], int] = {}
        self._occasions: list[tuple[int, int, bytes, int]] = []
        self._records: list[tuple[int, int, int, UUID, UUID, int, bytes]] = []
        self._expectations: dict[tuple[UUID, int], int] = {}
        self._holding: list[tuple[int, int]] = []
        self._ledger: list[tuple[int, UUID, bytes, bytes, bytes | None, int]] = []
        self._asked: list[int] = []
        self._releases: list[tuple[int, UUID, str, bytes, UUID]] = []
        self._claims: list[tuple[int, UUID, str, bytes, UUID]] = []
        self._claimed: list[tuple[int, int]] = []
        self._lasting: list[bool] = []
        self._erased: list[tuple[int, UUID]] = []
        for number, component in enumerate(components, 1):
            self._add(number, component)

    def _add(self, number: int, component: Component) -> None:
        for expectation in component.preconditions.items():
            self._holding.append((number, self._expectations.setdefault(expectation, len(self._expectations) + 1)))
        first_record, first_claim = len(self._records), len(self._claims)
        for index, unit in enumerate(component.units):
            self._add_records(number, unit.records)
            if unit.ledger is not None:
                organization_id, key, request, reply = unit.ledger
                last = len(self._records) if unit.records else 0
                stored = reply if unit.writes_ledger else None
                self._ledger.append((number, organization_id, key, request, stored, last))
                self._asked.append(index)
            if unit.releases or unit.claims:
                self._add_keys(number, index, unit, first_claim)
            if unit.erases:
                self._erased.extend((number, key) for key in unit.erases)
        self._counts.append(len(self._records) - first_record)

    def _add_records(self, number: int, records: Sequence[NewRecord]) -> None:
        """What a unit's records mostly have in common is sent, and its meta hashed, once: the occasion."""
        kinds, home = self._kinds, [0, 0]
        occasion: tuple[object, ...] = ()
        for organization_id, event_id, stream_id, stream_type, version, name, name_version, data, meta, recorded_at in records:
            if occasion != (organization_id, meta, recorded_at):
                occasion = (organization_id, meta, recorded_at)
                home = self._organizations.setdefault(organization_id, [len(self._organizations) + 1, 0])
                self._occasions.append((number, home[0], meta, (recorded_at - _EPOCH) // _MICROSECOND))
            home[1] += 1
            kind = kinds.setdefault((stream_type, name, name_version), len(kinds) + 1)
            self._records.append((len(self._occasions), kind, home[1], event_id, stream_id, version, data))

    def _add_keys(self, number: int, index: int, unit: AppendUnit, first_claim: int) -> None:
        """A claim that a later unit of the component gives back is checked, but does not last."""
        for release in unit.releases:
            self._releases.append((number, *release))
            for nth in range(first_claim, len(self._claims)):
                if self._claims[nth][1:] == release:
                    self._lasting[nth] = False
        for nth, claim in enumerate(unit.claims):
            self._claims.append((number, *claim))
            self._claimed.append((index, nth))
            self._lasting.append(True)

    def arguments(self) -> list[Sequence[Any]]:
        """The arrays, in the order of the function's parameters."""
        return [
            list(self._organizations),
            *_columns(list(self._kinds), 3),
            *_columns(self._occasions, 4),
            self._records,
            *_columns(list(self._expectations), 2),
            *_columns(self._holding, 2),
            self._ledger,
            self._releases,
            self._claims,
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


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width
