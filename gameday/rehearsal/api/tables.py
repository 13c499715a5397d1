"""The `Table` representation (meta.k8s.io/v1) that `kubectl get` asks for, with kubectl's usual columns."""

import time
from collections.abc import Callable

from gameday.rehearsal.objects import Obj, is_deleting, is_true, name_of, parse_time

type Cell = str | int
type Row = list[Cell]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def age(stamp: str | None) -> str:
    """Return how long ago a time was, as kubectl writes it (k8s.io/apimachinery, util/duration)."""
    if not stamp:
        return "<unknown>"
    seconds = int(time.time() - parse_time(stamp))
    if seconds < 2 * _MINUTE:
        return f"{max(0, seconds)}s"
    if seconds < 10 * _MINUTE:
        minutes, rest = divmod(seconds, _MINUTE)
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if seconds < 3 * _HOUR:
        return f"{seconds // _MINUTE}m"
    return f"{seconds // _HOUR}h" if seconds < 2 * _DAY else f"{seconds // _DAY}d"


def _created(obj: Obj) -> str:
    return age(obj.get("metadata", {}).get("creationTimestamp"))


def _pod_state(obj: Obj) -> str:
    """Return what kubectl shows as STATUS: the most telling container state, or the phase."""
    status = obj.get("status", {})
    if is_deleting(obj):
        return "Terminating"
    for prefix, field in (("Init:", "initContainerStatuses"), ("", "containerStatuses")):
        for container in status.get(field) or []:
            state = container.get("state", {})
            reason = (state.get("waiting") or {}).get("reason") or (state.get("terminated") or {}).get("reason")
            if reason and reason not in ("Completed", "PodInitializing"):
                return prefix + str(reason)
    return str(status.get("reason") or status.get("phase", "Unknown"))


def _pod(obj: Obj) -> Row:
    statuses = obj.get("status", {}).get("containerStatuses") or []
    containers = obj.get("spec", {}).get("containers") or []
    ready = sum(1 for status in statuses if status.get("ready"))
    restarts = sum(int(status.get("restartCount", 0)) for status in statuses)
    address, node = (
        obj.get("status", {}).get("podIP", "<none>"),
        obj.get("spec", {}).get("nodeName", "<none>"),
    )
    nominated, gates = "<none>", "<none>"
    return [
        name_of(obj),
        f"{ready}/{len(containers)}",
        _pod_state(obj),
        restarts,
        _created(obj),
        address,
        node,
        nominated,
        gates,
    ]


def _deployment(obj: Obj) -> Row:
    spec, status = obj.get("spec", {}), obj.get("status", {})
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    return [
        name_of(obj),
        ready,
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        _created(obj),
    ]


def _replicaset(obj: Obj) -> Row:
    spec, status = obj.get("spec", {}), obj.get("status", {})
    return [
        name_of(obj),
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        _created(obj),
    ]


def _ports(spec: Obj) -> str:
    texts = []
    for port in spec.get("ports") or []:
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        texts.append(f"{port.get('port')}{node_port}/{port.get('protocol', 'TCP')}")
    return ",".join(texts) or "<none>"


def _service(obj: Obj) -> Row:
    spec = obj.get("spec", {})
    selector = ",".join(f"{key}={value}" for key, value in (spec.get("selector") or {}).items()) or "<none>"
    kind, cluster_ip = spec.get("type", ""), spec.get("clusterIP", "<none>")
    return [name_of(obj), kind, cluster_ip, "<none>", _ports(spec), _created(obj), selector]


def _event(obj: Obj) -> Row:
    involved = obj.get("involvedObject", {})
    seen = age(obj.get("lastTimestamp") or obj.get("eventTime") or obj.get("metadata", {}).get("creationTimestamp"))
    subject = f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"
    return [seen, obj.get("type", ""), obj.get("reason", ""), subject, str(obj.get("message", "")).strip()]


