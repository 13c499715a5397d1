"""A run folder in, the verdict out: runs every probe, judges, and gathers what a report shows. Pure but for reading."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gameday import integrity, judge
from gameday.pods import PodLedger
from gameday.spec import Spec, load_spec
from gameday.store import folder
from gameday.store.folder import Run
from gameday.target import UNITS
from gameday.verdict import Criterion, Finding, Measurement, Proof, Status, Traffic, Verdict, Window
from probes import crosscheck, faults, recovery, traffic
from probes.faults import Fault

if TYPE_CHECKING:
    from reports.view import RunView


@dataclass(frozen=True)
class Evaluation:
    """A verdict and what it was made from."""

    run: Run
    fault: Fault
    spec: Spec
    verdict: Verdict


def evaluate(path: Path, spec_path: Path | None = None) -> Evaluation:
    """Judge a run folder against the specification it was made with, or another one.

    Raises:
        BadInputError: The folder or the specification cannot be read.
    """
    run = folder.load(path)
    spec = load_spec(spec_path or path / "inputs" / "spec.yaml")
    fault = _whole_or_unknown(run)
    where = traffic.stretch(run, fault)
    gaps = integrity.of_traffic(run) + traffic.uncovered(run, fault, where)
    server, findings = _crosscheck(run, where, spec)
    if spec_path is not None:
        findings.append(_other_spec(spec_path))
    measurements = [*_measure(run, fault, where, gaps), server]
    criteria = judge.judge(spec, {item.name: item for item in measurements}, fault.proof, integrity.of_run(run))
    verdict = Verdict(
        run=run.meta.run,
        status=judge.overall(criteria),
        headline=headline(criteria, measurements, fault.proof, where, run),
        stage=run.meta.stage,
        service=run.meta.service,
        experiment=run.meta.title,
        started_at=run.meta.started_at,
        proof=fault.proof,
        window=_window(run, fault),
        criteria=criteria,
        measurements=tuple(measurements),
        phases=recovery.phases(run, fault),
        traffic=_stretches(run, fault),
        endpoints=traffic.by_endpoint(run, _whole(run)),
        findings=(*integrity.findings(run, fault), *findings),
    )
    return Evaluation(run, fault, spec, verdict)


def _measure(run: Run, fault: Fault, where: traffic.Stretch | None, gaps: list[str]) -> list[Measurement]:
    """Every probe of a run; `gaps` says why requests may be missing from the record."""
    return [
        _safely("pod_recovery", "s", lambda: recovery.measure(run, fault)),
        _safely("endpoint_recovery", "s", lambda: recovery.measure_endpoint(run, fault)),
        _safely("user_outage", "s", lambda: traffic.outage(run.requests, _since_ns(run, fault))),
        _safely("http_5xx", "requests", lambda: traffic.http_5xx(run, where, gaps)),
        _safely("unanswered", "ratio", lambda: traffic.unanswered(run, where, gaps)),
        _safely("p95_latency", "ms", lambda: traffic.p95(run, where, gaps)),
    ]


def view(evaluation: Evaluation) -> "RunView":
    """What a report plots and quotes."""
    from reports.view import RunView

    run = evaluation.run
    bound = next((item.bound for item in evaluation.spec.objectives.values() if item.measure == "p95_latency"), None)
    return RunView(
        requests=run.requests,
        anchor=run.anchor,
        ready_pods=[(run.anchor.seconds(step.seen.t_ns), len(step.ready)) for step in evaluation.fault.ledger.steps],
        desired_pods=run.meta.workload.desired_pods,
        provenance=_provenance(run, evaluation.fault),
        log=[(run.anchor.seconds(mark.t_ns), _words(mark.name, mark.data)) for mark in run.marks if _told(mark.name)],
        p95_target_ms=bound.value * UNITS[bound.unit][1] * 1000 if bound is not None else None,
    )


def headline(
    criteria: tuple[Criterion, ...],
    measurements: list[Measurement],
    proof: Proof,
    where: traffic.Stretch | None,
    run: Run,
) -> str:
    """The verdict in words: what happened to the pod, and what users saw of it."""
    status = judge.overall(criteria)
    if not proof.holds:
        return f"Not known: {proof.reason}"
    found = {item.name: item for item in measurements}
    back = found["pod_recovery"].value
    recovered = f"whole again after {judge.number(back)} s" if back is not None else "not whole again"
    missed = [criterion.id for criterion in criteria if criterion.status is status and status is not Status.PASS]
    because = f" {'Missed' if status is Status.FAIL else 'Not known'}: {', '.join(missed)}." if missed else ""
    return f"One pod was killed and the service was {recovered}. {_users(where, run)}{because}"


def _users(where: traffic.Stretch | None, run: Run) -> str:
    if where is None or not len(run.requests):
        return "What users saw is not known."
    masks, under_way = traffic.Masks.of(run.requests), traffic.touching(run.requests, where.outer)
    errors, silent = int((masks.server_error & under_way).sum()), int((masks.unanswered & under_way).sum())
    return (
        f"Of {int(under_way.sum()):,} requests meanwhile, {errors:,} got an HTTP 5xx and {silent:,} no answer at all."
    )


def _whole_or_unknown(run: Run) -> Fault:
    """A probe that crashes makes the run UNKNOWN, never PASS."""
    try:
        return faults.find(run)
    except Exception as error:  # noqa: BLE001 - whatever it was, the answer is "not known"
        return Fault(Proof(holds=False, reason=f"The probe of the fault failed: {error!r}"), PodLedger())


def _crosscheck(run: Run, where: traffic.Stretch | None, spec: Spec) -> tuple[Measurement, list[Finding]]:
    """The service's own view; what cannot be read of it takes nothing away from what users saw."""
    try:
        return crosscheck.measure(run, where, spec.prometheus.status_label if spec.prometheus else "status")
    except Exception as error:  # noqa: BLE001 - as above
        note = f"the probe failed: {error!r}"
        return Measurement(name="server_5xx", unit="requests", evidence=crosscheck.EVIDENCE, note=note), []


