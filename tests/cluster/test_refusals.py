"""On a real cluster, bad input and refusals leave one clear message, an exit code, and nothing in the cluster."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from audit import writes
from commands import Finished, change
from harness import EXPERIMENT, gameday, kubectl, left_behind, wait_until_ready

from gameday.adapters.kubernetes import Cluster


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """A copy of the experiment's folder, to be spoilt."""
    copy = tmp_path / "task-api"
    shutil.copytree(EXPERIMENT.parent, copy)
    return copy / "pod-kill.yaml"


def attempt(experiment: Path, *more: str, environment: dict[str, str] | None = None) -> Finished:
    runs = experiment.parent / "runs"
    return gameday("run", str(experiment), "--runs", str(runs), *more, runs=runs, environment=environment)


def assert_refused(done: Finished, code: int, *words: str) -> None:
    """One message, no traceback, no run folder."""
    assert done.code == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert done.folder is None


def test_a_context_that_is_not_allowed(experiment: Path, audit_log: Path) -> None:
    """A context that the spec does not list is refused before the cluster is asked anything."""
    change(experiment.parent / "spec.yaml", "staging", "contexts", value=["somewhere-else"])
    begun = datetime.now(UTC)
    assert_refused(attempt(experiment), 4, "context 'gameday'", "somewhere-else")
    assert writes(audit_log, begun) == []


def test_another_applications_pods(experiment: Path, audit_log: Path, cluster: Cluster) -> None:
    """A selector that does not match exactly the workload's Ready pods is refused, and nothing is written."""
    change(experiment.parent / "podchaos.yaml", "spec", "selector", "labelSelectors", value={"app": "other"})
    begun = datetime.now(UTC)
    assert_refused(attempt(experiment), 4, "blast radius", "differ by")
    assert writes(audit_log, begun) == []
    assert left_behind(cluster) == []


def test_a_namespace_that_did_not_opt_in(experiment: Path, audit_log: Path) -> None:
    """Without the namespace's annotation nothing is written."""
    begun = datetime.now(UTC)
    kubectl("annotate", "namespace", "staging", "chaos-mesh.org/inject-")
    try:
        assert_refused(attempt(experiment), 4, "opt-in", "kubectl annotate")
    finally:
        kubectl("annotate", "namespace", "staging", "chaos-mesh.org/inject=enabled")
    assert writes(audit_log, begun) == []


def test_one_replica(experiment: Path, audit_log: Path) -> None:
    """A workload with a single Ready pod is not killed."""
    begun = datetime.now(UTC)
    kubectl("-n", "staging", "scale", "deployment/task-api", "--replicas=1")
    kubectl("-n", "staging", "wait", "--for=jsonpath={.status.replicas}=1", "deployment/task-api", "--timeout=60s")
    try:
        assert_refused(attempt(experiment), 4, "blast radius")
    finally:
        kubectl("-n", "staging", "scale", "deployment/task-api", "--replicas=3")
        wait_until_ready()
    assert writes(audit_log, begun) == []


def test_a_namespace_without_the_workload(experiment: Path) -> None:
    """A Deployment that does not exist is bad input."""
    change(experiment.parent / "spec.yaml", "staging", "deployment", value="nothing-here")
    assert_refused(attempt(experiment), 2, "no Deployment staging/nothing-here")


def test_a_cluster_without_the_namespace(experiment: Path) -> None:
    """A namespace that does not exist is bad input."""
    change(experiment.parent / "spec.yaml", "staging", "namespace", value="nowhere")
    change(experiment.parent / "podchaos.yaml", "spec", "selector", "namespaces", value=["nowhere"])
    assert_refused(attempt(experiment), 2, "no namespace 'nowhere'")


def test_a_kubeconfig_that_points_nowhere(experiment: Path, kubeconfig: Path, tmp_path: Path) -> None:
    """A server that does not answer is bad input."""
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(kubeconfig.read_text().replace(":6443", ":1"))
    done = attempt(experiment, environment={"KUBECONFIG": str(nowhere)})
    assert_refused(done, 2, "context 'gameday'", "an API server that answers")


def test_a_prometheus_that_does_not_answer(experiment: Path, cluster: Cluster) -> None:
    """A Prometheus that was named and does not answer is bad input, before anything is written."""
    done = attempt(experiment, "--prometheus-url", "http://127.0.0.1:1")
    assert_refused(done, 2, "Prometheus at http://127.0.0.1:1")
    assert left_behind(cluster) == []


def test_a_service_url_of_somebody_else(experiment: Path) -> None:
    """Traffic goes to this machine, to the cluster's nodes, or to hosts that the spec names: nowhere else."""
    assert_refused(attempt(experiment, "--service-url", "http://192.0.2.1:80"), 4, "192.0.2.1", "staging.hosts")


def test_no_chaos_mesh(experiment: Path) -> None:
    """A cluster whose API server knows no PodChaos is bad input."""
    crd = kubectl("get", "crd", "podchaos.chaos-mesh.org", "-o", "json")
    kubectl("delete", "crd", "podchaos.chaos-mesh.org")
    try:
        assert_refused(attempt(experiment), 2, "no PodChaos")
    finally:
        restored = json.loads(crd)
        restored["metadata"] = {
            "name": restored["metadata"]["name"],
            "annotations": restored["metadata"].get("annotations", {}),
        }
        restored.pop("status", None)
        path = experiment.parent / "crd.json"
        path.write_text(json.dumps(restored))
        kubectl("create", "-f", str(path))
        kubectl("wait", "--for=condition=Established", "crd/podchaos.chaos-mesh.org", "--timeout=30s")
