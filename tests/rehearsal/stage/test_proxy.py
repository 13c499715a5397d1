"""The Service port as clients see it: balanced, refused, reset, late, and faulty on demand."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from gameday.rehearsal.proxy.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Api

SERVICE = "/api/v1/namespaces/staging/services/task-api"
SLOW = "/apis/apps/v1/namespaces/staging/deployments"
MERGE = "application/merge-patch+json"


def get(port: int, path: str = "/tasks") -> int:
    """Ask once on a new connection; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        with connection.getresponse() as answer:  # a reset in mid-answer must not leave its socket open
            answer.read()
            return answer.status
    finally:
        connection.close()


def outcome(port: int) -> str:
    try:
        return str(get(port))
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__


@pytest.fixture
def port(api: Api, eventually: Callable[..., object]) -> int:
    """The Task API's node port, with all its pods ready."""
    path = "/apis/apps/v1/namespaces/staging/deployments/task-api"
    eventually(lambda: api.send("GET", path)[1]["status"].get("readyReplicas") == 3)
    found = api.node_port()
    eventually(lambda: outcome(found) == "200")
    return found


@pytest.fixture
def single(api: Api, eventually: Callable[..., object]) -> Iterator[int]:
    """A Service with one pod that takes 3 s for an answer; yields its node port."""
    container = {
        "name": "c",
        "image": "ghcr.io/panaversity/task-api:1.0.0",
        "env": [{"name": "LATENCY", "value": "3s"}],
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
    }
    template = {"metadata": {"labels": {"app": "single"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "single"}}, "template": template}
    api.send("POST", SLOW, {"metadata": {"name": "single"}, "spec": spec})
    service = {"type": "NodePort", "selector": {"app": "single"}, "ports": [{"port": 80, "targetPort": 8000}]}
    api.send("POST", "/api/v1/namespaces/staging/services", {"metadata": {"name": "single"}, "spec": service})
    found = api.node_port("single")
    eventually(lambda: get_health(found))
    yield found
    api.send("DELETE", f"{SLOW}/single")
    api.send("DELETE", "/api/v1/namespaces/staging/services/single")


def get_health(port: int) -> bool:
    try:
        return get(port, "/health") == 200
    except OSError:
        return False


def test_connections_spread_over_all_pods(api: Api, port: int) -> None:
    """Each pod gets its share of new connections."""

    def served() -> Counter[str]:
        counts: Counter[str] = Counter()
        for pod in api.pods("app=task-api"):
            connection = http.client.HTTPConnection(pod["status"]["podIP"], 8000, timeout=5)
            connection.request("GET", "/metrics", headers={"Connection": "close"})
            text = connection.getresponse().read().decode()
            counts[pod["metadata"]["name"]] = sum(
                int(x.rpartition(" ")[2]) for x in text.splitlines() if x.startswith("task_api_requests_total")
            )
        return counts

    before = served()
    assert {get(port) for _ in range(30)} == {200}
    assert sorted((served() - before).values()) == [10, 10, 10]


def test_the_cluster_ip_serves_too(api: Api, port: int) -> None:
    """Every Service has a loopback address of its own, with the port of the manifest."""
    address = api.send("GET", SERVICE)[1]["spec"]["clusterIP"]
    with socket.create_connection((address, 8000), timeout=5) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert port


def test_without_endpoints_connections_are_refused(api: Api, single: int, eventually: Callable[..., object]) -> None:
    """No ready endpoint: a true ECONNREFUSED; with one again, the port is open again."""
    scale = {"spec": {"replicas": 0}}
    api.send("PATCH", f"{SLOW}/single/scale", scale, Content_Type=MERGE)
    eventually(lambda: outcome(single) == "ConnectionRefusedError")
    api.send("PATCH", f"{SLOW}/single/scale", {"spec": {"replicas": 1}}, Content_Type=MERGE)
    eventually(lambda: get_health(single))


def test_a_request_under_way_is_reset_by_a_kill(api: Api, single: int) -> None:
    """The client of a killed pod sees its connection reset, not an invented answer."""
    (pod,) = api.pods("app=single")
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(outcome, single)
        time.sleep(0.3)  # the request must be with the pod: it has no event of its own
        api.send("DELETE", f"/api/v1/namespaces/staging/pods/{pod['metadata']['name']}?gracePeriodSeconds=0")
        assert pending.result(5) == "ConnectionResetError"


