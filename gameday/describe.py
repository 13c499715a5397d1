"""What `run.json` says of a run before it starts: who, where, what, with which versions, on which clock."""

import getpass
import os
import platform
import socket
import subprocess
import time
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version

from gameday import objects
from gameday.adapters.kubernetes import Cluster
from gameday.adapters.sight import ClusterSight
from gameday.experiment import Plan
from gameday.store.meta import Check, Clock, RunMeta, Workload
from gameday.timeline import KubeObject

REHEARSAL = "+rehearsal"
"""What a server's version ends in that only plays a cluster (build metadata, semver.org)."""
PACKAGES = (
    "chaos-gameday",
    "chaostoolkit",
    "chaostoolkit-lib",
    "chaostoolkit-kubernetes",
    "locust",
    "kubernetes",
)


def describe(
    plan: Plan,
    cluster: Cluster,
    sight: ClusterSight,
    checks: Sequence[tuple[str, str]],
    *,
    run: str,
    now: datetime,
    prometheus_url: str,
    rate_per_s: float,
    approved_by: str,
) -> RunMeta:
    """Everything that is known about a run that the guard has let pass."""
    server = cluster.version()
    return RunMeta(
        run=run,
        title=plan.title,
        service=plan.spec.service,
        clock=read_clocks(),
        started_at=now.isoformat(timespec="milliseconds"),
        stage="REHEARSAL" if REHEARSAL in server else "CLUSTER",
        context=cluster.context,
        server_version=server,
        workload=_workload(plan, sight.deployment() or {}, sight.own_pods()),
        podchaos=f"{plan.chaos.metadata.namespace}/{_chaos_name(plan, run)}",
        service_url=sight.service_url,
        prometheus_url=prometheus_url,
        baseline_s=plan.settings.baseline_s,
        settle_s=plan.settings.settle_s,
        recovery_timeout_s=plan.settings.recovery_timeout_s,
        rate_per_s=rate_per_s,
        user=_user(),
        host=socket.gethostname(),
        approved_by=approved_by,
        git_commit=_git_commit(),
        versions={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        guard=tuple(Check(name=name, saw=saw) for name, saw in checks),
    )


def read_clocks() -> Clock:
    """Both clocks, read closest to each other of some tries."""
    tries = []
    for _ in range(20):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        tries.append((after - before, wall, (before + after) // 2))
    uncertainty, wall, monotonic = min(tries)
    return Clock(wall_ns=wall, monotonic_ns=monotonic, uncertainty_ns=uncertainty)


def _chaos_name(plan: Plan, run: str) -> str:
    """A name of its own: the manifest's, the run's time, and chance."""
    suffix = f"-{run.partition('-')[0].lower()}-{os.urandom(2).hex()}"
    return plan.chaos.metadata.name[: 63 - len(suffix)] + suffix


def _workload(plan: Plan, deployment: KubeObject, pods: Sequence[KubeObject]) -> Workload:
    containers = objects.children(deployment, "spec", "template", "spec", "containers")
    statuses = [status for pod in pods for status in objects.children(pod, "status", "containerStatuses")]
    return Workload(
        namespace=plan.namespace,
        deployment=plan.spec.staging.deployment,
        deployment_uid=objects.uid(deployment),
        service=plan.spec.staging.service,
        desired_pods=objects.number(deployment, "spec", "replicas"),
        images=tuple(objects.text(container, "image") for container in containers),
        image_digests=tuple(sorted({objects.text(status, "imageID") for status in statuses} - {""})),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"  # a container's user without a name


def _git_commit() -> str:
    """The commit of the current folder, with `+` when files differ from it; empty outside a repository."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=False
        )  # git is where the user has it
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()
