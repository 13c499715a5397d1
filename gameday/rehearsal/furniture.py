"""What is there before any manifest: namespaces, the node, the definitions of the custom resources."""

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.discovery import GIT_VERSION
from gameday.rehearsal.api.resources import CRDS, NAMESPACES, NODES, RESOURCES, Resource
from gameday.rehearsal.controllers.scheduler import NODE
from gameday.rehearsal.objects import Obj, timestamp

STANDARD_NAMESPACES = ("default", "kube-system", "chaos-mesh", "velero", "monitoring")
_CAPACITY = {"cpu": "16", "memory": "64Gi", "pods": "250", "ephemeral-storage": "100Gi"}


def _node() -> Obj:
    now = timestamp()
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "the stage is up",
        "lastTransitionTime": now,
        "lastHeartbeatTime": now,
    }
    info = {
        "kubeletVersion": GIT_VERSION,
        "kubeProxyVersion": GIT_VERSION,
        "containerRuntimeVersion": "process://1",
        "operatingSystem": "linux",
        "architecture": "amd64",
        "osImage": "rehearsal stage",
        "kernelVersion": "local",
        "machineID": "rehearsal",
        "systemUUID": "rehearsal",
        "bootID": "rehearsal",
    }
    addresses = [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": NODE}]
    return {
        "metadata": {
            "name": NODE,
            "labels": {
                "gameday.dev/rehearsal": "true",
                "kubernetes.io/hostname": NODE,
                "kubernetes.io/os": "linux",
            },
        },
        "spec": {},
        "status": {
            "addresses": addresses,
            "capacity": dict(_CAPACITY),
            "allocatable": dict(_CAPACITY),
            "conditions": [ready],
            "nodeInfo": info,
        },
    }


def _definition(resource: Resource) -> Obj:
    version: Obj = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    if resource.has_status:
        version["subresources"] = {"status": {}}
    names = {
        "plural": resource.plural,
        "singular": resource.singular,
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "shortNames": list(resource.short),
    }
    scope = "Namespaced" if resource.namespaced else "Cluster"
    return {
        "metadata": {"name": f"{resource.plural}.{resource.group}"},
        "spec": {"group": resource.group, "names": names, "scope": scope, "versions": [version]},
    }


def _established(obj: Obj) -> None:
    names = obj["spec"]["names"]
    conditions = [
        {"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": timestamp()}
        for kind, reason in (("NamesAccepted", "NoConflicts"), ("Established", "InitialNamesAccepted"))
    ]
    stored = [version["name"] for version in obj["spec"]["versions"]]
    obj["status"] = {"acceptedNames": names, "conditions": conditions, "storedVersions": stored}


def install(cluster: Cluster) -> None:
    """Create it all."""
    for name in STANDARD_NAMESPACES:
        cluster.create(NAMESPACES, "", {"metadata": {"name": name}})
    cluster.create(NODES, "", _node())
    for resource in (resource for resource in RESOURCES if resource.crd):
        cluster.create(CRDS, "", _definition(resource))
        cluster.modify(CRDS, ("", f"{resource.plural}.{resource.group}"), _established, subresource="status")
