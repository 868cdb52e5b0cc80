"""Which units of a batch must commit or fail together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from uuid import UUID

from application.bus.batch import Decided
from application.ports import Component


class _Groups:
    """Union-find over the indexes of a batch."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, left: int, right: int) -> None:
        left, right = self.find(left), self.find(right)
        self._parent[max(left, right)] = min(left, right)


def components(batch: Sequence[Decided]) -> list[list[Decided]]:
    """Group units that are linked through a stream or unique key which one of them writes; reads link nothing.

    Groups stand in the order of their first unit, units inside a group in the order of the batch.
    """
    groups = _Groups(len(batch))
    writers: dict[Hashable, int] = {}
    for index, decided in enumerate(batch):
        for thing in decided.written:
            groups.join(index, writers.setdefault(thing, index))
        for key in decided.keys:
            groups.join(index, writers.setdefault(key, index))
    for index, decided in enumerate(batch):
        for stream_id in decided.unit.reads:
            writer = writers.get(stream_id)
            if writer is not None:
                groups.join(index, writer)
    members: dict[int, list[Decided]] = {}
    for index, decided in enumerate(batch):
        members.setdefault(groups.find(index), []).append(decided)
    return list(members.values())


def preconditions(component: Sequence[Decided]) -> dict[UUID, int]:
    """The version in the log of every stream that the component read: the lowest that one of its units saw."""
    versions = dict(component[0].unit.reads)
    for decided in component[1:]:
        for stream_id, version in decided.unit.reads.items():
            known = versions.get(stream_id)
            if known is None or version < known:
                versions[stream_id] = version
    return versions


def component(group: Sequence[Decided]) -> Component:
    """A group as the log takes it."""
    return Component(preconditions(group), [decided.append for decided in group])
