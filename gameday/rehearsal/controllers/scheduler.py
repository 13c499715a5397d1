"""The scheduler: every pod goes to the one node, if what it requests still fits there."""

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.resources import NODES, PODS
from gameday.rehearsal.api.store import Change
from gameday.rehearsal.controllers.events import Events
from gameday.rehearsal.controllers.owned import is_active
from gameday.rehearsal.controllers.reconciler import Reconciler
from gameday.rehearsal.objects import Key, Obj, is_deleting, key_of, name_of, namespace_of, set_condition

NODE = "rehearsal-1"
_UNITS = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quantity(text: str | float) -> float:
    """Read a resource quantity such as `250m` or `1Gi`."""
    for unit in sorted(_UNITS, key=len, reverse=True):
        if isinstance(text, str) and text.endswith(unit):
            return float(text.removesuffix(unit)) * _UNITS[unit]
    return float(text)


def _requests(pod: Obj, resource: str) -> float:
    containers = pod["spec"]["containers"]
    return sum(quantity((c.get("resources", {}).get("requests") or {}).get(resource, 0)) for c in containers)


class Scheduler(Reconciler):
    """Binds pods to the node."""

    def __init__(self, cluster: Cluster, events: Events) -> None:
        super().__init__(cluster)
        self._events = events
        self._waiting: dict[Key, None] = {}
        cluster.store.subscribe(PODS, self._pod_changed)
        cluster.store.subscribe(NODES, lambda _: self._retry())

    def _pod_changed(self, change: Change) -> None:
        if not change.obj["spec"].get("nodeName") and not is_deleting(change.obj):
            if change.old is None:
                self.enqueue(key_of(change.obj))
        elif not is_active(change.obj) and self._waiting:
            self._retry()

    def _retry(self) -> None:
        for key in self._waiting:
            self.enqueue(key)

    def reconcile(self, key: Key) -> None:
        """Bind a pod, or say why it cannot be bound."""
        self._waiting.pop(key, None)
        pod = self.cluster.store.get(PODS, key)
        node = self.cluster.store.get(NODES, ("", NODE))
        if pod is None or node is None or is_deleting(pod) or pod["spec"].get("nodeName"):
            return
        lacking = self._lacking(pod, node)
        if lacking:
            self._waiting[key] = None
            self._refuse(pod, f"0/1 nodes are available: {', '.join(f'1 {what}' for what in lacking)}.")
            return
        self.cluster.modify(PODS, key, _bind)
        bound = self.cluster.modify(PODS, key, _mark_scheduled, subresource="status")
        message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {NODE}"
        self._events.record(bound, "Scheduled", message, "default-scheduler")

    def _lacking(self, pod: Obj, node: Obj) -> list[str]:
        placed = [
            other
            for other in self.cluster.store.all(PODS).values()
            if other["spec"].get("nodeName") and is_active(other)
        ]
        allocatable = node["status"]["allocatable"]
        found = []
        for resource in ("cpu", "memory"):
            used = sum(_requests(other, resource) for other in placed)
            if used + _requests(pod, resource) > quantity(allocatable[resource]):
                found.append(f"Insufficient {resource}")
        if len(placed) >= int(allocatable["pods"]):
            found.append("Too many pods")
        return found

    def _refuse(self, pod: Obj, why: str) -> None:
        def mark(obj: Obj) -> None:
            set_condition(obj["status"], "PodScheduled", value=False, reason="Unschedulable", message=why)

        self.cluster.modify(PODS, key_of(pod), mark, subresource="status")
        self._events.record(pod, "FailedScheduling", why, "default-scheduler", warning=True)


def _bind(pod: Obj) -> None:
    pod["spec"]["nodeName"] = NODE


def _mark_scheduled(pod: Obj) -> None:
    set_condition(pod["status"], "PodScheduled", value=True)
