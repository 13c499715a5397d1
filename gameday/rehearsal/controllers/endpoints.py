"""EndpointSlices follow pods: one slice for each Service with a selector."""

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.resources import ENDPOINTSLICES, PODS, SERVICES
from gameday.rehearsal.api.selectors import selector_test
from gameday.rehearsal.api.store import Change
from gameday.rehearsal.controllers.owned import is_ready
from gameday.rehearsal.controllers.reconciler import Reconciler
from gameday.rehearsal.objects import (
    Key,
    Obj,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)

SERVICE_LABEL = "kubernetes.io/service-name"


class EndpointSlices(Reconciler):
    """The EndpointSlice controller; its keys are Services."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        cluster.store.subscribe(SERVICES, lambda change: self.enqueue(key_of(change.obj)))
        cluster.store.subscribe(PODS, self._pod_changed)

    def _pod_changed(self, change: Change) -> None:
        for key, service in self.cluster.store.all(SERVICES).items():
            if key[0] != namespace_of(change.obj):
                continue
            if _selects(service, change.obj) or (change.old is not None and _selects(service, change.old)):
                self.enqueue(key)

    def reconcile(self, key: Key) -> None:
        """Write the slice of one Service."""
        service = self.cluster.store.get(SERVICES, key)
        if service is None or is_deleting(service) or not service["spec"].get("selector"):
            return  # a Service without a selector has endpoints of its own making
        pods = [
            pod
            for pod in self.cluster.store.all(PODS).values()
            if namespace_of(pod) == key[0] and _selects(service, pod)
        ]
        endpoints = [_endpoint(pod, service) for pod in pods if _has_address(pod)]
        ports = _ports(service, pods)
        slices = self.cluster.store.all(ENDPOINTSLICES)
        found = next((obj for obj in slices.values() if _belongs(obj, service)), None)
        if found is None:
            self._create(service, endpoints, ports)
        elif found["endpoints"] != endpoints or found["ports"] != ports:
            self.cluster.modify(ENDPOINTSLICES, key_of(found), lambda obj: obj.update(endpoints=endpoints, ports=ports))

    def _create(self, service: Obj, endpoints: list[Obj], ports: list[Obj]) -> None:
        labels = {
            SERVICE_LABEL: name_of(service),
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        }
        metadata = {
            "generateName": f"{name_of(service)}-",
            "labels": {**labels_of(service), **labels},
            "ownerReferences": [owner_reference(service)],
        }
        obj: Obj = {"metadata": metadata, "addressType": "IPv4", "endpoints": endpoints, "ports": ports}
        self.cluster.create(ENDPOINTSLICES, namespace_of(service), obj)


def _selects(service: Obj, pod: Obj) -> bool:
    selector = service["spec"].get("selector")
    return bool(selector) and selector_test({"matchLabels": selector})(labels_of(pod))


def _belongs(obj: Obj, service: Obj) -> bool:
    return namespace_of(obj) == namespace_of(service) and labels_of(obj).get(SERVICE_LABEL) == name_of(service)


def _has_address(pod: Obj) -> bool:
    status = pod.get("status", {})
    return bool(status.get("podIP")) and status.get("phase") not in ("Succeeded", "Failed")


def _endpoint(pod: Obj, service: Obj) -> Obj:
    """Return a pod's endpoint: ready = serving and not terminating (Kubernetes API, discovery/v1)."""
    serving, terminating = is_ready(pod), is_deleting(pod)
    ready = (serving and not terminating) or bool(service["spec"].get("publishNotReadyAddresses"))
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {
            "kind": "Pod",
            "namespace": namespace_of(pod),
            "name": name_of(pod),
            "uid": uid_of(pod),
        },
        "nodeName": pod["spec"].get("nodeName", ""),
    }


def _ports(service: Obj, pods: list[Obj]) -> list[Obj]:
    ports = []
    for port in service["spec"]["ports"]:
        number = _target(port["targetPort"], pods)
        if number:
            ports.append({"name": port.get("name", ""), "port": number, "protocol": port["protocol"]})
    return ports


def _target(wanted: int | str, pods: list[Obj]) -> int | None:
    if isinstance(wanted, int):
        return wanted
    named = (p for pod in pods for c in pod["spec"]["containers"] for p in c.get("ports") or [])
    return next((int(p["containerPort"]) for p in named if p.get("name") == wanted), None)
