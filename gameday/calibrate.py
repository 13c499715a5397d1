"""Calibration: outages and stalls of known length on the rehearsal stage, and what the harness measures of them.

The stage performs each fault in its Service proxy and says itself when it truly began and ended; it shares no code with
the load generator, the recorder or the probes that measure. The measuring path is the one of every run.
"""

import json
import math
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from gameday import objects
from gameday.errors import BadInputError, ClusterError
from gameday.screen import wide
from gameday.store import requests as store
from gameday.timeline import Requests

if TYPE_CHECKING:
    from gameday.adapters.kubernetes import Cluster

MANIFESTS = Path("experiments/task-api/manifests")
NAMESPACE, SERVICE = "staging", "task-api"
FAULT, TRUTH = "rehearsal.gameday/fault", "rehearsal.gameday/fault-truth"
RATES_PER_S = {"refuse": 200.0, "stall": 100.0}
"""Outages are found to within the time between two arrivals. After a stall everything is answered at once, which takes
the stage and the load generator time of their own: fewer requests, less of it."""
QUIET_S = 1.0
TOLERANCE_MS = 25.0
POLL_S = 0.05


@dataclass(frozen=True)
class Case:
    """A fault to inject: `refuse` for an outage, `stall` for answers that are held back."""

    kind: str
    seconds: float

    @property
    def name(self) -> str:
        """As the table says it."""
        length = f"{self.seconds:g} s" if self.seconds >= 1 else f"{self.seconds * 1000:g} ms"
        return f"outage {length}" if self.kind == "refuse" else f"P95 of a stall of {length}"


CASES = (
    Case("refuse", 0.055),
    Case("refuse", 1.5),
    Case("refuse", 3.5),
    Case("refuse", 6.0),
    Case("refuse", 20.0),
    Case("stall", 2.0),
)


@dataclass(frozen=True)
class Reading:
    """True and measured, in milliseconds, with the measurement's own bounds."""

    case: str
    true_ms: float
    measured_ms: float
    low_ms: float
    high_ms: float

    @property
    def error_ms(self) -> float:
        """Measured minus true."""
        return self.measured_ms - self.true_ms

    @property
    def good(self) -> bool:
        """Whether the error is within the tolerance (a NaN never is)."""
        return abs(self.error_ms) <= TOLERANCE_MS


def calibrate(console: Console, only: list[str], *, as_json: bool, cases: tuple[Case, ...] = CASES) -> bool:
    """Inject, measure, print; whether every error is within the tolerance.

    Raises:
        BadInputError: There is no such case, or no manifests for the stage.
    """
    from gameday.rehearse import rehearsal_stage

    chosen = [case for case in cases if not only or case.name in only]
    if not chosen:
        raise BadInputError(
            f"no case {', '.join(only)}",
            f"one of: {', '.join(case.name for case in cases)}",
            "Correct --only.",
        )
    readings = []
    with rehearsal_stage(MANIFESTS, console.print):
        for kind in RATES_PER_S:
            if group := [case for case in chosen if case.kind == kind]:
                readings += _measure(group, console)
    _print(readings, as_json=as_json)
    return all(reading.good for reading in readings)


def _measure(cases: list[Case], console: Console) -> list[Reading]:
    """Inject faults of one kind and read them."""
    with tempfile.TemporaryDirectory(prefix="gameday-calibrate-") as scratch:
        truths, requests = _inject(cases, Path(scratch), console)
    return [read(case, truth, requests) for case, truth in zip(cases, truths, strict=True)]


def read(case: Case, truth: tuple[int, int], requests: Requests) -> Reading:
    """What the probes measure of one fault, beside what it truly was.

    An outage lasts from the first failed request's intended start to the last one's end. Of a stall, arrivals at a
    steady rate wait for the rest of it, so that their 95th percentile is 0.95 of its length.
    """
    from probes.statistics import order_statistic
    from probes.traffic import outage

    began_ns, ended_ns = truth
    true_ms = (ended_ns - began_ns) / 1e6
    if case.kind == "refuse":
        quiet_ns = int(QUIET_S * 1e9 / 2)
        found = outage(between(requests, began_ns - quiet_ns, ended_ns + quiet_ns), began_ns - quiet_ns)
        numbers = (found.value, found.low, found.high)
        value, low, high = (float("nan") if number is None else number * 1000 for number in numbers)
        return Reading(case.name, true_ms, value, low, high)
    stalled = between(requests, began_ns, ended_ns)
    if not len(stalled):
        return Reading(case.name, 0.95 * true_ms, math.nan, math.nan, math.nan)
    value, low, high = order_statistic((stalled.end_ns - stalled.intended_ns) / 1e6, 0.95)
    return Reading(case.name, 0.95 * true_ms, value, low, high)


