"""Chaos Mesh: apply one PodChaos, learn from its record who was hit, take it away again.

Facts (source: Chaos Mesh v2.8, controllers/ and api/v1alpha1): a name that exists answers 409; the record names the
victim as `namespace/pod`; without a target there is a Warning event `Failed` and no retry, so that the stale object
may fire when the controller restarts; AllRecovered stays False until the object is deleted and says nothing about the
service; deletion ends when the controller removes its finalizer.
"""

import re
import time
from collections.abc import Callable
from http import HTTPStatus

from gameday import objects
from gameday.adapters.kubernetes import PODCHAOS, ApiError, Cluster
from gameday.errors import ClusterError
from gameday.podchaos import PodChaos
from gameday.timeline import KubeObject

RUN_LABEL = "gameday.dev/run"
MANAGED_LABEL = "app.kubernetes.io/managed-by"
MAX_LABEL = 63
POLL_S = 0.1


def labels(run: str) -> dict[str, str]:
    """The labels by which an object in the cluster is known as this run's.

    A run is named after its experiment's file, which may hold what a label may not.
    """
    text = re.sub(r"[^a-z0-9._-]", "-", run.lower())[:MAX_LABEL].strip("-._")
    return {MANAGED_LABEL: "chaos-gameday", RUN_LABEL: text or "run"}


def create(cluster: Cluster, chaos: PodChaos, name: str, run: str, *, dry_run: bool = False) -> KubeObject:
    """Create the run's own PodChaos.

    Raises:
        ClusterError: The name exists already: whatever that object did was not this run's doing.
    """
    try:
        return cluster.create(PODCHAOS, chaos.metadata.namespace, chaos.manifest(name, labels(run)), dry_run=dry_run)
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        raise ClusterError(
            f"PodChaos {chaos.metadata.namespace}/{name} exists already",
            "a name of its own for each run",
            "Delete the leftover object and run again.",
        ) from error


def victims(thing: KubeObject) -> list[str]:
    """Names of the pods that the record says were hit, as `namespace/pod`."""
    records = objects.children(thing, "status", "experiment", "containerRecords")
    return sorted({objects.text(record, "id") for record in records if _was_hit(record)} - {""})


def complaint(event: KubeObject) -> str:
    """The controller's own words, if the event is a failure."""
    if objects.text(event, "type") != "Warning" and objects.text(event, "reason") != "Failed":
        return ""
    return objects.text(event, "message")


def remove(
    cluster: Cluster,
    namespace: str,
    name: str,
    timeout_s: float,
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Delete the object and wait until its finalizer is gone with it.

    Raises:
        ClusterError: It is still there after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    cluster.delete(PODCHAOS, namespace, name)
    while (left := cluster.get(PODCHAOS, namespace, name)) is not None:
        if time.monotonic() > deadline:
            finalizers = objects.value(left, "metadata", "finalizers")
            raise ClusterError(
                f"PodChaos {namespace}/{name} is still there after {timeout_s:g} s, finalizers {finalizers}",
                "Chaos Mesh's controller removing its finalizer",
                "Start the controller; it then finishes the deletion by itself.",
            )
        wait(POLL_S)


def _was_hit(record: KubeObject) -> bool:
    return objects.text(record, "phase") == "Injected" or any(
        objects.text(event, "type") == "Succeeded" and objects.text(event, "operation") == "Apply"
        for event in objects.children(record, "events")
    )
