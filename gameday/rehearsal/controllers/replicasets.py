"""ReplicaSets: as many active pods as asked for, replaced when a deletion is seen, not when it is over."""

import time

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.errors import ApiError
from gameday.rehearsal.api.resources import PODS, REPLICASETS
from gameday.rehearsal.api.store import Change
from gameday.rehearsal.controllers.events import Events
from gameday.rehearsal.controllers.owned import from_template, is_active, is_ready, owned_by
from gameday.rehearsal.controllers.reconciler import RETRY_S, Reconciler
from gameday.rehearsal.objects import (
    Key,
    Obj,
    controller_of,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    parse_time,
)

_COMPONENT = "replicaset-controller"


class ReplicaSets(Reconciler):
    """The ReplicaSet controller."""

    def __init__(self, cluster: Cluster, events: Events) -> None:
        super().__init__(cluster)
        self._events = events
        cluster.store.subscribe(REPLICASETS, lambda change: self.enqueue(key_of(change.obj)))
        cluster.store.subscribe(PODS, self._pod_changed)

    def _pod_changed(self, change: Change) -> None:
        owner = controller_of(change.obj)
        if owner and owner["kind"] == "ReplicaSet":
            self.enqueue((namespace_of(change.obj), owner["name"]))

    def reconcile(self, key: Key) -> None:
        """Create or delete pods, then write the status."""
        replicaset = self.cluster.store.get(REPLICASETS, key)
        if replicaset is None or is_deleting(replicaset):
            return
        active = [pod for pod in owned_by(self.cluster, PODS, replicaset) if is_active(pod)]
        missing = replicaset["spec"]["replicas"] - len(active)
        for _ in range(missing):
            self._create_pod(replicaset)
        for pod in sorted(active, key=_worth)[: max(0, -missing)]:
            self.cluster.delete(PODS, key_of(pod))
            self._events.record(replicaset, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}", _COMPONENT)
        self._write_status(replicaset)

    def _create_pod(self, replicaset: Obj) -> None:
        pod = from_template(replicaset["spec"]["template"], replicaset, "Pod", "v1")
        pod["metadata"]["generateName"] = f"{name_of(replicaset)}-"
        try:
            created = self.cluster.create(PODS, namespace_of(replicaset), pod)
        except ApiError as error:
            self._events.record(
                replicaset, "FailedCreate", f"Error creating: {error.message}", _COMPONENT, warning=True
            )
            self.enqueue(key_of(replicaset), RETRY_S)
            return
        self._events.record(replicaset, "SuccessfulCreate", f"Created pod: {name_of(created)}", _COMPONENT)

    def _write_status(self, replicaset: Obj) -> None:
        pods = [pod for pod in owned_by(self.cluster, PODS, replicaset) if is_active(pod)]
        ready = [pod for pod in pods if is_ready(pod)]
        waits = [
            wait for pod in ready if (wait := _until_available(pod, replicaset["spec"].get("minReadySeconds", 0))) > 0
        ]
        status: Obj = {"replicas": len(pods), "observedGeneration": replicaset["metadata"]["generation"]}
        counts = {
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": len(ready),
            "availableReplicas": len(ready) - len(waits),
        }
        status.update({field: count for field, count in counts.items() if count})  # zeros are left out, as in real life
        self.cluster.modify(
            REPLICASETS, key_of(replicaset), lambda obj: obj.update(status=status), subresource="status"
        )
        if waits:
            self.enqueue(key_of(replicaset), min(waits))


def _until_available(pod: Obj, min_ready_s: float) -> float:
    since = next(c["lastTransitionTime"] for c in pod["status"]["conditions"] if c["type"] == "Ready")
    return parse_time(since) + min_ready_s - time.time() if min_ready_s else 0.0


def _worth(pod: Obj) -> tuple[bool, bool, float]:
    """Rank pods by how little is lost with them: unscheduled, unready and young ones first."""
    scheduled = bool(pod["spec"].get("nodeName"))
    return scheduled, is_ready(pod), -parse_time(pod["metadata"]["creationTimestamp"])
