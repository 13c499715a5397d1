"""Pods as processes: probes, restarts, ends, and nothing that survives."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from gameday.rehearsal.stage import Stage, StageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Api

    from gameday.rehearsal.objects import Obj

POD = "/api/v1/namespaces/staging/pods"


def pod(name: str, image: str, **container: object) -> Obj:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": image, **container}]}}


def processes(directory: Path) -> list[int]:
    """Return the processes whose output goes into a stage's folder, and its own children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (
                    str(directory) in str((entry / "fd" / "1").readlink())
                    or str(directory) in (entry / "cmdline").read_text()
                ):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def state(api: Api, name: str) -> Obj:
    statuses = api.send("GET", f"{POD}/{name}")[1]["status"].get("containerStatuses") or [{}]
    return statuses[0].get("state", {})


def reasons(api: Api, name: str) -> dict[str, str]:
    path = f"/api/v1/namespaces/staging/events?fieldSelector=involvedObject.name%3D{name}"
    return {event["reason"]: event["message"] for event in api.send("GET", path)[1]["items"]}


def test_the_missions_deployment_is_ready_no_earlier_than_its_probes_allow(tmp_path: Path, mission: Path) -> None:
    """Applied as it is, the seed's Deployment takes its probe's initial 5 s and little more."""
    (tmp_path / "namespace.yaml").write_text("{apiVersion: v1, kind: Namespace, metadata: {name: production}}")
    with Stage(tmp_path / "run", [mission, tmp_path / "namespace.yaml"], chaos_mesh=False) as stage:
        from kubernetes import config
        from kubernetes.client import AppsV1Api, CoreV1Api

        raw = config.new_client_from_config(str(stage.kubeconfig))
        for item in CoreV1Api(raw).list_namespaced_pod("production").items:
            ready = next(c for c in item.status.conditions if c.type == "Ready")
            started = item.status.container_statuses[0].state.running.started_at
            waited_s = (ready.last_transition_time - started).total_seconds()
            assert 5 <= waited_s <= 7  # both are whole seconds
        deployment = AppsV1Api(raw).read_namespaced_deployment("task-api", "production")
        wanted = next(d for d in yaml.safe_load_all(mission.read_text()) if d["kind"] == "Deployment")
        assert (
            deployment.spec.template.spec.containers[0].image
            == wanted["spec"]["template"]["spec"]["containers"][0]["image"]
        )


def test_a_missing_namespace_is_said_clearly(tmp_path: Path, mission: Path) -> None:
    """Manifests for a namespace that nothing creates stop the stage, and the message says what to add."""
    with (
        pytest.raises(StageError, match="add a manifest with the Namespace 'production'"),
        Stage(tmp_path, [mission]),
    ):
        pass


def test_nothing_survives_the_stages_sigkill(tmp_path: Path, eventually: Callable[..., object]) -> None:
    """Pods and Chaos Mesh's stand-in die with the stage, even when it cannot clean up."""
    sleeper = ["/bin/sh", "-c", "sleep 600 & wait"]
    manifest = tmp_path / "d.yaml"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "s:1"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "default"},
        "spec": spec,
    }
    manifest.write_text(yaml.safe_dump(body))
    with Stage(tmp_path / "run", [manifest], images={"s:1": sleeper}) as stage:
        assert len(processes(stage.directory)) >= 6  # the stage, Chaos Mesh's stand-in, two shells and their sleeps
        os.kill(stage.pid, signal.SIGKILL)
        eventually(lambda: not processes(stage.directory), within_s=5)


def test_an_image_without_a_stand_in_is_not_pulled(api: Api, eventually: Callable[..., object]) -> None:
    """ErrImagePull, then ImagePullBackOff, with Failed Events: a real slow-recovery case."""
    api.send("POST", POD, pod("stranger", "nowhere/image:9"))
    eventually(lambda: state(api, "stranger").get("waiting", {}).get("reason") == "ErrImagePull")
    eventually(lambda: state(api, "stranger").get("waiting", {}).get("reason") == "ImagePullBackOff")
    assert api.send("GET", f"{POD}/stranger")[1]["status"]["phase"] == "Pending"
    assert {"Failed", "BackOff"} <= reasons(api, "stranger").keys()
    api.send("DELETE", f"{POD}/stranger?gracePeriodSeconds=0")


