"""What users saw: 5xx answers, unanswered requests, latency, outage. From every request, never from samples of them."""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gameday import active
from gameday.store.folder import Run
from gameday.timeline import Outcome, Requests
from gameday.verdict import EndpointTraffic, Measurement, Number, Traffic
from probes.faults import Fault
from probes.statistics import order_statistic, proportion_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["observe_baseline", "observe_settling", "service_answers"]

EVIDENCE = "requests.arrow"
FIRST_SERVER_ERROR, LAST_SERVER_ERROR = 500, 599
LONGEST_GAP = 2.5
"""Arrivals come at a steady rate; where they are further apart than this many intervals, somebody was not asked."""


@dataclass(frozen=True)
class Stretch:
    """The stretch between fault and recovery, as narrow and as wide as it may have been. Monotonic nanoseconds."""

    inner: tuple[int, int]
    outer: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Masks:
    """Columns of booleans over the requests."""

    server_error: "NDArray[np.bool_]"
    unanswered: "NDArray[np.bool_]"
    sent: "NDArray[np.bool_]"

    @classmethod
    def of(cls, requests: Requests) -> "Masks":
        """Classify every request."""
        unsent = requests.outcome == Outcome.UNSENT
        answered = requests.outcome == Outcome.ANSWERED
        error = answered & (requests.status >= FIRST_SERVER_ERROR) & (requests.status <= LAST_SERVER_ERROR)
        return cls(server_error=error, unanswered=~answered & ~unsent, sent=~unsent)


def stretch(run: Run, fault: Fault) -> Stretch | None:
    """The stretch that SC-009 to SC-011 look at; None when no fault was seen or no heartbeat says how exactly.

    Without a recovery it runs to the end of the traffic.
    """
    if fault.begun is None or fault.lag_ns is None:
        return None
    if fault.recovered is None:
        end_ns = int(run.requests.end_ns.max()) if len(run.requests) else fault.begun.high_ns
        return Stretch((fault.begun.high_ns, end_ns), (fault.begun.low_ns, end_ns))
    inner = (fault.begun.high_ns, max(fault.begun.high_ns, fault.recovered.low_ns))
    return Stretch(inner, (fault.begun.low_ns, fault.recovered.high_ns))


def touching(requests: Requests, bounds: tuple[int, int]) -> "NDArray[np.bool_]":
    """Requests that were under way at any moment of a stretch.

    One that was sent just before the kill and lost with the pod is a user of this fault.
    """
    mask: NDArray[np.bool_] = (requests.intended_ns <= bounds[1]) & (requests.end_ns >= bounds[0])
    return mask


def arriving(requests: Requests, bounds: tuple[int, int]) -> "NDArray[np.bool_]":
    """Requests whose intended start lies in a stretch."""
    mask: NDArray[np.bool_] = (requests.intended_ns >= bounds[0]) & (requests.intended_ns <= bounds[1])
    return mask


def uncovered(run: Run, fault: Fault, where: Stretch | None) -> list[str]:
    """Why nobody can say what users would have seen all through the stretch: one sentence each."""
    if where is None or not len(run.requests):
        return []
    intended, (begin_ns, end_ns) = run.requests.intended_ns, where.outer
    found = []
    if fault.recovered is None:
        found.append("The recovery was never seen: what users saw until then is not known to its end.")
        end_ns = min(end_ns, int(intended[-1]))
    first, last = np.searchsorted(intended, begin_ns), np.searchsorted(intended, end_ns, side="right")
    before, after = intended[max(0, first - 1) : first], intended[last : last + 1]
    edges = [before if len(before) else [begin_ns], intended[first:last], after if len(after) else [end_ns]]
    longest_s = float(np.diff(np.concatenate(edges)).max(initial=0)) / 1e9
    if longest_s > LONGEST_GAP / run.meta.rate_per_s:
        found.append(f"No request was due for {longest_s:.3f} s between fault and recovery.")
    return found


def http_5xx(run: Run, where: Stretch | None, doubts: list[str]) -> Measurement:
    """Requests of the stretch that were answered with a 5xx, bounded by what may have been missed."""
    name, unit = "http_5xx", "requests"
    if where is None or not len(run.requests):
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note=_nothing(run))
    failed = Masks.of(run.requests).server_error
    low, high, total = _counts(run.requests, failed, where)
    if not total:
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note=" ".join([_NOBODY, *doubts]))
    return Measurement(
        name=name,
        value=high,
        low=low,
        high=math.inf if doubts else high,
        unit=unit,
        sample_size=total,
        evidence=EVIDENCE,
        note=" ".join([_rate_note(high, total), *doubts]),
    )


