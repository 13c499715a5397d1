"""What a report shows besides the verdict: the run's raw data and where they come from. No I/O."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gameday.timeline import Anchor, Requests
    from gameday.verdict import Verdict


@dataclass(frozen=True, slots=True, eq=False)
class RunView:
    """A run folder as far as a report plots and quotes it.

    Args:
        requests: Every request, times in nanoseconds of the monotonic clock.
        anchor: The tie between the monotonic clock and the seconds of the verdict.
        ready_pods: The steps of the number of Ready pods: (seconds since the anchor, pods), in order of time.
        desired_pods: How many there should be; 0 when unknown.
        provenance: Label to value in the order of the page: who ran it, cluster, versions, clock, files.
        log: The harness's marks in words: (seconds since the anchor, text), in order of time.
        p95_target_ms: The latency objective, drawn as a line; None draws none.
    """

    requests: "Requests"
    anchor: "Anchor"
    ready_pods: Sequence[tuple[float, int]] = ()
    desired_pods: int = 0
    provenance: Mapping[str, str] = field(default_factory=dict)
    log: Sequence[tuple[float, str]] = ()
    p95_target_ms: float | None = None


def zero_s(verdict: "Verdict") -> float:
    """The zero of a report's time axis, seconds since the anchor: the fault, or the start without one."""
    fault_s = verdict.window.fault_s
    return fault_s if fault_s is not None and math.isfinite(fault_s) else 0.0


def has_fault(verdict: "Verdict") -> bool:
    """Whether times are told from the fault (else from the start of the run)."""
    return verdict.window.fault_s is not None and math.isfinite(verdict.window.fault_s)
