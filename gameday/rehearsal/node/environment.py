"""A container's environment: plain values, fields of its pod, keys of ConfigMaps and Secrets."""

import base64
import os

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.resources import Resource, by_kind
from gameday.rehearsal.objects import Obj, name_of, namespace_of

_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ")


def _stored(cluster: Cluster, namespace: str, kind: str, reference: Obj) -> str:
    resource: Resource | None = by_kind("v1", kind)
    found = cluster.store.get(resource, (namespace, str(reference.get("name")))) if resource else None
    value = str(((found or {}).get("data") or {}).get(reference.get("key"), ""))
    return base64.b64decode(value).decode() if kind == "Secret" else value


def _field(pod: Obj, path: str) -> str:
    value: object = pod
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return str(value)


def _value(cluster: Cluster, pod: Obj, entry: Obj) -> str:
    source = entry.get("valueFrom") or {}
    if "fieldRef" in source:
        return _field(pod, source["fieldRef"]["fieldPath"])
    if "configMapKeyRef" in source:
        return _stored(cluster, namespace_of(pod), "ConfigMap", source["configMapKeyRef"])
    if "secretKeyRef" in source:
        return _stored(cluster, namespace_of(pod), "Secret", source["secretKeyRef"])
    return str(entry.get("value", ""))


def environment(cluster: Cluster, pod: Obj, container: Obj, address: str) -> dict[str, str]:
    """Return the environment; POD_IP is always there, as a stand-in must know where to listen."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    described = {**pod, "status": {**pod.get("status", {}), "podIP": address, "hostIP": "127.0.0.1"}}
    own = {str(entry["name"]): _value(cluster, described, entry) for entry in container.get("env") or []}
    return {**inherited, "HOSTNAME": name_of(pod), **own, "POD_IP": address}
