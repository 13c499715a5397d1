"""The rules of the API, without HTTP: creation, concurrency, deletion, validation."""

import pytest

from gameday.rehearsal.api.cluster import Cluster, DeleteOptions
from gameday.rehearsal.api.errors import ApiError
from gameday.rehearsal.api.resources import DEPLOYMENTS, NAMESPACES, PODCHAOS, PODS, Resource, by_path
from gameday.rehearsal.api.store import Change, Store
from gameday.rehearsal.objects import Obj, clone

CONFIGMAPS = by_path("", "v1", "configmaps")
assert CONFIGMAPS is not None
POD: Obj = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "c", "image": "i:1"}], "nodeName": "n"},
}
CHAOS: Obj = {
    "metadata": {"name": "kill"},
    "spec": {"action": "pod-kill", "mode": "one", "selector": {"labelSelectors": {"app": "a"}}},
}


def deployment(**spec: object) -> Obj:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    full = {"selector": {"matchLabels": {"app": "a"}}, "template": template, **spec}
    return {"metadata": {"name": "d"}, "spec": full}


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(Store(history=100))
    made.create(NAMESPACES, "", {"metadata": {"name": "ns"}})
    return made


@pytest.fixture
def changes(cluster: Cluster) -> list[Change]:
    seen: list[Change] = []
    cluster.store.subscribe(None, seen.append)
    return seen


def refused(code: int, reason: str) -> "pytest.RaisesExc[ApiError]":
    return pytest.RaisesExc(ApiError, check=lambda error: (error.code, error.reason) == (code, reason))


def make(cluster: Cluster, resource: Resource = CONFIGMAPS, name: str = "x", **fields: object) -> Obj:
    return cluster.create(resource, "ns", {"metadata": {"name": name}, **fields})


def test_a_new_object_gets_what_the_server_owns(cluster: Cluster) -> None:
    """uid, version, generation and a time in whole seconds, whatever the client sent in their place."""
    obj = make(cluster, DEPLOYMENTS, "d", **{k: v for k, v in deployment().items() if k != "metadata"})
    assert {"uid", "resourceVersion", "creationTimestamp"} <= obj["metadata"].keys()
    assert obj["metadata"]["generation"] == 1
    assert obj["metadata"]["creationTimestamp"].endswith("Z")
    assert "." not in obj["metadata"]["creationTimestamp"]


def test_a_taken_name_is_refused(cluster: Cluster) -> None:
    """A second create answers 409 AlreadyExists."""
    make(cluster)
    with refused(409, "AlreadyExists"):
        make(cluster)


def test_a_missing_namespace_is_not_found(cluster: Cluster) -> None:
    """Creating in a namespace that is not there answers 404."""
    with refused(404, "NotFound"):
        cluster.create(CONFIGMAPS, "elsewhere", {"metadata": {"name": "x"}})


def test_a_generated_name_has_five_random_letters(cluster: Cluster) -> None:
    """GenerateName makes distinct names with that beginning."""
    names = {
        cluster.create(CONFIGMAPS, "ns", {"metadata": {"generateName": "x-"}})["metadata"]["name"] for _ in range(9)
    }
    assert len(names) == 9
    assert all(name.startswith("x-") and len(name) == 7 for name in names)


def test_an_update_of_an_old_version_conflicts(cluster: Cluster) -> None:
    """Optimistic concurrency: who writes over a newer version gets 409 Conflict."""
    first = make(cluster)
    cluster.update(CONFIGMAPS, ("ns", "x"), {**first, "data": {"a": "1"}})
    with refused(409, "Conflict"):
        cluster.update(CONFIGMAPS, ("ns", "x"), {**first, "data": {"a": "2"}})


def test_an_update_without_a_change_makes_no_version(cluster: Cluster, changes: list[Change]) -> None:
    """Writing back what was read is not seen by anybody."""
    first = make(cluster)
    changes.clear()
    assert cluster.update(CONFIGMAPS, ("ns", "x"), clone(first)) == first
    assert changes == []


