"""The service's own view, from raw Prometheus samples: a second witness, never the truth about users.

Server-side metrics never see a refused connection, lose what a pod counted between its last scrape and its death, and
start a new pod's series at a value whose beginning was not scraped (source: Prometheus 3, storage and PromQL docs).
Each series is therefore differenced by itself, and what may have been lost widens the upper bound.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from gameday.store.folder import SAMPLES, Run, read_samples
from gameday.verdict import Finding, Measurement
from probes.traffic import Masks, Stretch

EVIDENCE = SAMPLES
LOOKBACK_MS = 300_000
"""A series without a sample for five minutes is stale for Prometheus too: its pod died before this story."""
type Series = list[tuple[int, float]]


@dataclass(frozen=True)
class ServerCount:
    """An increase of the service's counters over a stretch: as seen, and between which bounds it truly lies."""

    seen: float
    low: float
    high: float


def measure(run: Run, where: Stretch | None, status_label: str) -> tuple[Measurement, list[Finding]]:
    """5xx answers by the service's own count, and what disagrees with the users' view."""
    name, unit = "server_5xx", "requests"
    if where is None:
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note="no stretch between fault and recovery"), []
    samples = list(read_samples(run.folder / SAMPLES))
    if not samples:
        note = "no samples of the service's own metrics: nothing to compare with"
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note=note), []
    begin_ms, end_ms = (int(run.anchor.wall(t_ns).timestamp() * 1000) for t_ns in where.outer)
    errors = count(_series(samples, status_label, "5"), begin_ms, end_ms, _lost(samples, begin_ms, end_ms))
    measurement = Measurement(
        name=name,
        value=errors.seen,
        low=errors.low,
        high=errors.high,
        unit=unit,
        sample_size=len(samples),
        evidence=EVIDENCE,
        note="Between the scrapes around the stretch. What a pod counted after its last scrape is lost, and a refused "
        "or reset connection is in no server's count.",
    )
    return measurement, _disagreements(run, where, errors)


def count(series: Iterable[Series], begin_ms: int, end_ms: int, lost: bool) -> ServerCount:  # noqa: FBT001 - a fact, no switch
    """The increase of counters over a stretch, as an interval.

    From the last sample at or before the beginning to the first at or after the end is certainly not less than the
    increase of the stretch; from the first inside to the last inside, not more. A series that begins inside counts
    from zero above and from its first value below. A counter that falls was reset and counts from zero again.

    Args:
        series: Samples of each counter, (Unix milliseconds, value), in order of time.
        begin_ms: The beginning of the stretch.
        end_ms: Its end.
        lost: Whether a pod's series ended, so that its last increments were never scraped.
    """
    low = seen = 0.0
    for points in series:
        inside = [value for t_ms, value in points if begin_ms <= t_ms <= end_ms]
        before = [value for t_ms, value in points if t_ms < begin_ms]
        after = [value for t_ms, value in points if t_ms > end_ms]
        low += _increase(inside)
        seen += _increase([before[-1] if before else 0.0, *inside, *after[:1]])
    return ServerCount(seen, low, math.inf if lost else seen)


def _lost(samples: Iterable[tuple[str, str, int, float]], begin_ms: int, end_ms: int) -> bool:
    """Whether some series was there before or in the stretch and has no sample after it."""
    last: dict[str, int] = {}
    for _, labels, t_ms, _ in samples:
        last[labels] = max(t_ms, last.get(labels, t_ms))
    return any(begin_ms - LOOKBACK_MS <= t_ms <= end_ms for t_ms in last.values())


def _increase(values: list[float]) -> float:
    return sum(new - old if new >= old else new for old, new in pairwise(values))


def _series(samples: Iterable[tuple[str, str, int, float]], label: str, prefix: str) -> list[Series]:
    found: dict[str, Series] = defaultdict(list)
    for _, labels, t_ms, value in samples:
        if str(json.loads(labels).get(label, "")).startswith(prefix):
            found[labels].append((t_ms, value))
    return [sorted(points) for points in found.values()]


def _disagreements(run: Run, where: Stretch, errors: ServerCount) -> list[Finding]:
    requests, server_error = run.requests, Masks.of(run.requests).server_error
    inner = (requests.intended_ns >= where.inner[0]) & (requests.end_ns <= where.inner[1])
    outer = (requests.intended_ns <= where.outer[1]) & (requests.end_ns >= where.outer[0])
    users_low, users_high = int((server_error & inner).sum()), int((server_error & outer).sum())
    if users_low > errors.high or users_high < errors.low:
        text = (
            f"Users saw {users_low} to {users_high} HTTP 5xx between fault and recovery, and the service's own metrics "
            f"say {errors.low:g} to {errors.high:g}. Somebody in between answers, or other users share the service."
        )
        return [Finding(id="prometheus-disagrees", severity="warning", text=text)]
    return []
