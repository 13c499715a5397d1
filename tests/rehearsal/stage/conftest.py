"""Stages for the tests: one with a quick Task API for the whole session, and a bare one for the API alone."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes import client, config

from gameday.rehearsal.objects import Obj
from gameday.rehearsal.stage import Stage

QUICK = """
apiVersion: v1
kind: Namespace
metadata: {name: staging, annotations: {chaos-mesh.org/inject: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: task-api, namespace: staging, labels: {app: task-api}}
spec:
  replicas: 3
  selector: {matchLabels: {app: task-api}}
  template:
    metadata: {labels: {app: task-api}}
    spec:
      containers:
        - name: task-api
          image: ghcr.io/panaversity/task-api:1.0.0
          ports: [{containerPort: 8000, name: http}]
          readinessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: task-api, namespace: staging}
spec:
  type: NodePort
  selector: {app: task-api}
  ports: [{port: 8000, targetPort: 8000, name: http}]
"""
SLEEPER, CRASHER = "sleeper:1", "crasher:1"
IMAGES = {
    SLEEPER: [sys.executable, "-c", "import time; time.sleep(600)"],
    CRASHER: [sys.executable, "-c", "raise SystemExit(3)"],
}


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Three quick Task API pods behind a Service, and Chaos Mesh's stand-in."""
    folder = tmp_path_factory.mktemp("stage")
    (folder / "quick.yaml").write_text(QUICK)
    with Stage(folder / "run", [folder / "quick.yaml"], endpoint_lag_s=0.2, images=IMAGES) as running:
        yield running
    # Whatever the tests did, nothing may have gone wrong inside: the log is for surprises only.
    assert (folder / "run" / "stage.log").read_text() == ""
    assert (folder / "run" / "chaos-mesh.log").read_text() == ""


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An API without workloads, with a short memory and one forbidden thing."""
    deny = ["delete:secrets:kube-system", "create:podchaos.chaos-mesh.org:velero"]
    folder = tmp_path_factory.mktemp("bare")
    with Stage(folder, [], chaos_mesh=False, history=60, deny=deny) as running:
        yield running


class Api:
    """The official client, with what the tests ask again and again."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.token = "Bearer " + json.loads(stage.kubeconfig.read_text())["users"][0]["user"]["token"]
        self.raw = config.new_client_from_config(str(stage.kubeconfig), "rehearsal")
        self.core = client.CoreV1Api(self.raw)
        self.apps = client.AppsV1Api(self.raw)
        self.custom = client.CustomObjectsApi(self.raw)

    def apply(self, text: str) -> Obj:
        """Create one object from YAML; return what was stored."""
        obj = yaml.safe_load(text)
        plural = {"PodChaos": "podchaos"}.get(obj["kind"], obj["kind"].lower() + "s")
        group = obj["apiVersion"]
        root = f"/apis/{group}" if "/" in group else f"/api/{group}"
        space = obj["metadata"].get("namespace")
        path = f"{root}/namespaces/{space}/{plural}" if space else f"{root}/{plural}"
        return self.send("POST", path, obj)[1]

    def send(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Obj]:
        """Send one request; return the status and the JSON answer."""
        sent = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        answer = self.raw.rest_client.pool_manager.request(
            method,
            self.raw.configuration.host + path,
            body=None if body is None else json.dumps(body),
            headers={"Authorization": self.token, **sent},
            retries=False,
        )
        return answer.status, json.loads(answer.data)

    def pods(self, selector: str, namespace: str = "staging") -> list[Obj]:
        """Return pods as plain JSON."""
        path = f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}"
        items: list[Obj] = self.send("GET", path)[1]["items"]
        return items

    def node_port(self, name: str = "task-api", namespace: str = "staging") -> int:
        """Return a Service's node port."""
        service = self.send("GET", f"/api/v1/namespaces/{namespace}/services/{name}")[1]
        return int(service["spec"]["ports"][0]["nodePort"])


@pytest.fixture(scope="session")
def api(stage: Stage) -> Api:
    """The official client on the session's stage."""
    return Api(stage)


@pytest.fixture(scope="session")
def bare_api(bare: Stage) -> Api:
    """The official client on the bare stage."""
    return Api(bare)


def eventually[T](ask: Callable[[], T], *, within_s: float = 10.0) -> T:
    """Ask until the answer is truthy: for states that no single event announces."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {within_s} s: last answer {ask()!r}")


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., object]:
    """Hand out `eventually`: test modules cannot import a conftest."""
    return eventually


@pytest.fixture
def kubectl(stage: Stage) -> list[str]:
    """The command line of kubectl on the session's stage; only CI insists on having one."""
    if shutil.which("kubectl") is None and not os.environ.get("CI"):
        pytest.skip("kubectl is not installed (Debian: kubernetes-client)")
    return ["kubectl", "--kubeconfig", str(stage.kubeconfig)]


@pytest.fixture
def run() -> Callable[..., str]:
    """Run a command and return its output; a failure fails the test."""

    def runner(*words: str, given: str | None = None) -> str:
        done = subprocess.run(words, input=given, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return runner


@pytest.fixture(scope="session")
def mission() -> Path:
    """The mission's Deployment, as it is."""
    return Path(__file__).parents[2] / "data" / "mission" / "task-api-deployment.yaml"