def _node(obj: Obj) -> Row:
    version = obj.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", "")
    return [name_of(obj), "Ready" if is_true(obj, "Ready") else "NotReady", "<none>", _created(obj), version]


def _namespace(obj: Obj) -> Row:
    return [name_of(obj), obj.get("status", {}).get("phase", ""), _created(obj)]


def _endpoint_slice(obj: Obj) -> Row:
    ports = ",".join(str(port.get("port")) for port in obj.get("ports") or []) or "<unset>"
    addresses = ",".join(a for e in obj.get("endpoints") or [] for a in e.get("addresses", [])) or "<unset>"
    return [name_of(obj), obj.get("addressType", ""), ports, addresses, _created(obj)]


def _schedule(obj: Obj) -> Row:
    spec, status = obj.get("spec", {}), obj.get("status", {})
    last = age(status.get("lastBackup")) if status.get("lastBackup") else ""
    return [
        name_of(obj),
        status.get("phase", ""),
        spec.get("schedule", ""),
        last,
        _created(obj),
        str(spec.get("paused", "")),
    ]


def _vpa(obj: Obj) -> Row:
    mode = obj.get("spec", {}).get("updatePolicy", {}).get("updateMode", "")
    recommendations = obj.get("status", {}).get("recommendation", {}).get("containerRecommendations") or [{}]
    target = recommendations[0].get("target", {})
    provided = str(is_true(obj, "RecommendationProvided")) if obj.get("status") else ""
    return [name_of(obj), mode, target.get("cpu", ""), target.get("memory", ""), provided, _created(obj)]


def _any(obj: Obj) -> Row:
    return [name_of(obj), _created(obj)]


_WIDE = "*"  # marks a column that only `-o wide` shows
_KINDS: dict[str, tuple[str, Callable[[Obj], Row]]] = {
    "Pod": ("Name Ready Status Restarts Age *IP *Node *Nominated_Node *Readiness_Gates", _pod),
    "Deployment": ("Name Ready Up-to-date Available Age", _deployment),
    "ReplicaSet": ("Name Desired Current Ready Age", _replicaset),
    "Service": ("Name Type Cluster-IP External-IP Port(s) Age *Selector", _service),
    "Event": ("Last_Seen Type Reason Object Message", _event),
    "Node": ("Name Status Roles Age Version", _node),
    "Namespace": ("Name Status Age", _namespace),
    "EndpointSlice": ("Name AddressType Ports Endpoints Age", _endpoint_slice),
    "Schedule": ("Name Status Schedule LastBackup Age Paused", _schedule),
    "VerticalPodAutoscaler": ("Name Mode CPU Mem Provided Age", _vpa),
}
_FALLBACK = ("Name Age", _any)
_INTEGERS = ("Restarts", "Desired", "Current", "Up-to-date", "Available")


def wanted(accept: str) -> bool:
    """Say whether the client prefers a Table."""
    return "as=Table" in accept.partition(",")[0] and "g=meta.k8s.io" in accept.partition(",")[0]


def _columns(kind: str) -> list[Obj]:
    columns = []
    for word in _KINDS.get(kind, _FALLBACK)[0].split():
        name = word.removeprefix(_WIDE).replace("_", " ")
        columns.append(
            {
                "name": name,
                "type": "integer" if name in _INTEGERS else "string",
                "format": "name" if name == "Name" else "",
                "description": name,
                "priority": 1 if word.startswith(_WIDE) else 0,
            }
        )
    return columns


def table(kind: str, objects: list[Obj], metadata: Obj, *, include: str = "Metadata") -> Obj:
    """Return the Table of some objects; `include` is the request's includeObject."""
    make_row = _KINDS.get(kind, _FALLBACK)[1]
    rows: list[Obj] = []
    for obj in objects:
        row: Obj = {"cells": make_row(obj)}
        if include == "Object":
            row["object"] = obj
        elif include != "None":
            row["object"] = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": obj["metadata"],
            }
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": _columns(kind),
        "rows": rows,
    }
