"""One run from its opening to its last file: guard, run folder, Lease, watches; then everything taken away again.

Chaos Toolkit executes the experiment in between; `gameday.control` calls `open_session` before it and `Session.close`
after it, under `gameday run` and stock `chaos run` alike.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gameday import active, guard, objects
from gameday.adapters import chaos_mesh, kubernetes, prometheus, service_url
from gameday.adapters.kubernetes import Cluster
from gameday.adapters.lease import HeldLease, lease_name
from gameday.adapters.sight import ClusterSight
from gameday.adapters.watchers import Subject
from gameday.crew import Crew
from gameday.describe import describe
from gameday.errors import BadInputError, GamedayError
from gameday.experiment import Plan
from gameday.live import LiveState
from gameday.store import folder as store
from gameday.store.journal import Journal
from gameday.store.meta import RunMeta
from loadgen.actions import JournaledTraffic
from loadgen.profile import LoadProfile, load_profile

LIST_TIMEOUT_S = 15.0
REMOVAL_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Options:
    """What the caller of a run decides, besides the experiment."""

    context: str = ""
    runs: Path = Path("runs")
    approved_by: str = ""
    preload: Callable[[], object] | None = None
    """Called in a thread before the fault: imports that must not disturb the measurement later."""
    crew: Crew | None = None
    """Child processes that are getting ready already."""


@dataclass
class Session:
    """A run that is open."""

    run: active.ActiveRun
    meta: RunMeta
    _lease: HeldLease
    _crew: Crew
    _closed: bool = False

    def start(self) -> None:
        """Take the Lease, begin to watch, and have the load generator import what it needs.

        Raises:
            RefusedError: Another run was quicker.
            ClusterError: The cluster cannot be watched.
        """
        run = self.run
        run.journal.mark("lease.take", name=lease_name(run.plan.spec.staging.deployment))
        self._lease.take()
        run.traffic = JournaledTraffic(run, self._crew.traffic)
        watches = self._crew.watches
        run.journal.mark("watch.start", pid=watches.pid)
        folder = run.folder.resolve()
        watches.start(run.cluster.connection, folder, _subjects(run), run.live.apply, self._watch_died, LIST_TIMEOUT_S)
        self._lease.start(lambda renewed: run.journal.mark("lease.renew", renewed=renewed))
        run.live.enter("steady state")

    def close(self, status: str, reason: str = "") -> None:
        """Stop the traffic, take everything away, write the last marks. Every step is tried, whatever the others do."""
        if self._closed:
            return
        self._closed = True
        self.run.live.enter("cleaning up")
        for step in self._closing_steps():
            if trouble := _attempt(step):
                self.run.journal.mark("cleanup.trouble", text=trouble)
        self.run.journal.mark("run.end", status=status, reason=reason)
        self.run.journal.close()
        active.end()

    def _closing_steps(self) -> list[Callable[[], object]]:
        return [
            self._stop_traffic,
            self._remove_chaos,
            self._stop_watching,
            self._lease.give_back,
            self._keep_samples,
        ]

    def _stop_traffic(self) -> None:
        if self.run.traffic is not None:
            self.run.traffic.halt()

    def _remove_chaos(self) -> None:
        namespace, _, name = self.meta.podchaos.partition("/")
        if self.run.cluster.get(kubernetes.PODCHAOS, namespace, name) is None:
            return
        self.run.journal.mark("fault.remove", podchaos=self.meta.podchaos)
        chaos_mesh.remove(self.run.cluster, namespace, name, REMOVAL_TIMEOUT_S)
        self.run.journal.mark("fault.removed")

    def _stop_watching(self) -> None:
        self.run.journal.mark("watch.stop")
        self._crew.release()

    def _watch_died(self, reason: str) -> None:
        self.run.journal.mark("watch.died", reason=reason)
        self.run.live.stop(f"The cluster is not watched any more: {reason}")

    def _keep_samples(self) -> None:
        """Raw samples of the whole run and one minute before it."""
        spec, url = self.run.plan.spec.prometheus, self.meta.prometheus_url
        if spec is None or not url:
            return
        self.run.journal.mark("samples.fetch", url=url)
        now_s = time.time()
        seconds = int(now_s - self.meta.clock.wall_ns / 1e9) + 60
        found = prometheus.samples(url, spec.requests_metric, self.run.plan.namespace, seconds, now_s)
        store.write_samples(self.run.folder / store.SAMPLES, prometheus.rows(spec.requests_metric, found))


def open_session(plan: Plan, options: Options) -> Session:
    """Ask the guard, then make the run folder, then begin. Nothing is written anywhere before the guard is content.

    Raises:
        BadInputError: Something is wrong with the input or the environment.
        RefusedError: The guard says no.
    """
    profile = _fitting_profile(plan)
    crew = options.crew or Crew()
    try:
        cluster = Cluster.of_kubeconfig(options.context)
        sight = ClusterSight(cluster, plan)
        checks = guard.clear(plan, sight)
        prometheus_url = _prometheus_url(plan, cluster)
        now = datetime.now(UTC)
        folder = store.create(options.runs, plan.path.stem, now)
        meta = describe(
            plan,
            cluster,
            sight,
            checks,
            run=folder.name,
            now=now,
            prometheus_url=prometheus_url,
            rate_per_s=profile.rate_per_s,
            approved_by=options.approved_by,
        )
        return _begin(plan, options, cluster, folder, meta, crew)
    except BaseException:
        crew.release()
        raise


def _begin(
    plan: Plan,
    options: Options,
    cluster: Cluster,
    folder: Path,
    meta: RunMeta,
    crew: Crew,
) -> Session:
    store.keep_inputs(folder, plan.files)
    store.write_atomically(folder / store.META, meta.model_dump_json(indent=2) + "\n")
    run = active.ActiveRun(
        name=meta.run,
        folder=folder,
        plan=plan,
        cluster=cluster,
        service_url=meta.service_url,
        journal=Journal(folder),
        live=LiveState(),
        chaos_name=meta.podchaos.partition("/")[2],
        desired_pods=meta.workload.desired_pods,
        background=threading.Thread(target=options.preload, name="preload", daemon=True) if options.preload else None,
    )
    run.journal.mark("run.begin", pid=os.getpid(), run=meta.run, niceness=crew.prefer())
    lease = HeldLease(cluster, plan.namespace, lease_name(plan.spec.staging.deployment), meta.run)
    session = Session(run, meta, lease, crew)
    active.begin(run)
    try:
        session.start()
    except BaseException as error:
        session.close("failed", str(error))
        raise
    return session


def _subjects(run: active.ActiveRun) -> list[Subject]:
    """What a run watches, each as narrow as the server can select."""
    target, chaos = run.plan.namespace, run.plan.chaos.metadata.namespace
    staging = run.plan.spec.staging
    labels = objects.selector_text(run.plan.chaos.spec.selector.label_selectors)
    named = f"metadata.name={run.chaos_name}"
    return [
        Subject("pods", kubernetes.PODS, target, labels),
        Subject(
            "endpointslices",
            kubernetes.ENDPOINT_SLICES,
            target,
            f"kubernetes.io/service-name={staging.service}",
        ),
        Subject("events", kubernetes.EVENTS, target, fields="involvedObject.kind=Pod"),
        Subject("podchaos", kubernetes.PODCHAOS, chaos, fields=named),
        Subject("chaos-events", kubernetes.EVENTS, chaos, fields=f"involvedObject.name={run.chaos_name}"),
        Subject("lease", kubernetes.LEASES, target, fields=f"metadata.name={lease_name(staging.deployment)}"),
    ]


def _attempt(step: Callable[[], object]) -> str:
    """Why a closing step failed; empty when it did not."""
    try:
        step()
    except GamedayError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the next step must still be tried
        return f"{type(error).__name__}: {error}"
    return ""


def _fitting_profile(plan: Plan) -> LoadProfile:
    """The load profile, which must last as long as the run may."""
    profile = load_profile(plan.files["load.yaml"])
    longest_s = plan.settings.baseline_s + plan.settings.recovery_timeout_s + plan.settings.settle_s
    if profile.max_duration_s < longest_s:
        raise BadInputError(
            f"{plan.files['load.yaml']}: max_duration_s {profile.max_duration_s:g}",
            f"at least {longest_s:g} s: baseline_s + recovery_timeout_s + settle_s of the experiment",
            "Raise max_duration_s, or shorten the experiment.",
        )
    return profile


def _prometheus_url(plan: Plan, cluster: Cluster) -> str:
    """Where Prometheus answers; empty when none was given and the spec's Service does not exist."""
    spec = plan.spec.prometheus
    url = plan.prometheus_url.rstrip("/")
    if not url and spec is not None and cluster.get(kubernetes.SERVICES, spec.namespace, spec.service) is not None:
        url = service_url.find(cluster, spec.namespace, spec.service)
    if url:
        prometheus.check(url)
    return url
