"""The requests of Chaos Mesh's stand-in: the official client's, but raw, since its models are slow."""

import contextlib
import json
from collections.abc import Iterator

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.response import HTTPResponse

from gameday.rehearsal.objects import Obj, hex_nanos, name_of, namespace_of, timestamp, uid_of

GROUP, VERSION, PLURAL = "chaos-mesh.org", "v1alpha1", "podchaos"
_MERGE_PATCH = "application/merge-patch+json"
_WATCH_S = 300


class Calls:
    """The controller's requests."""

    def __init__(self, api: client.ApiClient, namespace: str | None = None) -> None:
        self._namespace = namespace
        self._core = client.CoreV1Api(api)
        self._custom = client.CustomObjectsApi(api)

    def list_chaos(self) -> Obj:
        """List all PodChaos (of one namespace, if so restricted)."""
        return _json(self._list(_preload_content=False))

    def _list(self, **options: object) -> HTTPResponse:
        found: HTTPResponse
        if self._namespace:
            found = self._custom.list_namespaced_custom_object(GROUP, VERSION, self._namespace, PLURAL, **options)
        else:
            found = self._custom.list_cluster_custom_object(GROUP, VERSION, PLURAL, **options)
        return found

    def watch_chaos(self, version: str) -> Iterator[Obj]:
        """Yield the watch events since a version, until the server ends the watch."""
        answer = self._list(
            watch=True,
            resource_version=version,
            allow_watch_bookmarks=True,
            timeout_seconds=_WATCH_S,
            _preload_content=False,
            _request_timeout=(5, _WATCH_S + 30),
        )
        rest = b""
        try:
            for chunk in answer.stream(amt=None, decode_content=False):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (json.loads(line) for line in lines if line.strip())
        finally:
            answer.close()

    def patch_chaos(self, chaos: Obj, patch: Obj) -> None:
        """Merge into a PodChaos; on this kind the status is a part of the object."""
        self._custom.patch_namespaced_custom_object(
            GROUP, VERSION, namespace_of(chaos), PLURAL, name_of(chaos), patch,
            _content_type=_MERGE_PATCH, _preload_content=False,
        )  # fmt: skip

    def pods(self, namespace: str, labels: str, fields: str) -> list[Obj]:
        """List pods of one namespace, or (empty) of all."""
        selectors = {
            "label_selector": labels or None,
            "field_selector": fields or None,
            "_preload_content": False,
        }
        if namespace:
            found = self._core.list_namespaced_pod(namespace, **selectors)
        else:
            found = self._core.list_pod_for_all_namespaces(**selectors)
        items: list[Obj] = _json(found)["items"]
        return items

    def pod(self, namespace: str, name: str) -> Obj | None:
        """Read one pod; None when it is not there."""
        try:
            return _json(self._core.read_namespaced_pod(name, namespace, _preload_content=False))
        except ApiException:
            return None

    def nodes(self, labels: str) -> list[str]:
        """Return the names of the nodes with some labels."""
        return [
            name_of(node)
            for node in _json(self._core.list_node(label_selector=labels, _preload_content=False))["items"]
        ]

    def namespace(self, name: str) -> Obj:
        """Read a namespace."""
        return _json(self._core.read_namespace(name, _preload_content=False))

    def delete_pod(self, namespace: str, name: str, grace_s: int) -> None:
        """Delete a pod by name."""
        self._core.delete_namespaced_pod(name, namespace, grace_period_seconds=grace_s, _preload_content=False)

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
        with contextlib.suppress(ApiException):  # nobody waits for an Event
            self._core.create_namespaced_event(namespace_of(chaos), body, _preload_content=False)


def _json(answer: HTTPResponse) -> Obj:
    found: Obj = json.loads(answer.data)
    return found
