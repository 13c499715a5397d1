"""Deployments: a ReplicaSet for each pod template; older ones shrink as the newest becomes available."""

import math

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.resources import DEPLOYMENTS, REPLICASETS
from gameday.rehearsal.api.store import Change
from gameday.rehearsal.controllers.events import Events
from gameday.rehearsal.controllers.owned import owned_by
from gameday.rehearsal.controllers.reconciler import Reconciler
from gameday.rehearsal.objects import (
    Key,
    Obj,
    annotations_of,
    clone,
    controller_of,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    owner_reference,
    set_condition,
    template_hash,
)

_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"


class Deployments(Reconciler):
    """The Deployment controller."""

    def __init__(self, cluster: Cluster, events: Events) -> None:
        super().__init__(cluster)
        self._events = events
        cluster.store.subscribe(DEPLOYMENTS, lambda change: self.enqueue(key_of(change.obj)))
        cluster.store.subscribe(REPLICASETS, self._replicaset_changed)

    def _replicaset_changed(self, change: Change) -> None:
        owner = controller_of(change.obj)
        if owner and owner["kind"] == "Deployment":
            self.enqueue((namespace_of(change.obj), owner["name"]))

    def reconcile(self, key: Key) -> None:
        """Scale the ReplicaSets, then write the status."""
        deployment = self.cluster.store.get(DEPLOYMENTS, key)
        if deployment is None or is_deleting(deployment):
            return
        owned = owned_by(self.cluster, REPLICASETS, deployment)
        wanted = template_hash(deployment["spec"]["template"])
        current = next((rs for rs in owned if rs["metadata"]["labels"].get(_HASH) == wanted), None)
        if current is None and not deployment["spec"].get("paused"):
            current = self._create_replicaset(deployment, wanted, owned)
        if current is not None:
            self._roll(deployment, current, [rs for rs in owned if name_of(rs) != name_of(current)])
        self._write_status(deployment, current)

    def _create_replicaset(self, deployment: Obj, hashed: str, owned: list[Obj]) -> Obj:
        revision = 1 + max((int(annotations_of(rs).get(_REVISION, 0)) for rs in owned), default=0)
        template = clone(deployment["spec"]["template"])
        labels = template["metadata"].setdefault("labels", {})
        labels[_HASH] = hashed
        selector = clone(deployment["spec"]["selector"])
        selector.setdefault("matchLabels", {})[_HASH] = hashed
        replicaset: Obj = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{name_of(deployment)}-{hashed}",
                "labels": dict(labels),
                "annotations": {_REVISION: str(revision)},
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        }
        self.cluster.modify(DEPLOYMENTS, key_of(deployment), lambda obj: _annotate(obj, _REVISION, str(revision)))
        return self.cluster.create(REPLICASETS, namespace_of(deployment), replicaset)

    def _roll(self, deployment: Obj, current: Obj, older: list[Obj]) -> None:
        desired = deployment["spec"]["replicas"]
        old_total = sum(rs["spec"]["replicas"] for rs in older)
        old_pods = sum(rs.get("status", {}).get("replicas", 0) for rs in older)
        surge, unavailable = _limits(deployment)
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            self._scale(deployment, current, 0 if old_total or old_pods else desired)
            removable = old_total
        else:
            room = desired + surge - old_total - current["spec"]["replicas"]
            self._scale(deployment, current, min(desired, current["spec"]["replicas"] + max(0, room)))
            available = sum(rs.get("status", {}).get("availableReplicas", 0) for rs in (current, *older))
            removable = available - (desired - unavailable) + _unhealthy(older)
        for rs in older:
            remove = max(0, min(rs["spec"]["replicas"], removable))
            removable -= remove
            self._scale(deployment, rs, rs["spec"]["replicas"] - remove)

    def _scale(self, deployment: Obj, replicaset: Obj, replicas: int) -> None:
        before = replicaset["spec"]["replicas"]
        if before == replicas:
            return
        self.cluster.modify(REPLICASETS, key_of(replicaset), lambda obj: obj["spec"].update(replicas=replicas))
        direction = "up" if replicas > before else "down"
        message = f"Scaled {direction} replica set {name_of(replicaset)} from {before} to {replicas}"
        self._events.record(deployment, "ScalingReplicaSet", message, "deployment-controller")

    def _write_status(self, deployment: Obj, current: Obj | None) -> None:
        owned = owned_by(self.cluster, REPLICASETS, deployment)
        updated = next((rs for rs in owned if current and name_of(rs) == name_of(current)), {})
        desired = deployment["spec"]["replicas"]
        counts = {
            "replicas": _total(owned, "replicas"),
            "updatedReplicas": _total([updated], "replicas"),
            "readyReplicas": _total(owned, "readyReplicas"),
            "availableReplicas": _total(owned, "availableReplicas"),
        }
        counts["unavailableReplicas"] = max(0, max(counts["replicas"], desired) - counts["availableReplicas"])
        status: Obj = {"observedGeneration": deployment["metadata"]["generation"]}
        status.update({field: count for field, count in counts.items() if count})
        status["conditions"] = clone(deployment.get("status", {}).get("conditions") or [])
        enough = counts["availableReplicas"] >= desired - _limits(deployment)[1]
        text = ("has", "Available") if enough else ("does not have", "Unavailable")
        message = f"Deployment {text[0]} minimum availability."
        set_condition(
            status,
            "Available",
            value=enough,
            reason=f"MinimumReplicas{text[1]}",
            message=message,
            updates=True,
        )
        complete = counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == desired
        verb, reason = (
            ("has successfully progressed", "NewReplicaSetAvailable")
            if complete
            else ("is progressing", "ReplicaSetUpdated")
        )
        message = f'ReplicaSet "{name_of(updated)}" {verb}.'
        set_condition(status, "Progressing", value=True, reason=reason, message=message, updates=True)
        self.cluster.modify(
            DEPLOYMENTS, key_of(deployment), lambda obj: obj.update(status=status), subresource="status"
        )


def _total(replicasets: list[Obj], field: str) -> int:
    return sum(int(rs.get("status", {}).get(field, 0)) for rs in replicasets)


def _unhealthy(replicasets: list[Obj]) -> int:
    """Count old replicas that are not available: they are cleaned up first and cost nobody anything."""
    return sum(max(0, rs["spec"]["replicas"] - rs.get("status", {}).get("availableReplicas", 0)) for rs in replicasets)


def _share(value: int | str, of: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    exact = of * int(value.rstrip("%")) / 100
    return math.ceil(exact) if up else math.floor(exact)


def _limits(deployment: Obj) -> tuple[int, int]:
    """Return maxSurge (rounded up) and maxUnavailable (rounded down); both zero would block for ever."""
    desired = deployment["spec"]["replicas"]
    rolling = deployment["spec"]["strategy"].get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", 0), desired, up=True)
    unavailable = _share(rolling.get("maxUnavailable", 0), desired, up=False)
    return surge, unavailable if surge or unavailable or not rolling else 1


def _annotate(obj: Obj, key: str, value: str) -> None:
    obj["metadata"].setdefault("annotations", {})[key] = value
