"""The official client, Chaos Toolkit's probes and kubectl work unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Api

    from gameday.rehearsal.stage import Stage


def test_the_official_client_reads_what_runs(api: Api) -> None:
    """Typed models of what runs parse, and the version says that this is a rehearsal."""
    assert len(api.core.list_namespaced_pod("staging", label_selector="app=task-api").items) == 3
    assert api.apps.read_namespaced_deployment("task-api", "staging").status.available_replicas == 3
    slices = client.DiscoveryV1Api(api.raw).list_namespaced_endpoint_slice("staging").items
    assert all(endpoint.conditions.ready for endpoint in slices[0].endpoints)
    assert api.core.list_node(label_selector="gameday.dev/rehearsal=true").items[0].metadata.name == "rehearsal-1"
    assert client.VersionApi(api.raw).get_code().git_version.endswith("+rehearsal")
    crds = client.ApiextensionsV1Api(api.raw)
    assert crds.read_custom_resource_definition("podchaos.chaos-mesh.org").spec.group == "chaos-mesh.org"


def test_the_official_client_writes(api: Api) -> None:
    """Create, patch, conflict, delete: with the client's own models and errors."""
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="official"), data={"a": "1"})
    api.core.create_namespaced_config_map("default", body)
    with pytest.raises(ApiException) as caught:
        api.core.create_namespaced_config_map("default", body)
    assert (caught.value.status, json.loads(caught.value.body)["reason"]) == (409, "AlreadyExists")
    patched = api.core.patch_namespaced_config_map("official", "default", {"data": {"b": "2"}})
    assert patched.data == {"a": "1", "b": "2"}
    api.core.delete_namespaced_config_map("official", "default")
    with pytest.raises(ApiException) as caught:
        api.core.read_namespaced_config_map("official", "default")
    assert caught.value.status == 404


def test_the_official_watch_works(api: Api) -> None:
    """kubernetes.watch yields typed objects and ends at its time-out."""
    events = list(watch.Watch().stream(api.core.list_namespaced_pod, "staging", timeout_seconds=1))
    assert {event["object"].metadata.namespace for event in events} == {"staging"}


def test_a_lease_can_be_taken_once(api: Api) -> None:
    """Leases keep their micro times, and a stale writer conflicts."""
    leases = client.CoordinationV1Api(api.raw)
    body = {
        "metadata": {"name": "run"},
        "spec": {
            "holderIdentity": "a",
            "leaseDurationSeconds": 30,
            "acquireTime": "2026-01-01T00:00:00.123456Z",
        },
    }
    made = leases.create_namespaced_lease("default", body)
    assert made.spec.acquire_time.microsecond == 123456
    leases.replace_namespaced_lease("run", "default", {**body, "spec": {"holderIdentity": "b"}})
    stale = {**body, "metadata": {"name": "run", "resourceVersion": made.metadata.resource_version}}
    with pytest.raises(ApiException) as caught:
        leases.replace_namespaced_lease("run", "default", stale)
    assert caught.value.status == 409
    leases.delete_namespaced_lease("run", "default")


PROBES = """
from chaosk8s.deployment.probes import deployment_available_and_healthy
from chaosk8s.pod.probes import pods_in_phase
assert deployment_available_and_healthy("task-api", ns="staging")
assert pods_in_phase("app=task-api", phase="Running", ns="staging")
"""


