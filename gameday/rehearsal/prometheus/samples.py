"""Samples in memory: a bounded list a series, like Prometheus's head block without its disk."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import dropwhile

RETENTION_S = 900.0
LOOKBACK_S = 300.0
"""How old an instant vector's sample may be (Prometheus, --query.lookback-delta)."""

type Sample = tuple[float, float]
"""Time in seconds since the epoch, value."""


@dataclass
class Series:
    """One metric with one set of labels."""

    labels: dict[str, str]
    samples: deque[Sample] = field(default_factory=deque)
    stale_since: float | None = None

    def add(self, sample: Sample) -> None:
        """Append a sample and drop what is too old."""
        self.samples.append(sample)
        self.stale_since = None
        while self.samples and self.samples[0][0] < sample[0] - RETENTION_S:
            self.samples.popleft()

    def between(self, after: float, until: float) -> list[Sample]:
        """Return the samples of a range: without its beginning, with its end (as Prometheus 3 does)."""
        return [sample for sample in dropwhile(lambda s: s[0] <= after, self.samples) if sample[0] <= until]

    def at(self, when: float) -> float | None:
        """Return the value of an instant vector; None when the series had ended or is too old."""
        if self.stale_since is not None and self.stale_since <= when:
            return None
        found = self.between(when - LOOKBACK_S, when)
        return found[-1][1] if found else None


class Samples:
    """All series."""

    def __init__(self) -> None:
        self._series: dict[frozenset[tuple[str, str]], Series] = {}

    def add(self, labels: dict[str, str], sample: Sample) -> None:
        """Append a sample to its series."""
        key = frozenset(labels.items())
        if key not in self._series:
            self._series[key] = Series(labels)
        self._series[key].add(sample)

    def end(self, labels: dict[str, str], when: float) -> None:
        """Mark the series of a target that is gone (a staleness marker)."""
        for series in self._series.values():
            if series.stale_since is None and labels.items() <= series.labels.items():
                series.stale_since = when

    def forget_before(self, when: float) -> None:
        """Drop series whose last sample is older."""
        for key in [key for key, series in self._series.items() if series.samples[-1][0] < when]:
            del self._series[key]

    def __iter__(self) -> Iterator[Series]:
        """Iterate over all series."""
        return iter(self._series.values())
