"""Families of Prometheus metrics from plain numbers. The prefix is `stagebook_`; units are seconds, records, units of work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, TypeAlias, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from application.bus.statistics import Distribution

T = TypeVar("T")

Labels: TypeAlias = Sequence[str]
Labelled: TypeAlias = Iterable[tuple[Labels, T]]
"""Values of the labels, and what is so."""

_PREFIX: Final = "stagebook_"


def own_registry(*collectors: Collector) -> CollectorRegistry:
    """These, and the figures of the process: CPU, memory, files."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for collector in collectors:
        registry.register(collector)
    return registry


def counter(name: str, meaning: str, value: float) -> Metric:
    """A number that only grows."""
    return CounterMetricFamily(_PREFIX + name, meaning, value=value)


def counters(name: str, meaning: str, labels: Labels, values: Labelled[float]) -> Metric:
    """The same, by labels."""
    family = CounterMetricFamily(_PREFIX + name, meaning, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


def gauge(name: str, meaning: str, value: float) -> Metric:
    """A number as it is now."""
    return GaugeMetricFamily(_PREFIX + name, meaning, value=value)


def gauges(name: str, meaning: str, labels: Labels, values: Labelled[float]) -> Metric:
    """The same, by labels."""
    family = GaugeMetricFamily(_PREFIX + name, meaning, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


def histogram(name: str, meaning: str, distribution: Distribution) -> Metric:
    """How a measure is distributed."""
    return histograms(name, meaning, (), [((), distribution)])


def histograms(name: str, meaning: str, labels: Labels, distributions: Labelled[Distribution]) -> Metric:
    """The same, by labels."""
    family = HistogramMetricFamily(_PREFIX + name, meaning, labels=labels)
    for label_values, distribution in distributions:
        family.add_metric(label_values, list(_buckets(distribution)), distribution.total)
    return family


def labelled(values: Mapping[str, T]) -> Labelled[T]:
    """Of a single label."""
    return [((label,), value) for label, value in values.items()]


def _buckets(distribution: Distribution) -> Iterator[tuple[str, float]]:
    ends: Iterable[str] = (*(repr(float(bound)) for bound in distribution.bounds), "+Inf")
    return zip(ends, accumulate(distribution.counts), strict=True)