def test_a_pod_that_asks_for_too_much_stays_pending(api: Api, eventually: Callable[..., object]) -> None:
    """FailedScheduling in the scheduler's words, PodScheduled False."""
    api.send("POST", POD, pod("huge", "sleeper:1", resources={"requests": {"cpu": "64"}}))
    found = eventually(lambda: reasons(api, "huge").get("FailedScheduling"))
    assert found == "0/1 nodes are available: 1 Insufficient cpu."
    (condition,) = api.send("GET", f"{POD}/huge")[1]["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == (
        "PodScheduled",
        "False",
        "Unschedulable",
    )
    api.send("DELETE", f"{POD}/huge")


def test_a_crashing_container_restarts_and_backs_off(api: Api, eventually: Callable[..., object]) -> None:
    """The first restart is immediate, the next waits in CrashLoopBackOff; the exit code is kept."""
    api.send("POST", POD, pod("crash", "crasher:1"))
    eventually(lambda: state(api, "crash").get("waiting", {}).get("reason") == "CrashLoopBackOff")
    status = api.send("GET", f"{POD}/crash")[1]["status"]["containerStatuses"][0]
    assert status["restartCount"] == 2
    assert status["lastState"]["terminated"]["exitCode"] == 3
    api.send("DELETE", f"{POD}/crash?gracePeriodSeconds=0")


def test_a_failed_liveness_probe_restarts_the_container(api: Api, eventually: Callable[..., object]) -> None:
    """Unhealthy and Killing Events, then a new process in the same pod."""
    probe = {"exec": {"command": ["/bin/false"]}, "periodSeconds": 1, "failureThreshold": 1}
    body = pod("sick", "sleeper:1", livenessProbe=probe)
    body["spec"]["terminationGracePeriodSeconds"] = 1
    api.send("POST", POD, body)
    eventually(
        lambda: (api.send("GET", f"{POD}/sick")[1]["status"].get("containerStatuses") or [{}])[0].get("restartCount")
    )
    assert reasons(api, "sick")["Unhealthy"].startswith("Liveness probe failed: command")
    assert reasons(api, "sick")["Killing"] == "Container c failed liveness probe, will be restarted"
    api.send("DELETE", f"{POD}/sick?gracePeriodSeconds=0")


def test_a_startup_probe_holds_the_others_back(api: Api, eventually: Callable[..., object], tmp_path: Path) -> None:
    """A container is not started, hence not ready, before its startup probe passes."""
    flag = tmp_path / "started"
    probe = {
        "exec": {"command": ["/usr/bin/test", "-e", str(flag)]},
        "periodSeconds": 1,
        "failureThreshold": 60,
    }
    api.send("POST", POD, pod("slow", "sleeper:1", startupProbe=probe))
    eventually(lambda: "Unhealthy" in reasons(api, "slow"))
    (status,) = api.send("GET", f"{POD}/slow")[1]["status"]["containerStatuses"]
    assert (status["started"], status["ready"]) == (False, False)
    flag.touch()
    eventually(lambda: api.send("GET", f"{POD}/slow")[1]["status"]["containerStatuses"][0]["ready"])
    api.send("DELETE", f"{POD}/slow?gracePeriodSeconds=0")


