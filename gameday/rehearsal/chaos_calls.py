"""The requests of Chaos Mesh's stand-in."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

from gameday.rehearsal.kube_client import ApiError, KubeClient
from gameday.rehearsal.objects import Obj, hex_nanos, name_of, namespace_of, timestamp, uid_of

GROUP, VERSION, PLURAL = "chaos-mesh.org", "v1alpha1", "podchaos"
_BASE = f"/apis/{GROUP}/{VERSION}"
_WATCH_S = 300


class Calls:
    """The controller's requests; of one namespace's PodChaos only, if so restricted."""

    def __init__(self, api: KubeClient, namespace: str | None = None) -> None:
        self._api = api
        self._collection = f"{_BASE}/namespaces/{namespace}/{PLURAL}" if namespace else f"{_BASE}/{PLURAL}"

    def list_chaos(self) -> Obj:
        """List all PodChaos."""
        return self._api.request("GET", self._collection)

    def watch_chaos(self, version: str) -> Iterator[Obj]:
        """Yield the watch events since a version, until the server ends the watch."""
        query = {"resourceVersion": version, "allowWatchBookmarks": "true"}
        return self._api.watch(self._collection, query, _WATCH_S)

    def patch_chaos(self, chaos: Obj, patch: Obj) -> None:
        """Merge into a PodChaos; on this kind the status is a part of the object."""
        path = f"{_BASE}/namespaces/{namespace_of(chaos)}/{PLURAL}/{name_of(chaos)}"
        self._api.request("PATCH", path, body=patch)

    def pods(self, namespace: str, labels: str, fields: str) -> list[Obj]:
        """List pods of one namespace, or (empty) of all."""
        path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
        items: list[Obj] = self._api.request("GET", path, {"labelSelector": labels, "fieldSelector": fields})["items"]
        return items

    def pod(self, namespace: str, name: str) -> Obj | None:
        """Read one pod; None when it is not there."""
        try:
            return self._api.request("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def nodes(self, labels: str) -> list[str]:
        """Return the names of the nodes with some labels."""
        return [name_of(node) for node in self._api.request("GET", "/api/v1/nodes", {"labelSelector": labels})["items"]]

    def namespace(self, name: str) -> Obj:
        """Read a namespace."""
        return self._api.request("GET", f"/api/v1/namespaces/{name}")

    def delete_pod(self, namespace: str, name: str, grace_s: int) -> None:
        """Delete a pod by name."""
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        self._api.request("DELETE", path, body={"gracePeriodSeconds": grace_s})

    def event(self, chaos: Obj, reason: str, message: str, *, warning: bool = False) -> None:
        """Write an Event on a PodChaos; its name ends in the hexadecimal nanosecond time."""
        now = timestamp()
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name_of(chaos)}.{hex_nanos()}", "namespace": namespace_of(chaos)},
            "involvedObject": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": "PodChaos",
                "namespace": namespace_of(chaos),
                "name": name_of(chaos),
                "uid": uid_of(chaos),
            },
            "reason": reason,
            "message": message,
            "type": "Warning" if warning else "Normal",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "source": {"component": "podchaos-stand-in"},
        }
        with contextlib.suppress(ApiError):  # nobody waits for an Event
            self._api.request("POST", f"/api/v1/namespaces/{namespace_of(chaos)}/events", body=body)