def _other_spec(path: Path) -> Finding:
    text = f"Judged by {path.name} as given, and not by the specification that this run was made with."
    return Finding(id="other-specification", severity="warning", text=text)


def _safely(name: str, unit: str, probe: Callable[[], Measurement]) -> Measurement:
    try:
        return probe()
    except Exception as error:  # noqa: BLE001 - as above
        return Measurement(name=name, unit=unit, note=f"the probe failed: {error!r}")


def _since_ns(run: Run, fault: Fault) -> int:
    """From when on a failed request belongs to the fault: its beginning, or without one the whole run."""
    return fault.begun.low_ns if fault.begun is not None else run.anchor.monotonic_ns


def _whole(run: Run) -> tuple[int, int]:
    if not len(run.requests):
        return run.anchor.monotonic_ns, run.anchor.monotonic_ns
    return int(run.requests.intended_ns[0]), int(run.requests.end_ns.max())


def _window(run: Run, fault: Fault) -> Window:
    return Window(
        fault_s=run.anchor.seconds(fault.begun.seen_ns) if fault.begun else None,
        recovered_s=run.anchor.seconds(fault.recovered.seen_ns) if fault.recovered else None,
        watch_lag_s=(fault.lag_ns or 0) / 1e9,
        end_s=run.anchor.seconds(_whole(run)[1]),
    )


def _stretches(run: Run, fault: Fault) -> tuple[Traffic, ...]:
    """Before, during and after; without a fault, the whole."""
    begin_ns, end_ns = _whole(run)
    if fault.begun is None:
        return (traffic.summary(run, "whole run", (begin_ns, end_ns)),)
    fault_ns = fault.begun.seen_ns
    before = traffic.summary(run, "before", (begin_ns, fault_ns - 1))
    before = before.model_copy(update={"end_s": run.anchor.seconds(fault_ns)})  # it ends where the next one begins
    if fault.recovered is None:
        return before, traffic.summary(run, "during", (fault_ns, end_ns))
    back_ns = fault.recovered.seen_ns
    after = traffic.summary(run, "after", (back_ns + 1, end_ns))
    after = after.model_copy(update={"start_s": run.anchor.seconds(back_ns)})  # as above
    return before, traffic.summary(run, "during", (fault_ns, back_ns)), after


def _provenance(run: Run, fault: Fault) -> dict[str, str]:
    meta, under = run.meta, run.meta.workload
    lag = f"at most {fault.lag_ns / 1e6:.1f} ms near the fault" if fault.lag_ns is not None else "not measured"
    return {
        "Run": meta.run,
        "Started": meta.started_at,
        "Run by": f"{meta.user} on {meta.host}",
        "Approved by": meta.approved_by or "nobody was named",
        "Cluster": f"context {meta.context}, Kubernetes {meta.server_version}",
        "Workload": f"Deployment {under.namespace}/{under.deployment}, {under.desired_pods} replicas",
        "Image": ", ".join(under.image_digests or under.images),
        "PodChaos": meta.podchaos,
        "Traffic": f"{judge.number(meta.rate_per_s)} requests/s, open loop, to {meta.service_url}",
        "Prometheus": meta.prometheus_url or "none",
        "Commit": meta.git_commit or "not in a repository",
        "Versions": ", ".join(f"{name} {version}" for name, version in meta.versions.items()),
        "Clock": f"one anchor, read within {meta.clock.uncertainty_ns / 1e3:.1f} µs, then the monotonic clock",
        "Lag of the watches": lag,
        "Guard": "; ".join(check.saw for check in meta.guard),
    }


def _told(name: str) -> bool:
    """Heartbeats would drown the rest."""
    return name != "lease.renew"


def _words(name: str, data: object) -> str:
    details = ", ".join(f"{key} {value}" for key, value in data.items()) if isinstance(data, dict) else ""
    return f"{name}: {details}" if details else name
