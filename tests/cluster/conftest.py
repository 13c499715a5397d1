"""A real cluster for tests: the manifests applied, Chaos Mesh's part played by the rehearsal's small controller."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import MANIFESTS, kubectl, wait_until_ready

from gameday.adapters.kubernetes import NAMESPACES, Cluster


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """The kubeconfig of the test cluster; these tests change what it names."""
    path = os.environ.get("KUBECONFIG", "")
    assert path, "KUBECONFIG must name the kubeconfig of a test cluster"
    return Path(path)


@pytest.fixture(scope="session")
def audit_log(kubeconfig: Path) -> Path:
    """The API server's audit log, beside the kubeconfig."""
    path = kubeconfig.parent / "log" / "audit"
    assert path.exists(), f"no audit log at {path}: the independent witness is missing"
    return path


@pytest.fixture(scope="session")
def cluster(kubeconfig: Path) -> Cluster:
    return Cluster.of_kubeconfig()


@pytest.fixture(scope="session", autouse=True)
def task_api(kubeconfig: Path, cluster: Cluster) -> None:
    """The Task API in staging, all replicas Ready, and the namespace of Chaos Mesh."""
    if cluster.get(NAMESPACES, "", "chaos-mesh") is None:
        cluster.create(NAMESPACES, "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chaos-mesh"}})
    for name in ("namespace.yaml", "deployment.yaml"):
        kubectl("apply", "-f", str(MANIFESTS / name))
    wait_until_ready()


@pytest.fixture(scope="session", autouse=True)
def chaos_mesh(kubeconfig: Path, task_api: None) -> Iterator[None]:
    """The controller that acts on PodChaos, as a process with a connection of its own."""
    command = [sys.executable, "-m", "gameday.rehearsal.chaos_mesh", "--kubeconfig", str(kubeconfig)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield
        process.terminate()
