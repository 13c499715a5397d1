"""Which objects belong to which controller, and what a template makes."""

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.resources import Resource
from gameday.rehearsal.objects import (
    Obj,
    clone,
    controller_of,
    is_deleting,
    is_true,
    namespace_of,
    owner_reference,
    uid_of,
)


def owned_by(cluster: Cluster, resource: Resource, owner: Obj) -> list[Obj]:
    """Return the objects that an owner controls, oldest first."""
    uid = uid_of(owner)
    return [obj for obj in cluster.store.all(resource).values() if (controller_of(obj) or {}).get("uid") == uid]


def from_template(template: Obj, owner: Obj, kind: str, api_version: str) -> Obj:
    """Return a new object with the template's labels, annotations and spec, owned by the owner."""
    given = template.get("metadata") or {}
    metadata = {key: clone(given[key]) for key in ("labels", "annotations") if given.get(key)}
    metadata.update(namespace=namespace_of(owner), ownerReferences=[owner_reference(owner)])
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": clone(template["spec"])}


def is_active(pod: Obj) -> bool:
    """Say whether a pod counts as a replica: neither being deleted nor finished."""
    return not is_deleting(pod) and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")


def is_ready(pod: Obj) -> bool:
    """Say whether a pod's Ready condition holds."""
    return is_true(pod, "Ready")