def test_stored_objects_never_change_in_place(cluster: Cluster) -> None:
    """A reader's object stays what it was, after any write."""
    first = make(cluster)
    before = clone(first)
    cluster.modify(CONFIGMAPS, ("ns", "x"), lambda obj: obj.update(data={"a": "1"}))
    assert first == before


def test_only_spec_changes_count_as_generations(cluster: Cluster) -> None:
    """Labels and status leave the generation alone, the spec moves it."""
    cluster.create(DEPLOYMENTS, "ns", deployment())
    key = ("ns", "d")
    cluster.modify(DEPLOYMENTS, key, lambda obj: obj["metadata"].update(labels={"a": "b"}))
    cluster.modify(DEPLOYMENTS, key, lambda obj: obj.update(status={"replicas": 1}), subresource="status")
    assert cluster.get(DEPLOYMENTS, key)["metadata"]["generation"] == 1
    cluster.modify(DEPLOYMENTS, key, lambda obj: obj["spec"].update(replicas=2))
    assert cluster.get(DEPLOYMENTS, key)["metadata"]["generation"] == 2


def test_a_status_subresource_separates_spec_and_status(cluster: Cluster) -> None:
    """A plain update cannot touch the status, a status update nothing else."""
    cluster.create(DEPLOYMENTS, "ns", deployment())
    key = ("ns", "d")
    cluster.modify(DEPLOYMENTS, key, lambda obj: obj.update(status={"replicas": 7}))
    assert "status" not in cluster.get(DEPLOYMENTS, key)
    cluster.modify(DEPLOYMENTS, key, lambda obj: obj["spec"].update(replicas=9), subresource="status")
    assert cluster.get(DEPLOYMENTS, key)["spec"]["replicas"] == 1


def test_the_status_of_a_podchaos_is_part_of_the_object(cluster: Cluster) -> None:
    """As in real life the kind has no status subresource: a created object keeps the status it brings."""
    made = cluster.create(PODCHAOS, "ns", {**CHAOS, "status": {"experiment": {"desiredPhase": "Run"}}})
    assert made["status"]["experiment"]["desiredPhase"] == "Run"


def test_the_spec_of_a_podchaos_cannot_be_updated(cluster: Cluster) -> None:
    """Every run needs an object of its own name."""
    cluster.create(PODCHAOS, "ns", CHAOS)
    with refused(422, "Invalid"):
        cluster.modify(PODCHAOS, ("ns", "kill"), lambda obj: obj["spec"].update(mode="all"))


@pytest.mark.parametrize("field", ["action", "mode", "selector"])
def test_a_podchaos_needs_action_mode_and_selector(cluster: Cluster, field: str) -> None:
    """Each of the three is required, and the message names it."""
    broken = clone(CHAOS)
    del broken["spec"][field]
    with refused(422, "Invalid") as caught:
        cluster.create(PODCHAOS, "ns", broken)
    assert f"spec.{field}" in str(caught.value)


def test_the_webhook_fills_in_the_own_namespace(cluster: Cluster) -> None:
    """An empty list of namespaces means the object's own."""
    assert cluster.create(PODCHAOS, "ns", CHAOS)["spec"]["selector"]["namespaces"] == ["ns"]


def test_the_selector_of_a_deployment_is_immutable(cluster: Cluster) -> None:
    """Changing spec.selector answers 422."""
    cluster.create(DEPLOYMENTS, "ns", deployment())
    with refused(422, "Invalid") as caught:
        cluster.modify(DEPLOYMENTS, ("ns", "d"), lambda obj: obj["spec"].update(selector={"matchLabels": {"b": "c"}}))
    assert "immutable" in str(caught.value)


def test_a_deployment_must_select_its_own_pods(cluster: Cluster) -> None:
    """A selector that misses the template's labels answers 422."""
    with refused(422, "Invalid"):
        cluster.create(DEPLOYMENTS, "ns", deployment(selector={"matchLabels": {"app": "other"}}))


