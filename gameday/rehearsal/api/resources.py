"""The resources that the stage serves.

Names, short names and subresources are those of Kubernetes 1.34, Chaos Mesh 2.8, Velero 1.17 and the VPA 1.7.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource type in one version."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    crd: bool = False

    @property
    def api_version(self) -> str:
        """Return what `apiVersion` says in its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """Return the name that messages use: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular(self) -> str:
        """Return the name in the singular, which kubectl accepts too."""
        return self.kind.lower()

    @property
    def has_status(self) -> bool:
        """Say whether the status is a subresource, out of reach of a plain update."""
        return "status" in self.subresources


_STATUS = ("status",)
_RBAC = "rbac.authorization.k8s.io"
_SCALE = ("status", "scale")

NAMESPACES = Resource(
    "", "v1", "namespaces", "Namespace", namespaced=False, short=("ns",), subresources=("status", "finalize")
)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False, short=("no",), subresources=_STATUS)
PODS = Resource("", "v1", "pods", "Pod", short=("po",), subresources=("status", "log", "binding", "eviction"))
SERVICES = Resource("", "v1", "services", "Service", short=("svc",), subresources=_STATUS)
EVENTS = Resource("", "v1", "events", "Event", short=("ev",))
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment", short=("deploy",), subresources=_SCALE)
REPLICASETS = Resource("apps", "v1", "replicasets", "ReplicaSet", short=("rs",), subresources=_SCALE)
ENDPOINTSLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
CRDS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition",
    namespaced=False, short=("crd", "crds"), subresources=_STATUS,
)  # fmt: skip
PODCHAOS = Resource(
    "chaos-mesh.org", "v1alpha1", "podchaos", "PodChaos", crd=True
)  # no status subresource, as in real life

RESOURCES: tuple[Resource, ...] = (
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    EVENTS,
    Resource("", "v1", "endpoints", "Endpoints", short=("ep",)),
    Resource("", "v1", "configmaps", "ConfigMap", short=("cm",)),
    Resource("", "v1", "secrets", "Secret"),
    Resource("", "v1", "serviceaccounts", "ServiceAccount", short=("sa",)),
    Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False, short=("pv",)),
    Resource(
        "", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", short=("pvc",), subresources=_STATUS,
    ),
    Resource("", "v1", "resourcequotas", "ResourceQuota", short=("quota",), subresources=_STATUS),
    Resource("", "v1", "limitranges", "LimitRange", short=("limits",)),
    DEPLOYMENTS,
    REPLICASETS,
    Resource("apps", "v1", "statefulsets", "StatefulSet", short=("sts",), subresources=_SCALE),
    Resource("apps", "v1", "daemonsets", "DaemonSet", short=("ds",), subresources=_STATUS),
    ENDPOINTSLICES,
    Resource("coordination.k8s.io", "v1", "leases", "Lease"),
    Resource(
        "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", short=("pdb",), subresources=_STATUS,
    ),
    Resource(
        "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
        short=("hpa",), subresources=_STATUS,
    ),
    Resource("batch", "v1", "jobs", "Job", subresources=_STATUS),
    Resource("batch", "v1", "cronjobs", "CronJob", short=("cj",), subresources=_STATUS),
    Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", short=("netpol",)),
    Resource("networking.k8s.io", "v1", "ingresses", "Ingress", short=("ing",), subresources=_STATUS),
    Resource(_RBAC, "v1", "roles", "Role"),
    Resource(_RBAC, "v1", "rolebindings", "RoleBinding"),
    Resource(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False),
    Resource(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    CRDS,
    PODCHAOS,
    Resource("velero.io", "v1", "schedules", "Schedule", crd=True),
    Resource("velero.io", "v1", "backups", "Backup", crd=True),
    Resource("velero.io", "v1", "restores", "Restore", crd=True),
    Resource("velero.io", "v1", "backupstoragelocations", "BackupStorageLocation", short=("bsl",), crd=True),
    Resource(
        "autoscaling.k8s.io", "v1", "verticalpodautoscalers", "VerticalPodAutoscaler",
        short=("vpa",), subresources=_STATUS, crd=True,
    ),
    Resource(
        "autoscaling.k8s.io", "v1", "verticalpodautoscalercheckpoints", "VerticalPodAutoscalerCheckpoint",
        short=("vpacheckpoint",), crd=True,
    ),
)  # fmt: skip

REVIEWS: tuple[Resource, ...] = (
    Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False),
    Resource("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", namespaced=False),
    Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced=False),
)
"""Questions that are answered and not stored."""

_BY_PATH = {(r.group, r.version, r.plural): r for r in RESOURCES + REVIEWS}
_BY_KIND = {(r.api_version, r.kind): r for r in RESOURCES + REVIEWS}


def by_path(group: str, version: str, plural: str) -> Resource | None:
    """Find a resource by what its URL says."""
    return _BY_PATH.get((group, version, plural))


def by_kind(api_version: str, kind: str) -> Resource | None:
    """Find a resource by what its objects say."""
    return _BY_KIND.get((api_version, kind))


def group_versions() -> list[tuple[str, str]]:
    """Return each (group, version) once, the core group first."""
    return list(dict.fromkeys((r.group, r.version) for r in RESOURCES + REVIEWS))