def between(requests: Requests, begin_ns: int, end_ns: int) -> Requests:
    """The requests whose intended start lies in a stretch."""
    mask = (requests.intended_ns >= begin_ns) & (requests.intended_ns <= end_ns)
    return Requests(
        intended_ns=requests.intended_ns[mask],
        start_ns=requests.start_ns[mask],
        end_ns=requests.end_ns[mask],
        status=requests.status[mask],
        outcome=requests.outcome[mask],
        endpoint=requests.endpoint[mask],
        fresh=requests.fresh[mask],
        endpoints=requests.endpoints,
    )


def _inject(cases: list[Case], scratch: Path, console: Console) -> tuple[list[tuple[int, int]], Requests]:
    """Run traffic, perform one fault after the other, and give back the truths and every request."""
    from gameday.adapters import service_url
    from gameday.adapters.kubernetes import Cluster
    from gameday.crew import prefer
    from loadgen.process import TrafficProcess
    from loadgen.profile import load_profile
    from loadgen.protocol import LoadPlan, check_totals

    cluster = Cluster.of_kubeconfig()
    profile = load_profile(MANIFESTS.parent / "load.yaml").model_copy(update={"rate_per_s": RATES_PER_S[cases[0].kind]})
    traffic = TrafficProcess()
    traffic.prepare(scratch)
    prefer(traffic.pid)
    traffic.start(LoadPlan(url=service_url.find(cluster, NAMESPACE, SERVICE), profile=profile, folder=str(scratch)))
    try:
        traffic.wait_started()
        truths = []
        for number, case in enumerate(cases):
            console.print(f"Injecting: {case.name} …", markup=False, highlight=False)
            time.sleep(QUIET_S)
            truths.append(_perform(cluster, case, f"calibration-{number}"))
        time.sleep(QUIET_S)
    finally:
        totals = traffic.stop()
    requests = store.read(sorted(scratch.glob("requests*.arrow")))
    wrong = [traffic.died] if totals is None else check_totals(totals, len(requests))
    if wrong:
        raise ClusterError(" ".join(wrong), "every request counted", "Run the calibration again on a quiet machine.")
    return truths, requests


def _perform(cluster: "Cluster", case: Case, identifier: str) -> tuple[int, int]:
    """Have the stage perform a fault; its truth: monotonic nanoseconds of the beginning and the end."""
    from gameday.adapters.kubernetes import SERVICES

    order = json.dumps({"id": identifier, "kind": case.kind, "seconds": case.seconds})
    cluster.patch(SERVICES, NAMESPACE, SERVICE, {"metadata": {"annotations": {FAULT: order}}})
    deadline = time.monotonic() + case.seconds + 10
    while time.monotonic() < deadline:
        service = cluster.get(SERVICES, NAMESPACE, SERVICE)
        truth = json.loads(objects.text(service, "metadata", "annotations", TRUTH) or "{}")
        if truth.get("id") == identifier and truth.get("ended_ns"):
            return int(truth["began_ns"]), int(truth["ended_ns"])
        time.sleep(POLL_S)
    raise ClusterError(
        f"no truth about {case.name}", "the stage to perform it", "Calibrate on the rehearsal stage only."
    )


def _print(readings: list[Reading], *, as_json: bool) -> None:
    if as_json:
        rows = [{**asdict(reading), "error_ms": reading.error_ms, "good": reading.good} for reading in readings]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    table = Table(title=f"Calibration (tolerance {TOLERANCE_MS:g} ms)", title_justify="left")
    for column in ("Case", "True", "Measured", "Bounds", "Error", ""):
        table.add_column(column, justify="left" if column in {"Case", ""} else "right", no_wrap=True)
    for reading in readings:
        table.add_row(
            reading.case,
            f"{reading.true_ms:,.1f} ms",
            f"{reading.measured_ms:,.1f} ms",
            f"{reading.low_ms:,.1f} to {reading.high_ms:,.1f}",
            f"{reading.error_ms:+.1f} ms",
            "ok" if reading.good else "TOO FAR",
        )
    wide(Console()).print(table)
