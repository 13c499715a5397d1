"""The scale subresource: a workload's replicas as an object of its own (autoscaling/v1, Scale)."""

from gameday.rehearsal.objects import Obj, clone


def scale_of(obj: Obj) -> Obj:
    """Return a workload's Scale."""
    metadata = {k: obj["metadata"][k] for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    selector = obj["spec"].get("selector", {}).get("matchLabels") or {}
    status = {
        "replicas": obj.get("status", {}).get("replicas", 0),
        "selector": ",".join(f"{key}={value}" for key, value in selector.items()),
    }
    spec = {"replicas": obj["spec"].get("replicas", 0)}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }


def rescaled(workload: Obj, scale: Obj) -> Obj:
    """Return the workload with the replicas (and the version, if any) that a Scale asks for."""
    new = clone(workload)
    new["spec"]["replicas"] = (scale.get("spec") or {}).get("replicas", 0)
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version:
        new["metadata"]["resourceVersion"] = version
    return new