def test_chaos_toolkits_probes_hold(stage: Stage) -> None:
    """chaosk8s's steady-state probes are true of the stage (it reads KUBECONFIG at import: own process)."""
    env = {**os.environ, "KUBECONFIG": str(stage.kubeconfig), "KUBERNETES_CONTEXT": "rehearsal"}
    done = subprocess.run(
        [sys.executable, "-c", PROBES], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_reviews_and_requests_agree_on_what_is_denied(bare_api: Api) -> None:
    """A deny rule shows in the access review, and the request itself answers 403."""
    reviews = client.AuthorizationV1Api(bare_api.raw)

    def allowed(namespace: str) -> bool:
        asked = {"verb": "create", "group": "chaos-mesh.org", "resource": "podchaos", "namespace": namespace}
        answer = reviews.create_self_subject_access_review({"spec": {"resourceAttributes": asked}})
        return bool(answer.status.allowed)

    assert (allowed("default"), allowed("velero")) == (True, False)
    code, status = bare_api.send("DELETE", "/api/v1/namespaces/kube-system/secrets/any")
    assert (code, status["reason"]) == (403, "Forbidden")


def test_without_the_token_nobody_gets_in(bare_api: Api) -> None:
    """A wrong token answers 401 with a Status."""
    code, status = bare_api.send("GET", "/api/v1/pods", Authorization="Bearer wrong")
    assert (code, status["kind"], status["reason"]) == (401, "Status", "Unauthorized")


def test_unknown_podchaos_fields_are_pruned_or_refused(bare_api: Api) -> None:
    """Pruned by default, refused under strict validation, as for any CRD with a schema."""
    spec = {"action": "pod-kill", "mode": "one", "selector": {"labels": {"app": "a"}}, "pods": 1}
    path = "/apis/chaos-mesh.org/v1alpha1/namespaces/default/podchaos"
    code, status = bare_api.send("POST", f"{path}?fieldValidation=Strict", {"metadata": {"name": "x"}, "spec": spec})
    assert code == 400
    assert 'unknown field "spec.selector.labels"' in status["message"]
    code, made = bare_api.send("POST", f"{path}?dryRun=All", {"metadata": {"name": "x"}, "spec": spec})
    assert code == 201
    assert "pods" not in made["spec"]
    assert "labels" not in made["spec"]["selector"]


def test_the_request_log_knows_what_was_asked(bare_api: Api) -> None:
    """One line a request, with verb, resource, code and dryRun: the proof that nothing was written."""
    bare_api.send("POST", "/api/v1/namespaces/default/configmaps?dryRun=All", {"metadata": {"name": "logged"}})
    last = json.loads(bare_api.stage.requests.read_text().splitlines()[-1])
    assert (last["verb"], last["resource"], last["namespace"], last["code"]) == (
        "create",
        "configmaps",
        "default",
        201,
    )
    assert last["dryRun"] == "All"
    assert last["user"] == "rehearsal-admin"


def test_a_scale_changes_the_deployment(api: Api, eventually: Callable[..., object]) -> None:
    """The scale subresource reads and sets the replicas, and the pods follow."""
    assert api.apps.read_namespaced_deployment_scale("task-api", "staging").spec.replicas == 3
    for replicas in (4, 3):
        api.apps.patch_namespaced_deployment_scale("task-api", "staging", {"spec": {"replicas": replicas}})
        eventually(lambda wanted=replicas: len(api.pods("app=task-api")) == wanted)


def test_kubectl_shows_pods(kubectl: list[str], run: Callable[..., str]) -> None:
    """`kubectl get pods` prints the usual columns."""
    header, *rows = run(*kubectl, "get", "pods", "-n", "staging", "-l", "app=task-api").splitlines()
    assert header.split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert all(row.split()[1:3] == ["1/1", "Running"] for row in rows)


def test_kubectl_applies_describes_and_deletes(kubectl: list[str], run: Callable[..., str]) -> None:
    """Apply twice (created, unchanged), describe, delete."""
    metadata = {"name": "k", "namespace": "default"}
    manifest = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}})
    assert "created" in run(*kubectl, "apply", "-f", "-", given=manifest)
    assert "unchanged" in run(*kubectl, "apply", "-f", "-", given=manifest)
    assert "a:" in run(*kubectl, "describe", "configmap", "k")
    assert "deleted" in run(*kubectl, "delete", "configmap", "k")
    described = run(*kubectl, "describe", "deployment", "task-api", "-n", "staging")
    assert "3 desired | 3 updated | 3 total | 3 available" in described


def test_kubectl_watches_a_kill(api: Api, kubectl: list[str]) -> None:
    """`kubectl get pods -w` shows the victim Terminating and its replacement Running and ready."""
    command = [*kubectl, "get", "pods", "-n", "staging", "-l", "app=task-api", "-w"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as shown:
        assert shown.stdout
        lines = iter(shown.stdout.readline, "")
        known = {next(lines).split()[0] for _ in range(4)}
        victim = sorted(known - {"NAME"})[0]
        api.core.delete_namespaced_pod(victim, "staging", grace_period_seconds=0)
        seen = []
        for line in lines:
            seen.append(line.split()[:3])
            if line.split()[0] not in known and line.split()[1:3] == ["1/1", "Running"]:
                break
        shown.terminate()
    assert [victim, "1/1", "Terminating"] in seen
    assert {"Pending", "ContainerCreating", "Running"} <= {status for name, _, status in seen if name not in known}
