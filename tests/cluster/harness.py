"""Running the project's commands on a test cluster as a user does, and asking the cluster about it."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from commands import Finished

from gameday.adapters.kubernetes import LEASES, PODCHAOS, Cluster

ROOT = Path(__file__).parents[2]
EXPERIMENT = ROOT / "experiments/task-api/pod-kill.yaml"
MANIFESTS = EXPERIMENT.parent / "manifests"
PROMETHEUS = "http://127.0.0.1:9090"


def kubectl(*arguments: str) -> str:
    return subprocess.run(["kubectl", *arguments], check=True, capture_output=True, text=True, timeout=120).stdout


def wait_until_ready() -> None:
    kubectl("-n", "staging", "rollout", "status", "deployment/task-api", "--timeout=90s")


def gameday(*arguments: str, runs: Path, environment: dict[str, str] | None = None, timeout_s: float = 180) -> Finished:
    """Run the command as a user does, from the project's folder."""
    return _run([sys.executable, "-m", "gameday", *arguments], runs, environment, timeout_s)


def chaos(*arguments: str, runs: Path, environment: dict[str, str] | None = None) -> Finished:
    """Run stock Chaos Toolkit."""
    code = "import sys; from chaostoolkit.__main__ import cli; sys.exit(cli())"
    return _run([sys.executable, "-c", code, *arguments], runs, environment, 180)


def _run(command: list[str], runs: Path, environment: dict[str, str] | None, timeout_s: float) -> Finished:
    before = set(runs.iterdir()) if runs.exists() else set()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "GAMEDAY_RUNS": str(runs), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    after = set(runs.iterdir()) if runs.exists() else set()
    assert len(after - before) <= 1
    return Finished(done.returncode, done.stdout, done.stderr, next(iter(after - before), None))


def left_behind(cluster: Cluster) -> list[str]:
    """Names of what a run should have taken away."""
    chaos_objects, _ = cluster.list(PODCHAOS, "chaos-mesh")
    leases, _ = cluster.list(LEASES, "staging")
    return [item["metadata"]["name"] for item in (*chaos_objects, *leases)]


def node_port(cluster: Cluster) -> int:
    service = json.loads(kubectl("-n", "staging", "get", "service", "task-api", "-o", "json"))
    return service["spec"]["ports"][0]["nodePort"]


def served(cluster: Cluster) -> dict[str, int]:
    """Requests that the pods say they answered, by status, from each pod's own /metrics."""
    pods = json.loads(kubectl("-n", "staging", "get", "pods", "-l", "app=task-api", "-o", "json"))["items"]
    counts: dict[str, int] = {}
    for pod in pods:
        with urllib.request.urlopen(f"http://{pod['status']['podIP']}:8000/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        for line in lines:
            if line.startswith("task_api_requests_total{"):
                labels, _, value = line.rpartition(" ")
                status = labels.partition('status="')[2].partition('"')[0]
                counts[status] = counts.get(status, 0) + int(float(value))
    return counts
