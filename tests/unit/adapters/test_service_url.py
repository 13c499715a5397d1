"""Where traffic goes: to the agreed cluster or this machine, and nowhere else."""

from typing import Any

import pytest

from gameday.adapters import service_url
from gameday.adapters.kubernetes import NODES, SERVICES
from gameday.errors import BadInputError, RefusedError
from gameday.spec import Staging

type Cluster = Any


def staging(*hosts: str) -> Staging:
    return Staging(namespace="staging", deployment="task-api", service="task-api", contexts=("gameday",), hosts=hosts)


def service(port: int | None) -> dict[str, object]:
    return {
        "metadata": {"name": "task-api"},
        "spec": {"ports": [{"port": 8000, **({"nodePort": port} if port else {})}]},
    }


def node(**addresses: str) -> dict[str, object]:
    found = [{"type": kind, "address": address} for kind, address in addresses.items()]
    return {"metadata": {"name": "node-1"}, "status": {"addresses": found}}


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Hosts that answer, and those that were asked."""
    seen: dict[str, list[str]] = {"answering": [], "asked": []}

    def answers(host: str, port: int) -> bool:
        seen["asked"].append(f"{host}:{port}")
        return host in seen["answering"]

    monkeypatch.setattr(service_url, "_answers", answers)
    return seen


def test_the_node_port_on_this_machine_is_tried_first(cluster: Cluster, reachable: dict[str, list[str]]) -> None:
    """The API server is on loopback: so is the NodePort."""
    cluster.put(SERVICES, "staging", service(30080))
    reachable["answering"] = ["127.0.0.1", "10.0.0.1"]
    assert service_url.find(cluster, "staging", "task-api") == "http://127.0.0.1:30080"
    assert reachable["asked"] == ["127.0.0.1:30080"]


def test_then_the_nodes_in_their_order(cluster: Cluster, reachable: dict[str, list[str]]) -> None:
    """Addresses only, no names; IPv6 in brackets."""
    cluster.server_host = "https://api.example.test:6443"
    cluster.put(SERVICES, "staging", service(30080))
    cluster.put(NODES, "", node(Hostname="node-1", InternalIP="10.0.0.1", ExternalIP="fd00::1"))
    reachable["answering"] = ["fd00::1"]
    assert service_url.find(cluster, "staging", "task-api") == "http://[fd00::1]:30080"
    assert reachable["asked"] == ["10.0.0.1:30080", "fd00::1:30080"]


def test_a_missing_service_is_bad_input(cluster: Cluster) -> None:
    """Named."""
    with pytest.raises(BadInputError, match="no Service staging/task-api"):
        service_url.find(cluster, "staging", "task-api")


def test_a_node_port_that_does_not_answer_is_bad_input(cluster: Cluster, reachable: dict[str, list[str]]) -> None:
    """With every address that was tried."""
    cluster.put(SERVICES, "staging", service(30080))
    cluster.put(NODES, "", node(InternalIP="10.0.0.1"))
    with pytest.raises(
        BadInputError, match=r"nothing answers at 127\.0\.0\.1:30080, 10\.0\.0\.1:30080; .*--service-url"
    ):
        service_url.find(cluster, "staging", "task-api")
    assert reachable["asked"] == ["127.0.0.1:30080", "10.0.0.1:30080"]


def test_a_service_without_a_node_port_needs_a_url(cluster: Cluster) -> None:
    """The message says how to give one."""
    cluster.put(SERVICES, "staging", service(None))
    assert service_url.find(cluster, "staging", "task-api") == ""
    with pytest.raises(BadInputError, match=r"has no NodePort and no URL was given; .*Give --service-url"):
        service_url.resolve("", cluster, staging())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/",
        "https://localhost:8000",
        "http://127.8.9.10:8000/base",
        "http://[::1]:8000",
        "http://10.0.0.1:30080",
        "http://task-api.staging.test",
    ],
)
def test_a_given_url_of_this_machine_a_node_or_the_list_is_taken(cluster: Cluster, url: str) -> None:
    """Without its last slash; the Service is not asked for."""
    cluster.put(NODES, "", node(InternalIP="10.0.0.1"))
    assert service_url.resolve(url, cluster, staging("task-api.staging.test")) == url.rstrip("/")
    assert ("get", "services", "task-api") not in cluster.calls


@pytest.mark.parametrize(
    "url",
    [
        "http://task-api.example.com",
        "https://8.8.8.8:443",
        "http://task-api.staging.test.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example:8000",
        "http://0x7f.1.evil.example",
        "http://node-1:8000",
    ],
)
def test_a_url_that_points_elsewhere_is_refused(cluster: Cluster, url: str) -> None:
    """Its host is named; the names of nodes do not count, only their addresses."""
    cluster.put(NODES, "", node(Hostname="node-1", InternalIP="10.0.0.1"))
    with pytest.raises(RefusedError, match="points at the host"):
        service_url.resolve(url, cluster, staging("task-api.staging.test"))


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "localhost",
        "ftp://127.0.0.1/",
        "file://localhost/etc/passwd",
        "http://",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
        "http://[::1",
        "http://127.0.0.1:8000/?a=b",
        "http://127.0.0.1:8000/#x",
    ],
)
def test_what_is_no_plain_url_is_bad_input(cluster: Cluster, url: str) -> None:
    """Before anything is sent there, and before the run is described."""
    with pytest.raises(BadInputError, match="http://host:port or https://host:port"):
        service_url.resolve(url, cluster, staging())


@pytest.mark.parametrize(
    "url", ["http://ada:hunter2@127.0.0.1:8000", "http://hunter2@127.0.0.1:1", "http://a:hunter2@[x"]
)
def test_a_password_in_a_url_is_refused_and_not_repeated(cluster: Cluster, url: str) -> None:
    """It would be stored with the run, and printed in its report."""
    with pytest.raises(BadInputError) as refused:
        service_url.resolve(url, cluster, staging())
    assert "hunter2" not in str(refused.value)
