"""Synthetic runs: a kill that users hardly notice, one that hurts, one that shows nothing.

The verdicts lie beside this file as in a run folder; the requests that belong to them are made here.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gameday.timeline import Anchor, Outcome, Requests
from gameday.verdict import Verdict
from reports.view import RunView

START_NS = 1_000_000_000_000
ANCHOR = Anchor(wall_ns=1_760_000_000_000_000_000, monotonic_ns=START_NS, uncertainty_ns=180)

PROVENANCE = {
    "Run by": "Ada Lovelace <ada@example.test>",
    "Stage": "rehearsal, 127.0.0.1:40231",
    "Context": "gameday-rehearsal",
    "Namespace": "staging",
    "Image": "registry.example.test/task-api@sha256:4b825dc642cb6eb9a060e54bf8d69288fbee4904a1b2c3d4",
    "Git commit": "9f1c2e7 (clean)",
    "Versions": "gameday 0.1.0, chaostoolkit 1.21.4, locust 2.47.0, Chaos Mesh 2.8.3",
    "Traffic": "200 requests/s, open loop, half on fresh connections",
    "Clock": "CLOCK_MONOTONIC, anchored 2025-10-09 08:53:20.000 UTC ± 0.18 µs",
    "Watch lag": "6 ms (largest seen)",
    "Run folder": "requests.arrow, cluster.jsonl, marks.jsonl, journal.json",
}

LOG = (
    (0.0, "traffic started: 200 requests/s on http://127.0.0.1:40232"),
    (9.71, "steady state holds: 3 of 3 pods Ready, 0 failures in 9.7 s"),
    (9.98, "PodChaos gameday-pod-kill-7f3a created"),
    (10.0, "deletion seen: task-api-6d4cf56db6-x2x7v"),
    (16.1, "recovered: 3 of 3 Ready, replacement task-api-6d4cf56db6-q9k4m among them"),
    (30.0, "traffic stopped: 6,000 requests"),
    (30.4, "PodChaos gameday-pod-kill-7f3a deleted, finalizer gone"),
)


def verdict(name: str) -> Verdict:
    """A verdict as it was stored."""
    return Verdict.model_validate_json((Path(__file__).parent / "verdicts" / f"{name}.json").read_text("utf-8"))


def columns(seconds: float, rate: int, seed: int = 7) -> dict[str, np.ndarray]:
    """The columns of a calm run: `rate` requests a second, latencies around 5 ms."""
    number = int(seconds * rate)
    random = np.random.default_rng(seed)
    intended = START_NS + (np.arange(number) * (1_000_000_000 // rate))
    latency = (random.lognormal(np.log(5e6), 0.45, number)).astype(np.int64)
    return {
        "intended_ns": intended,
        "start_ns": intended + 20_000,
        "end_ns": intended + latency,
        "status": np.full(number, 200, dtype=np.int16),
        "outcome": np.zeros(number, dtype=np.uint8),
        "endpoint": (random.random(number) < 0.25).astype(np.uint8),
        "fresh": random.random(number) < 0.5,
    }


def unanswered(found: dict[str, np.ndarray], rows: slice | np.ndarray, outcome: Outcome, took_ms: float) -> None:
    """Make some requests end without an answer."""
    found["outcome"][rows] = outcome
    found["status"][rows] = 0
    found["end_ns"][rows] = found["intended_ns"][rows] + int(took_ms * 1e6)


def view_of(found: dict[str, np.ndarray], ready_pods: tuple[tuple[float, int], ...], desired: int) -> RunView:
    """A run with these requests and pods, and everything else that a report shows."""
    return RunView(
        requests=Requests(**found, endpoints=("GET /tasks", "POST /tasks")),
        anchor=ANCHOR,
        ready_pods=ready_pods,
        desired_pods=desired,
        provenance=PROVENANCE,
        log=LOG,
        p95_target_ms=500.0,
    )


@pytest.fixture
def passed() -> tuple[Verdict, RunView]:
    """30 s at 200 requests/s; a kill at 10 s, 14 lost within 65 ms, Ready again at 16.1 s."""
    found = columns(30, 200)
    unanswered(found, slice(2000, 2012), Outcome.REFUSED, 0.4)
    unanswered(found, slice(2012, 2014), Outcome.RESET, 1.1)
    return verdict("passed"), view_of(found, ((-1.5, 3), (10.0, 2), (16.1, 3)), 3)


@pytest.fixture
def failed() -> tuple[Verdict, RunView]:
    """A kill on a cluster that answers with 503 for 20 s, times out, and is not Ready before 45 s."""
    found = columns(60, 200, seed=8)
    bad = np.arange(2000, 6000, 3)
    found["status"][bad] = 503
    found["end_ns"][2000:6000] += 400_000_000
    unanswered(found, np.arange(2001, 5000, 30), Outcome.TIMEOUT, 5000)
    return verdict("failed"), view_of(found, ((-1.0, 2), (10.0, 1), (10.6, 0), (31.0, 1), (55.2, 2)), 2)


@pytest.fixture
def unknown() -> tuple[Verdict, RunView]:
    """Nothing was measured: no victim, no request, no pod."""
    empty = {name: column[:0] for name, column in columns(1, 1).items()}
    return verdict("unknown"), RunView(requests=Requests(**empty, endpoints=()), anchor=ANCHOR)


@pytest.fixture
def long_run() -> RunView:
    """150 s at 200 requests/s, 600 of the 30,000 refused."""
    found = columns(150, 200)
    unanswered(found, np.arange(2000, 3200, 2), Outcome.REFUSED, 0.4)
    return view_of(found, ((-1.0, 3), (10.0, 2), (16.1, 3)), 3)


@pytest.fixture
def run_of() -> Callable[..., RunView]:
    """The maker of a run from (seconds since the anchor, milliseconds, status, outcome) rows."""

    def make(*rows: tuple[float, float, int, Outcome]) -> RunView:
        intended = np.array([START_NS + int(at * 1e9) for at, *_ in rows], dtype=np.int64)
        found = {
            "intended_ns": intended,
            "start_ns": intended,
            "end_ns": intended + np.array([int(took * 1e6) for _, took, *_ in rows], dtype=np.int64),
            "status": np.array([status for *_, status, _ in rows], dtype=np.int16),
            "outcome": np.array([outcome for *_, outcome in rows], dtype=np.uint8),
            "endpoint": np.zeros(len(rows), dtype=np.uint8),
            "fresh": np.zeros(len(rows), dtype=np.bool_),
        }
        return RunView(requests=Requests(**found, endpoints=("GET /tasks",)), anchor=ANCHOR)

    return make
