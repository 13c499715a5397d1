"""A PodChaos from its creation to its end, as Chaos Mesh would act on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Api

    from gameday.rehearsal.objects import Obj

PATH = "/apis/chaos-mesh.org/v1alpha1/namespaces/staging/podchaos"


def chaos(name: str, **selector: object) -> Obj:
    chosen = {"namespaces": ["staging"], "labelSelectors": {"app": "task-api"}, **selector}
    return {"metadata": {"name": name}, "spec": {"action": "pod-kill", "mode": "one", "selector": chosen}}


def conditions(obj: Obj) -> dict[str, str]:
    return {c["type"]: c["status"] for c in obj.get("status", {}).get("conditions", [])}


def events(api: Api, name: str) -> list[tuple[str, str]]:
    path = f"/api/v1/namespaces/staging/events?fieldSelector=involvedObject.name%3D{name}"
    return [(event["reason"], event["message"]) for event in api.send("GET", path)[1]["items"]]


@pytest.fixture
def ready(api: Api, eventually: Callable[..., object]) -> None:
    """Wait until three pods are ready, whatever an earlier test did."""
    path = "/apis/apps/v1/namespaces/staging/deployments/task-api"
    eventually(lambda: api.send("GET", path)[1]["status"].get("readyReplicas") == 3)


def uids(api: Api) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in api.pods("app=task-api")}


@pytest.mark.usefixtures("ready")
def test_a_pod_kill_kills_one_pod_and_records_it(api: Api, eventually: Callable[..., Obj]) -> None:
    """Finalizer, record, conditions and Events are Chaos Mesh's, and the pod is replaced."""
    before = uids(api)
    assert api.send("POST", PATH, chaos("one"))[0] == 201
    done = eventually(
        lambda: (o := api.send("GET", f"{PATH}/one")[1]) and conditions(o).get("AllInjected") == "True" and o
    )
    (record,) = done["status"]["experiment"]["containerRecords"]
    victim = record["id"].removeprefix("staging/")
    assert victim in before
    assert (record["phase"], record["injectedCount"], record["recoveredCount"]) == ("Injected", 1, 0)
    assert record["selectorKey"] == "."
    assert [(e["type"], e["operation"]) for e in record["events"]] == [("Succeeded", "Apply")]
    assert done["metadata"]["finalizers"] == ["chaos-mesh/records"]
    assert done["status"]["experiment"]["desiredPhase"] == "Run"
    assert conditions(done) == {
        "Selected": "True",
        "AllInjected": "True",
        "AllRecovered": "False",
        "Paused": "False",
    }
    after = eventually(lambda: len(now := uids(api)) == 3 and now)
    assert victim not in after
    assert len(set(after.values()) - set(before.values())) == 1
    eventually(lambda: ("Applied", f"Successfully apply chaos for staging/{victim}") in events(api, "one"))
    api.send("DELETE", f"{PATH}/one")
    eventually(lambda: api.send("GET", f"{PATH}/one")[0] == 404)
    eventually(
        lambda: {"FinalizerInited", "Updated", "Recovered", "Deleted"} <= {reason for reason, _ in events(api, "one")}
    )


@pytest.mark.usefixtures("ready")
def test_a_kill_comes_within_milliseconds(api: Api, eventually: Callable[..., object]) -> None:
    """From the object's creation to the pod's deletion it takes well under half a second."""
    api.send("POST", PATH, chaos("quick"))

    def lines() -> list[Obj]:
        return [json.loads(line) for line in api.stage.requests.read_text().splitlines()]

    def delay_ms() -> float | None:
        made = [x for x in lines() if x["verb"] == "create" and x["resource"] == "podchaos.chaos-mesh.org"]
        killed = [x for x in lines() if x["verb"] == "delete" and x["userAgent"] == "podchaos-stand-in"]
        if not killed or killed[-1]["monotonic_ns"] < made[-1]["monotonic_ns"]:
            return None
        return (killed[-1]["monotonic_ns"] - made[-1]["monotonic_ns"]) / 1e6

    assert eventually(delay_ms) < 500
    api.send("DELETE", f"{PATH}/quick")


@pytest.mark.usefixtures("ready")
def test_no_target_is_a_failure_without_a_second_try(api: Api, eventually: Callable[..., object]) -> None:
    """A Warning Event in Chaos Mesh's words, Selected False, and nobody dies."""
    before = uids(api)
    api.send("POST", PATH, chaos("none", labelSelectors={"app": "nobody"}))
    eventually(lambda: ("Failed", "Failed to select targets: no pod is selected") in events(api, "none"))
    left = api.send("GET", f"{PATH}/none")[1]
    assert conditions(left)["Selected"] == "False"
    assert "containerRecords" not in left["status"]["experiment"]
    assert uids(api) == before
    api.send("DELETE", f"{PATH}/none")
    eventually(lambda: api.send("GET", f"{PATH}/none")[0] == 404)


@pytest.mark.usefixtures("ready")
def test_a_dumped_object_that_still_carries_its_status_kills_nothing(
    api: Api, eventually: Callable[..., object]
) -> None:
    """The kind has no status subresource: an old record is believed."""
    before = uids(api)
    record = {
        "id": "staging/old",
        "selectorKey": ".",
        "phase": "Injected",
        "injectedCount": 1,
        "recoveredCount": 0,
    }
    status = {"experiment": {"desiredPhase": "Run", "containerRecords": [record]}}
    api.send("POST", PATH, {**chaos("dumped"), "status": status})
    api.send("POST", PATH, chaos("marker", labelSelectors={"app": "nobody"}))
    eventually(lambda: events(api, "marker"))  # handled after the dumped one, so that one is done
    assert uids(api) == before
    for name in ("dumped", "marker"):
        api.send("DELETE", f"{PATH}/{name}")