def test_a_dead_pod_is_hit_until_the_proxy_follows(api: Api, port: int) -> None:
    """For the endpoint lag (0.2 s here) new connections still go to the dead pod, then none does."""
    victim = api.pods("app=task-api")[0]["metadata"]["name"]
    begun = time.monotonic()
    api.send("DELETE", f"/api/v1/namespaces/staging/pods/{victim}?gracePeriodSeconds=0")
    seen: list[tuple[float, str]] = []
    while time.monotonic() - begun < 1.0:
        seen.append((time.monotonic() - begun, outcome(port)))
    failed = [at for at, what in seen if what != "200"]
    assert failed, "no connection went to the dead pod"
    assert max(failed) < 0.2 + 0.3  # the lag, and a slow machine
    assert {what for _, what in seen} <= {
        "200",
        "ConnectionResetError",
        "RemoteDisconnected",
        "ConnectionRefusedError",
    }


def fault(api: Api, name: str, kind: str, seconds: float) -> None:
    annotation = {"rehearsal.gameday/fault": json.dumps({"id": name, "kind": kind, "seconds": seconds})}
    api.send("PATCH", SERVICE, {"metadata": {"annotations": annotation}}, Content_Type=MERGE)


def truth(api: Api, name: str) -> tuple[int, int] | None:
    text = api.send("GET", SERVICE)[1]["metadata"].get("annotations", {}).get("rehearsal.gameday/fault-truth", "{}")
    told = json.loads(text)
    return (told["began_ns"], told["ended_ns"]) if told.get("id") == name else None


@pytest.mark.parametrize("seconds", [0.055, 0.5])
def test_a_refusal_lasts_exactly_as_long_as_it_says(
    api: Api, port: int, seconds: float, eventually: Callable[..., object]
) -> None:
    """Every failure that clients saw falls into the time that the proxy wrote back as the truth."""
    name = f"refuse-{seconds}"
    seen: list[tuple[int, int, str]] = []
    fault(api, name, "refuse", seconds)
    while (told := truth(api, name)) is None:
        began = time.monotonic_ns()
        what = outcome(port)
        seen.append((began, time.monotonic_ns(), what))
    began_ns, ended_ns = told
    assert (ended_ns - began_ns) / 1e9 == pytest.approx(seconds, abs=0.1)
    failed = [(began, ended) for began, ended, what in seen if what != "200"]
    assert failed, seen
    assert all(began <= ended_ns and began_ns <= ended for began, ended in failed)
    eventually(lambda: outcome(port) == "200")


def test_a_stall_delivers_everything_at_its_end(api: Api, port: int) -> None:
    """Requests during a stall are answered, in full, when it ends and not before."""
    fault(api, "stall", "stall", 0.6)
    time.sleep(0.1)  # the stall has begun: patches take effect in the same turn
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(lambda: (get(port), time.monotonic_ns())) for _ in range(8)]
        done = [answer.result(5) for answer in answers]
    told = truth(api, "stall")
    assert told is not None
    assert {status for status, _ in done} == {200}
    assert all(at >= told[1] for _, at in done)


def test_an_error_answers_503_and_keeps_connections(api: Api, port: int, request: pytest.FixtureRequest) -> None:
    """A kept connection gets 200, then 503 during the fault, then 200 again: it never breaks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    request.addfinalizer(connection.close)

    def ask() -> int:
        connection.request("POST", "/tasks", json.dumps({"title": "x"}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    statuses = [ask()]
    sock = connection.sock
    fault(api, "error", "error", 0.3)
    while truth(api, "error") is None:
        statuses.append(ask())
    statuses.append(ask())
    assert [status for status, _ in groupby(statuses)] == [201, 503, 201]
    assert connection.sock is sock


@pytest.mark.parametrize("cut", range(1, 60))
def test_refusals_survive_any_cut_in_the_stream(cut: int) -> None:
    """However the bytes of two requests arrive, each gets exactly one 503."""
    stream = b"POST /tasks HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcdGET / HTTP/1.1\r\n\r\n"
    refusal = Refusal()
    first, _ = refusal.feed(stream[:cut])
    second, closing = refusal.feed(stream[cut:])
    assert (first + second).count(b"HTTP/1.1 503") == 2
    assert refusal.between_requests
    assert not closing