def test_an_init_container_comes_first(api: Api, eventually: Callable[..., object]) -> None:
    """The pod is Pending and not Initialized until it is through; then the containers run."""
    body = pod("staged", "sleeper:1")
    body["spec"]["initContainers"] = [{"name": "i", "image": "sleeper:1", "args": []}]
    api.send("POST", POD, body)
    eventually(
        lambda: (
            (api.send("GET", f"{POD}/staged")[1]["status"].get("initContainerStatuses") or [{}])[0]
            .get("state", {})
            .get("running")
        )
    )
    status = api.send("GET", f"{POD}/staged")[1]["status"]
    assert status["phase"] == "Pending"
    assert {c["type"]: c["status"] for c in status["conditions"]}["Initialized"] == "False"
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    api.send("DELETE", f"{POD}/staged?gracePeriodSeconds=0")


def test_a_pod_with_grace_is_given_its_time(api: Api, eventually: Callable[..., object]) -> None:
    """SIGTERM ends the process, the pod is Terminating until then, and gone afterwards."""
    api.send("POST", POD, pod("polite", "sleeper:1"))
    eventually(lambda: "running" in state(api, "polite"))
    begun = time.monotonic()
    _, answer = api.send("DELETE", f"{POD}/polite?gracePeriodSeconds=20")
    assert answer["metadata"]["deletionGracePeriodSeconds"] == 20
    eventually(lambda: api.send("GET", f"{POD}/polite")[0] == 404)
    assert time.monotonic() - begun < 5  # the process ended at once: nobody waits for the rest


def test_event_names_end_in_nanoseconds(api: Api) -> None:
    """The kubelet's Events carry nanoseconds in their names, the scheduler's an eventTime."""
    name = api.pods("app=task-api")[0]["metadata"]["name"]
    path = f"/api/v1/namespaces/staging/events?fieldSelector=involvedObject.name%3D{name}"
    found = {event["reason"]: event for event in api.send("GET", path)[1]["items"]}
    times = [
        int(found[r]["metadata"]["name"].rpartition(".")[2], 16) for r in ("Scheduled", "Pulled", "Created", "Started")
    ]
    assert times == sorted(times)
    assert abs(times[-1] / 1e9 - time.time()) < 600
    assert found["Scheduled"]["eventTime"]
    assert found["Started"]["eventTime"] is None


def test_dependants_go_with_their_owner(api: Api, eventually: Callable[..., object]) -> None:
    """Deleting a Deployment takes its ReplicaSet and pods along."""
    template = {
        "metadata": {"labels": {"app": "brief"}},
        "spec": {"containers": [{"name": "c", "image": "sleeper:1"}]},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "brief"}}, "template": template}
    path = "/apis/apps/v1/namespaces/staging/deployments"
    api.send("POST", path, {"metadata": {"name": "brief"}, "spec": spec})
    eventually(lambda: len(api.pods("app=brief")) == 2)
    api.send("DELETE", f"{path}/brief")
    eventually(lambda: not api.pods("app=brief"))
    left = api.send("GET", "/apis/apps/v1/namespaces/staging/replicasets?labelSelector=app%3Dbrief")[1]["items"]
    assert left == []


def test_a_new_template_rolls(api: Api, eventually: Callable[..., object]) -> None:
    """A changed template makes a second ReplicaSet; the old one ends at zero."""
    template = {
        "metadata": {"labels": {"app": "roll"}},
        "spec": {"containers": [{"name": "c", "image": "sleeper:1"}]},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "roll"}}, "template": template}
    path = "/apis/apps/v1/namespaces/staging/deployments"
    api.send("POST", path, {"metadata": {"name": "roll"}, "spec": spec})
    eventually(lambda: api.send("GET", f"{path}/roll")[1].get("status", {}).get("availableReplicas") == 2)
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}]}]}}}}
    api.send("PATCH", f"{path}/roll", patch, Content_Type="application/strategic-merge-patch+json")
    sets = "/apis/apps/v1/namespaces/staging/replicasets?labelSelector=app%3Droll"
    eventually(lambda: sorted(rs["spec"]["replicas"] for rs in api.send("GET", sets)[1]["items"]) == [0, 2])
    eventually(lambda: api.send("GET", f"{path}/roll")[1]["status"].get("updatedReplicas") == 2)
    api.send("DELETE", f"{path}/roll")
