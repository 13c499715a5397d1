"""What the guard looks at, read from a live cluster. Writes nothing."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, cached_property

from gameday import objects
from gameday.adapters import chaos_mesh, kubernetes, lease, service_url
from gameday.adapters.kubernetes import Cluster, Resource
from gameday.experiment import Plan
from gameday.podchaos import GROUP, VERSION
from gameday.timeline import KubeObject

HEALTH_TIMEOUT_S = 5


class ClusterSight:
    """The live cluster as `gameday.guard.Sight`."""

    def __init__(self, cluster: Cluster, plan: Plan) -> None:
        self._cluster = cluster
        self._plan = plan
        self.context = cluster.context
        self.namespace = cache(self._namespace)
        self.deployment = cache(self._deployment)

    def _namespace(self) -> KubeObject | None:
        return self._cluster.get(kubernetes.NAMESPACES, "", self._plan.namespace)

    def _deployment(self) -> KubeObject | None:
        return self._cluster.get(kubernetes.DEPLOYMENTS, self._plan.namespace, self._plan.spec.staging.deployment)

    @cached_property
    def service_url(self) -> str:
        """Where the service is reached from here: as given, or through its NodePort."""
        return service_url.resolve(self._plan.service_url, self._cluster, self._plan.spec.staging)

    def own_pods(self) -> Sequence[KubeObject]:
        """Pods whose ReplicaSet the Deployment controls."""
        deployment = self.deployment()
        selector = objects.selector_text(objects.child(deployment, "spec", "selector", "matchLabels"))
        sets, _ = self._cluster.list(kubernetes.REPLICASETS, self._plan.namespace, selector)
        owned = {objects.uid(item) for item in sets if objects.controller_uid(item) == objects.uid(deployment or {})}
        pods, _ = self._cluster.list(kubernetes.PODS, self._plan.namespace, selector)
        return [pod for pod in pods if objects.controller_uid(pod) in owned]

    def selected_pods(self) -> Sequence[KubeObject]:
        """Pods that Chaos Mesh would choose from."""
        selector = self._plan.chaos.spec.selector
        pods, _ = self._cluster.list(
            kubernetes.PODS, self._plan.namespace, objects.selector_text(selector.label_selectors)
        )
        phases = selector.pod_phase_selectors
        return [pod for pod in pods if not phases or objects.text(pod, "status", "phase") in phases]

    def chaos_mesh_installed(self) -> bool:
        """Whether the API server serves chaos-mesh.org/v1alpha1."""
        return self._cluster.serves(GROUP, VERSION)

    def lease_holder(self) -> str:
        """Who holds the workload's Lease now."""
        name = lease.lease_name(self._plan.spec.staging.deployment)
        return lease.holder(self._cluster.get(kubernetes.LEASES, self._plan.namespace, name), datetime.now(UTC))

    def dry_run(self) -> None:
        """Offer the PodChaos, and the Lease where there is none, to the API server without keeping them."""
        chaos, namespace = self._plan.chaos, self._plan.namespace
        chaos_mesh.create(self._cluster, chaos, f"{chaos.metadata.name}-dry-run", "dry-run", dry_run=True)
        name = lease.lease_name(self._plan.spec.staging.deployment)
        if self._cluster.get(kubernetes.LEASES, namespace, name) is None:
            body = lease.body(namespace, name, "dry-run")
            self._cluster.create(kubernetes.LEASES, namespace, body, dry_run=True)

    def denied(self) -> Sequence[str]:
        """The permissions that are missing, as `verb resource in namespace`."""
        return [
            f"{verb} {resource.plural} in {namespace}"
            for resource, namespace, verbs in needs(self._plan)
            for verb in verbs
            if not self._cluster.allowed(verb, resource, namespace)
        ]

    def health(self) -> str:
        """Why a GET of the health path is not a 200; empty when it is."""
        return health(self.service_url + self._plan.spec.staging.health_path)


def health(url: str) -> str:
    """Why a GET of a URL is not a 200; empty when it is. Asked directly, past any proxy of the environment."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=HEALTH_TIMEOUT_S) as answer:
            return "" if answer.status == http.client.OK else f"status {answer.status}"
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        return str(error)


def needs(plan: Plan) -> list[tuple[Resource, str, tuple[str, ...]]]:
    """Everything that a run does in the cluster: resource, namespace, verbs.

    Chaos Mesh's webhook asks, as the user, for `create podchaos` in the target namespace too (source: Chaos Mesh v2.8,
    pkg/webhook/auth).
    """
    target, chaos = plan.namespace, plan.chaos.metadata.namespace
    return [
        (kubernetes.PODS, target, ("list", "watch")),
        (kubernetes.EVENTS, target, ("list", "watch")),
        (kubernetes.ENDPOINT_SLICES, target, ("list", "watch")),
        (kubernetes.LEASES, target, ("get", "list", "watch", "create", "update", "patch", "delete")),
        (kubernetes.PODCHAOS, target, ("create",)),
        (kubernetes.PODCHAOS, chaos, ("get", "list", "watch", "create", "delete")),
        (kubernetes.EVENTS, chaos, ("list", "watch")),
    ]