def test_a_dry_run_validates_and_writes_nothing(cluster: Cluster, changes: list[Change]) -> None:
    """Create, update and delete with dryRun leave no trace, and still refuse what is wrong."""
    made = make(cluster)
    changes.clear()
    cluster.create(CONFIGMAPS, "ns", {"metadata": {"name": "y"}}, dry_run=True)
    cluster.update(CONFIGMAPS, ("ns", "x"), {**made, "data": {"a": "1"}}, dry_run=True)
    cluster.delete(CONFIGMAPS, ("ns", "x"), DeleteOptions(dry_run=True))
    with refused(422, "Invalid"):
        cluster.create(DEPLOYMENTS, "ns", deployment(replicas=-1), dry_run=True)
    assert changes == []


def test_a_pod_deleted_without_grace_is_seen_going_and_gone(cluster: Cluster, changes: list[Change]) -> None:
    """MODIFIED with a deletionTimestamp, then DELETED."""
    cluster.create(PODS, "ns", POD)
    changes.clear()
    cluster.delete(PODS, ("ns", "p"), DeleteOptions(grace_s=0))
    assert [change.kind for change in changes] == ["MODIFIED", "DELETED"]
    assert "deletionTimestamp" in changes[0].obj["metadata"]


def test_a_pod_deleted_with_grace_stays_until_its_node_lets_go(cluster: Cluster) -> None:
    """The deletionTimestamp is set, a second delete without grace ends it."""
    cluster.create(PODS, "ns", POD)
    going = cluster.delete(PODS, ("ns", "p"))
    assert going["metadata"]["deletionGracePeriodSeconds"] == 30
    assert cluster.get(PODS, ("ns", "p"))
    cluster.delete(PODS, ("ns", "p"), DeleteOptions(grace_s=0))
    with refused(404, "NotFound"):
        cluster.get(PODS, ("ns", "p"))


def test_a_finalizer_holds_an_object(cluster: Cluster, changes: list[Change]) -> None:
    """Deletion waits for the last finalizer, and no new one can be added meanwhile."""
    cluster.create(PODCHAOS, "ns", {**CHAOS, "metadata": {"name": "kill", "finalizers": ["chaos-mesh/records"]}})
    key = ("ns", "kill")
    cluster.delete(PODCHAOS, key)
    assert "deletionTimestamp" in cluster.get(PODCHAOS, key)["metadata"]
    with refused(422, "Invalid"):
        cluster.modify(PODCHAOS, key, lambda obj: obj["metadata"].update(finalizers=["chaos-mesh/records", "b"]))
    cluster.modify(PODCHAOS, key, lambda obj: obj["metadata"].update(finalizers=[]))
    assert changes[-1].kind == "DELETED"


def test_a_delete_for_another_uid_conflicts(cluster: Cluster) -> None:
    """The uid precondition protects the successor of the same name."""
    make(cluster)
    with refused(409, "Conflict"):
        cluster.delete(CONFIGMAPS, ("ns", "x"), DeleteOptions(uid="another"))


def test_nothing_is_created_in_a_terminating_namespace(cluster: Cluster) -> None:
    """A namespace that goes away answers 403 to newcomers."""
    make(cluster)
    cluster.delete(NAMESPACES, ("", "ns"))
    with refused(403, "Forbidden"):
        make(cluster, name="y")


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "", "a" * 254])
def test_bad_names_are_refused(cluster: Cluster, name: str) -> None:
    """Names follow RFC 1123, and the message says which one does not."""
    with refused(422, "Invalid"):
        make(cluster, name=name)


def test_the_history_can_undo(cluster: Cluster) -> None:
    """A snapshot at an old version shows what was there, and what has gone since."""
    make(cluster, name="gone")
    version = cluster.store.version
    cluster.delete(CONFIGMAPS, ("ns", "gone"))
    make(cluster, name="new")
    assert list(cluster.store.snapshot(CONFIGMAPS, version)) == [("ns", "gone")]


def test_the_history_has_an_end(cluster: Cluster) -> None:
    """A version from before the kept history answers 410."""
    version = cluster.store.version
    for number in range(101):
        make(cluster, name=f"n{number}")
    with refused(410, "Expired"):
        cluster.store.changes_since(CONFIGMAPS, version)
    assert len(cluster.store.changes_since(CONFIGMAPS, version + 1)) == 100
