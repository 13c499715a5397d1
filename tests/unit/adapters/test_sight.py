"""What the guard looks at: the right objects, selected by the server, and nothing written."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gameday.adapters.kubernetes import DEPLOYMENTS, LEASES, PODS, REPLICASETS
from gameday.adapters.lease import body
from gameday.adapters.sight import ClusterSight, health, needs
from gameday.experiment import Plan, load_plan, read_experiment

type Cluster = Any


@pytest.fixture
def plan(experiment: Path) -> Plan:
    """The Task API's plan."""
    content = read_experiment(experiment).data
    assert isinstance(content, dict)
    return load_plan(experiment, content, content["configuration"] | {"service_url": "", "prometheus_url": ""})


@pytest.fixture
def sight(cluster: Cluster, plan: Plan) -> ClusterSight:
    """Of a cluster with the Deployment, two ReplicaSets and pods of each, and a stranger."""
    cluster.put(
        DEPLOYMENTS,
        "staging",
        {"metadata": {"name": "task-api", "uid": "dep"}, "spec": {"selector": {"matchLabels": {"app": "task-api"}}}},
    )
    return ClusterSight(cluster, plan)


def test_own_pods_are_those_of_the_deployments_replica_sets(
    cluster: Cluster, sight: ClusterSight, make: SimpleNamespace
) -> None:
    """By owner and UID: equal labels are not enough."""
    for name, owner in (("new", "dep"), ("old", "dep"), ("strange", "other")):
        owners = [{"uid": owner, "controller": True}]
        cluster.put(
            REPLICASETS, "staging", {"metadata": {"name": name, "uid": f"rs-{name}", "ownerReferences": owners}}
        )
    for name, owner in (("a", "rs-new"), ("b", "rs-old"), ("c", "rs-strange"), ("d", "")):
        cluster.put(PODS, "staging", make.pod(name, owner=owner))
    assert [pod["metadata"]["name"] for pod in sight.own_pods()] == ["a", "b"]
    assert ("list", "pods", "app=task-api") in cluster.calls


def test_selected_pods_are_those_of_every_phase(cluster: Cluster, sight: ClusterSight, make: SimpleNamespace) -> None:
    """Without a phase selector Chaos Mesh takes terminating and completed ones too."""
    done = make.pod("done")
    done["status"]["phase"] = "Succeeded"
    for pod in (make.pod("a"), make.pod("going", terminating=True), done):
        cluster.put(PODS, "staging", pod)
    assert len(sight.selected_pods()) == 3


def test_a_dry_run_offers_everything_and_keeps_nothing(cluster: Cluster, sight: ClusterSight) -> None:
    """The PodChaos and the Lease."""
    before = dict(cluster.stored)
    sight.dry_run()
    assert [call for call in cluster.calls if call[0] != "get"] == [
        ("dry-run", "podchaos", "task-api-pod-kill-dry-run"),
        ("dry-run", "leases", "gameday-task-api"),
    ]
    assert cluster.stored == before


def test_a_lease_that_is_there_is_not_offered(cluster: Cluster, sight: ClusterSight) -> None:
    """An expired one will be taken over, not created."""
    cluster.put(LEASES, "staging", body("staging", "gameday-task-api", "run-0"))
    sight.dry_run()
    assert ("dry-run", "leases", "gameday-task-api") not in cluster.calls


def test_the_lease_holder_is_named(cluster: Cluster, sight: ClusterSight) -> None:
    """Who holds it now; nobody without one."""
    assert sight.lease_holder() == ""
    cluster.put(LEASES, "staging", body("staging", "gameday-task-api", "run-0"))
    assert sight.lease_holder() == "run-0"


def test_every_missing_permission_is_named(cluster: Cluster, sight: ClusterSight, plan: Plan) -> None:
    """Each verb of each resource is asked for once, and nothing is asked twice."""
    cluster.allowed = lambda verb, resource, _namespace: (verb, resource.plural) != ("create", "podchaos")
    assert sight.denied() == ["create podchaos in staging", "create podchaos in chaos-mesh"]
    asked = [(resource.plural, namespace, verb) for resource, namespace, verbs in needs(plan) for verb in verbs]
    assert len(asked) == len(set(asked))
    assert ("podchaos", "chaos-mesh", "delete") in asked
    assert ("leases", "staging", "delete") in asked


class Answers(http.server.BaseHTTPRequestHandler):
    """The status that the path names."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """A service on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_health_is_a_200_past_any_proxy(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy variable must not send the question elsewhere."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert health(f"{service}/200") == ""
    assert health(f"{service}/204") == "status 204"
    assert "503" in health(f"{service}/503")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/health", "http://127.0.0.1:1/hé", "nonsense", "http://127.0.0.1:1/a b"]
)
def test_a_service_that_cannot_be_asked_is_not_healthy(url: str) -> None:
    """In words, never a traceback."""
    assert health(url)