def unanswered(run: Run, where: Stretch | None, doubts: list[str]) -> Measurement:
    """The share of the stretch's requests that got no answer: refused, reset, timed out, broken."""
    name, unit = "unanswered", "ratio"
    if where is None or not len(run.requests):
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note=_nothing(run))
    failed = Masks.of(run.requests).unanswered
    low, high, total = _counts(run.requests, failed, where)
    smallest = int(touching(run.requests, where.inner).sum())
    if not smallest:
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note=" ".join([_NOBODY, *doubts]))
    return Measurement(
        name=name,
        value=high / total,
        low=0.0 if doubts else low / total,
        high=1.0 if doubts else min(1.0, high / smallest),
        unit=unit,
        sample_size=total,
        evidence=EVIDENCE,
        note=" ".join([_rate_note(high, total), *doubts]),
    )


def p95(run: Run, where: Stretch | None, doubts: list[str]) -> Measurement:
    """The 95th percentile of the latency of requests that arrived in the stretch, in milliseconds.

    From the intended start: a stalled service cannot hide. An unanswered request counts as slower than any answer. The
    lower bound takes the load generator's own lateness off again, so that its hiccup is not the service's failure.
    """
    name, unit = "p95_latency", "ms"
    if where is None or not len(run.requests):
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note=_nothing(run))
    arrived = [arriving(run.requests, bounds) & Masks.of(run.requests).sent for bounds in (where.inner, where.outer)]
    if not arrived[0].any():
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note="no request arrived in the stretch")
    users = [order_statistic(_latencies_ms(run.requests, mask, run.requests.intended_ns), 0.95) for mask in arrived]
    services = [order_statistic(_latencies_ms(run.requests, mask, run.requests.start_ns), 0.95) for mask in arrived]
    return Measurement(
        name=name,
        value=users[1][0],
        low=0.0 if doubts else min(low for _, low, _ in services),
        high=math.inf if doubts else max(high for _, _, high in users),
        unit=unit,
        sample_size=int(arrived[1].sum()),
        evidence=EVIDENCE,
        note=" ".join(["Order statistic with its 95 % interval.", *doubts]),
    )


def outage(requests: Requests, since_ns: int) -> Measurement:
    """The user outage after a moment, in seconds: first failed request's intended start to the last one's end.

    A failure is a 5xx or no answer. The lower bound reaches to the last arrival that failed: how long that one then
    waited for its failure says nothing of those who did not come. The upper bound reaches to the neighbours: whoever
    had arrived between the last good request before and the first good one after might have failed too. `sample_size`
    is the number that failed.
    """
    name, unit = "user_outage", "s"
    masks = Masks.of(requests)
    failed = np.flatnonzero((masks.server_error | masks.unanswered) & (requests.end_ns >= since_ns))
    good = masks.sent & ~masks.server_error & ~masks.unanswered
    if not len(requests):
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note="no request was recorded")
    if not len(failed):
        blind_s = float(np.diff(requests.intended_ns).max()) / 1e9 if len(requests) > 1 else math.inf
        return Measurement(name=name, value=0.0, low=0.0, high=blind_s, unit=unit, evidence=EVIDENCE, note=_UNSEEN)
    first_ns, last_ns = int(requests.intended_ns[failed[0]]), int(requests.end_ns[failed].max())
    before = requests.intended_ns[good & (requests.intended_ns < first_ns)]
    after = requests.intended_ns[good & (requests.intended_ns > requests.intended_ns[failed[-1]])]
    widest_ns = (int(after[0]) if len(after) else last_ns) - (int(before[-1]) if len(before) else first_ns)
    return Measurement(
        name=name,
        value=(last_ns - first_ns) / 1e9,
        low=(int(requests.intended_ns[failed[-1]]) - first_ns) / 1e9,
        high=math.inf if not len(after) else max(widest_ns, last_ns - first_ns) / 1e9,
        unit=unit,
        sample_size=len(failed),
        evidence=EVIDENCE,
        note="" if len(after) else "Nobody was answered after the last failure: the outage may go on.",
    )


