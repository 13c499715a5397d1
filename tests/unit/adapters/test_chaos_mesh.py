"""Chaos Mesh: one object of its own, its record read, taken away with its finalizer."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gameday.adapters import chaos_mesh
from gameday.adapters.kubernetes import PODCHAOS, ApiError
from gameday.errors import ClusterError
from gameday.podchaos import PodChaos, load_podchaos

type Cluster = Any


@pytest.fixture
def chaos(experiment: Path) -> PodChaos:
    """The Task API's PodChaos."""
    return load_podchaos(experiment.parent / "podchaos.yaml")


def test_it_is_created_under_the_run_s_own_name(cluster: Cluster, chaos: PodChaos) -> None:
    """In the namespace of the manifest, labelled with the run."""
    chaos_mesh.create(cluster, chaos, "kill-1", "20260703T160005Z-pod-kill")
    stored = cluster.stored["podchaos", "chaos-mesh", "kill-1"]
    assert stored["spec"]["mode"] == "one"
    assert stored["metadata"]["labels"]["gameday.dev/run"] == "20260703t160005z-pod-kill"
    assert stored["metadata"]["labels"]["team"] == "product-team"


def test_a_dry_run_keeps_nothing(cluster: Cluster, chaos: PodChaos) -> None:
    """The server only says whether it would."""
    chaos_mesh.create(cluster, chaos, "kill-1", "run-1", dry_run=True)
    assert cluster.stored == {}
    assert cluster.calls == [("dry-run", "podchaos", "kill-1")]


def test_a_name_that_exists_is_an_error(cluster: Cluster, chaos: PodChaos) -> None:
    """What that object did was not this run's doing."""
    cluster.put(PODCHAOS, "chaos-mesh", {"metadata": {"name": "kill-1"}})
    with pytest.raises(ClusterError, match="PodChaos chaos-mesh/kill-1 exists already"):
        chaos_mesh.create(cluster, chaos, "kill-1", "run-1")


def test_other_answers_come_through(cluster: Cluster, chaos: PodChaos) -> None:
    """In the server's words."""
    cluster.fail("create", [ApiError(403, "POST", "/podchaos", "denied by the webhook")])
    with pytest.raises(ApiError, match="403 denied by the webhook"):
        chaos_mesh.create(cluster, chaos, "kill-1", "run-1")


@pytest.mark.parametrize(
    ("run", "label"),
    [
        ("20260703T160005Z-pod-kill", "20260703t160005z-pod-kill"),
        ("20260703T160005Z-my experiment (1)", "20260703t160005z-my-experiment--1"),
        ("20260703T160005Z-größe", "20260703t160005z-gr--e"),
        ("20260703T160005Z-" + "x" * 100, "20260703t160005z-" + "x" * 46),
        ("20260703T160005Z-" + "x" * 45 + "----", "20260703t160005z-" + "x" * 45),
        ("---", "run"),
    ],
)
def test_any_run_has_a_valid_label(run: str, label: str) -> None:
    """Runs are named after files, and labels take little (Kubernetes: Labels and Selectors)."""
    found = chaos_mesh.labels(run)["gameday.dev/run"]
    assert found == label
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?", found)


@pytest.mark.parametrize(
    ("record", "hit"),
    [
        ({"id": "staging/a", "phase": "Injected"}, True),
        ({"id": "staging/a", "phase": "Not Injected"}, False),
        ({"id": "staging/a", "phase": "Not Injected", "events": [{"type": "Succeeded", "operation": "Apply"}]}, True),
        ({"id": "staging/a", "events": [{"type": "Failed", "operation": "Apply"}]}, False),
        ({"id": "staging/a", "events": [{"type": "Succeeded", "operation": "Recover"}]}, False),
        ({"id": "", "phase": "Injected"}, False),
        ({"phase": "Injected"}, False),
    ],
)
def test_a_record_names_a_victim(record: dict[str, object], hit: bool) -> None:  # noqa: FBT001 - a table's column
    """Only when it says that something was done to it."""
    thing = {"status": {"experiment": {"containerRecords": [record]}}}
    assert chaos_mesh.victims(thing) == (["staging/a"] if hit else [])


@pytest.mark.parametrize("thing", [{}, {"status": None}, {"status": {"experiment": {"containerRecords": None}}}])
def test_no_record_names_nobody(thing: dict[str, object]) -> None:
    """The object is new."""
    assert chaos_mesh.victims(thing) == []


def test_victims_are_named_once_and_in_order(make: SimpleNamespace) -> None:
    """A record a container, so that a pod may be there twice."""
    assert chaos_mesh.victims(make.podchaos("staging/b", "staging/a", "staging/b")) == ["staging/a", "staging/b"]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"type": "Warning", "reason": "Failed", "message": "no pod is selected"}, "no pod is selected"),
        ({"type": "Warning", "message": "conflict"}, "conflict"),
        ({"type": "Normal", "reason": "Applied", "message": "Successfully apply chaos"}, ""),
        ({}, ""),
    ],
)
def test_complaints_are_quoted(event: dict[str, object], words: str) -> None:
    """In the controller's own words, and nothing of what went well."""
    assert chaos_mesh.complaint(event) == words


def test_removal_waits_for_the_finalizer(cluster: Cluster) -> None:
    """The controller removes it; until then the object is there."""
    stored = cluster.put(PODCHAOS, "chaos-mesh", {"metadata": {"name": "kill-1", "finalizers": ["chaos-mesh/records"]}})
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            cluster.stored.clear()

    assert stored["metadata"]
    chaos_mesh.remove(cluster, "chaos-mesh", "kill-1", 60, wait)
    assert waits == [chaos_mesh.POLL_S] * 3


def test_removal_of_nothing_is_done_at_once(cluster: Cluster) -> None:
    """It never was, or somebody was quicker."""
    chaos_mesh.remove(cluster, "chaos-mesh", "kill-1", 0, lambda _: pytest.fail("nothing to wait for"))


def test_a_finalizer_that_stays_is_an_error(cluster: Cluster) -> None:
    """With its name and what helps: the controller is down."""
    cluster.put(PODCHAOS, "chaos-mesh", {"metadata": {"name": "kill-1", "finalizers": ["chaos-mesh/records"]}})
    with pytest.raises(ClusterError, match=r"still there after 0 s, finalizers \['chaos-mesh/records'\]"):
        chaos_mesh.remove(cluster, "chaos-mesh", "kill-1", 0, lambda _: None)