_NOBODY = "no request was under way in the stretch"
_UNSEEN = "No request failed; an outage shorter than the time between two requests could not be seen."


def summary(run: Run, name: str, bounds: tuple[int, int]) -> Traffic:
    """Counts and latencies of the requests that arrived in a stretch."""
    mask = arriving(run.requests, bounds)
    return Traffic.model_validate({"name": name, **_figures(run, mask, bounds)})


def by_endpoint(run: Run, bounds: tuple[int, int]) -> tuple[EndpointTraffic, ...]:
    """The same for each endpoint and kind of connection."""
    found = []
    arrived = arriving(run.requests, bounds)
    for index, endpoint in enumerate(run.requests.endpoints):
        for connection, fresh in (("fresh", True), ("keep-alive", False)):
            mask = arrived & (run.requests.endpoint == index) & (run.requests.fresh == fresh)
            if mask.any():
                known = {"name": "run", "endpoint": endpoint, "connection": connection}
                found.append(EndpointTraffic.model_validate({**known, **_figures(run, mask, bounds)}))
    return tuple(found)


def _figures(run: Run, mask: "NDArray[np.bool_]", bounds: tuple[int, int]) -> "dict[str, float | int | None]":
    masks = Masks.of(run.requests)
    latencies = np.sort(_latencies_ms(run.requests, mask & masks.sent, run.requests.intended_ns))
    return {
        "start_s": run.anchor.seconds(bounds[0]),
        "end_s": run.anchor.seconds(bounds[1]),
        "requests": int(mask.sum()),
        "http_5xx": int((mask & masks.server_error).sum()),
        "unanswered": int((mask & masks.unanswered).sum()),
        "p50_ms": _percentile(latencies, 0.5),
        "p95_ms": _percentile(latencies, 0.95),
        "p99_ms": _percentile(latencies, 0.99),
    }


def _percentile(ordered: "NDArray[np.float64]", share: float) -> Number | None:
    return float(ordered[max(1, math.ceil(round(share * len(ordered), 9))) - 1]) if len(ordered) else None


def _latencies_ms(
    requests: Requests, mask: "NDArray[np.bool_]", begin_ns: "NDArray[np.int64]"
) -> "NDArray[np.float64]":
    """Milliseconds from a column of beginnings to the end; infinite without an answer."""
    latencies = (requests.end_ns[mask] - begin_ns[mask]) / 1e6
    latencies[requests.outcome[mask] != Outcome.ANSWERED] = math.inf
    return np.asarray(latencies, dtype=np.float64)


def _counts(requests: Requests, failed: "NDArray[np.bool_]", where: Stretch) -> tuple[int, int, int]:
    """Failures surely in the stretch, failures perhaps in it, and requests perhaps in it."""
    inner, outer = touching(requests, where.inner), touching(requests, where.outer)
    return int((failed & inner).sum()), int((failed & outer).sum()), int(outer.sum())


def _rate_note(events: int, total: int) -> str:
    low, high = proportion_interval(events, total)
    return f"{events} of {total:,} requests; another such run: {low:.2%} to {high:.2%} (95 %)."


def _nothing(run: Run) -> str:
    return "no request was recorded" if not len(run.requests) else "no stretch between fault and recovery is known"


def service_answers() -> bool:
    """Steady state: the service's health path answers 200."""
    from gameday.adapters.sight import health

    run = active.current()
    return not health(run.service_url + run.plan.spec.staging.health_path)


def observe_baseline() -> dict[str, int]:
    """Let traffic run undisturbed for the experiment's `baseline_s`; what the load generator counted by then."""
    return _observe("baseline", active.current().plan.settings.baseline_s)


def observe_settling() -> dict[str, int]:
    """Let traffic run on for the experiment's `settle_s` after the recovery."""
    return _observe("settling", active.current().plan.settings.settle_s)


def _observe(phase: str, seconds: float) -> dict[str, int]:
    run = active.current()
    run.live.enter(phase, time.monotonic_ns() + int(seconds * 1e9))
    run.journal.mark(f"{phase}.start", seconds=seconds)
    run.wait(lambda _: False, seconds)
    counts = run.live.traffic
    run.journal.mark(f"{phase}.end")
    if counts is None:
        return {}
    return {"finished": counts.finished, "http_5xx": counts.http_5xx, "unanswered": counts.unanswered}
