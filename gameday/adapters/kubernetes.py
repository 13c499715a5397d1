"""One connection to a Kubernetes API server: authentication by chaostoolkit-kubernetes, plain JSON in and out.

The typed models of the client cost a second of imports and drop fields that they do not know; a run stores what the
API really said.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from gameday import objects
from gameday.adapters.connection import TIMEOUT_S, Connection, Transport, choose_context, connect, unreachable
from gameday.errors import ClusterError
from gameday.timeline import KubeObject


class ApiError(ClusterError):
    """An answer of the API server that is an error, in the server's own words."""

    def __init__(self, status: int, method: str, path: str, message: str) -> None:
        hint = {
            401: "Log in again: the credentials of the kubeconfig are not accepted.",
            403: "Ask for this permission, or use an account that has it.",
            404: "Check the name and the namespace, and whether the resource's CRD is installed.",
        }.get(status, "See the API server's message.")
        super().__init__(f"{method} {path}: {status} {message}", "success", hint)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Resource:
    """Where a kind of object lives in the API."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path of a collection, of one object, or of a part of it."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [base, *(["namespaces", namespace] if namespace else []), self.plural, name, subresource]
        return "/".join(part for part in parts if part)


PODS = Resource("", "v1", "pods")
SERVICES = Resource("", "v1", "services")
NAMESPACES = Resource("", "v1", "namespaces")
NODES = Resource("", "v1", "nodes")
EVENTS = Resource("", "v1", "events")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
REPLICASETS = Resource("apps", "v1", "replicasets")
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices")
LEASES = Resource("coordination.k8s.io", "v1", "leases")
ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
PODCHAOS = Resource("chaos-mesh.org", "v1alpha1", "podchaos")


class Cluster:
    """A connection, with time-outs, without silent retries.

    Args:
        connection: How to reach the API server.
        token: Gives a token that has not expired; the connection's own by default.
    """

    def __init__(self, connection: Connection, token: Callable[[], str] | None = None) -> None:
        self.connection = connection
        self.context = connection.context
        self.server_host = connection.host
        self._transport = Transport(connection, token)

    @classmethod
    def of_kubeconfig(cls, context: str = "") -> Self:
        """The cluster of a kubeconfig's context, by default its current one.

        Raises:
            BadInputError: There is no such context, or its credentials cannot be used.
        """
        return cls(*connect(choose_context(context)))

    def version(self) -> str:
        """The server's `gitVersion`.

        Raises:
            BadInputError: No API server answers there.
        """
        return objects.text(self._request("GET", "/version"), "gitVersion")

    def get(self, resource: Resource, namespace: str, name: str) -> KubeObject | None:
        """One object; None when it does not exist (or its kind does not)."""
        try:
            return self._request("GET", resource.path(namespace, name))
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def serves(self, group: str, version: str) -> bool:
        """Whether the server knows a group and version of resources."""
        try:
            self._request("GET", f"/apis/{group}/{version}")
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def list(
        self, resource: Resource, namespace: str = "", labels: str = "", fields: str = ""
    ) -> tuple[list[KubeObject], str]:
        """Every object that the selectors match, filtered by the server, and the list's resourceVersion."""
        items: list[KubeObject] = []
        query = _query({"labelSelector": labels, "fieldSelector": fields, "limit": "500"})
        token = ""
        while True:
            page = self._request("GET", resource.path(namespace), query + _query({"continue": token}))
            items += objects.children(page, "items")
            token = objects.text(page, "metadata", "continue")
            if not token:
                return items, objects.text(page, "metadata", "resourceVersion")

    def create(self, resource: Resource, namespace: str, body: KubeObject, *, dry_run: bool = False) -> KubeObject:
        """Create an object. One that exists already (409) is an error: it is not ours.

        Raises:
            ApiError: The server's answer.
        """
        return self._request("POST", resource.path(namespace), _query({"dryRun": "All" if dry_run else ""}), body)

    def replace(self, resource: Resource, namespace: str, name: str, body: KubeObject) -> KubeObject:
        """Replace an object; 409 when somebody else changed it since it was read."""
        return self._request("PUT", resource.path(namespace, name), (), body)

    def patch(self, resource: Resource, namespace: str, name: str, body: KubeObject) -> KubeObject:
        """Merge a change into an object (RFC 7396)."""
        return self._request("PATCH", resource.path(namespace, name), (), body)

    def delete(self, resource: Resource, namespace: str, name: str, uid: str = "") -> bool:
        """Delete an object, only the one with this UID if it is given; False when there is none."""
        body = {"preconditions": {"uid": uid}} if uid else None
        try:
            self._request("DELETE", resource.path(namespace, name), (), body)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def allowed(self, verb: str, resource: Resource, namespace: str, subresource: str = "") -> bool:
        """Whether this account may do it (SelfSubjectAccessReview; asking needs no permission and writes nothing)."""
        attributes = {
            "verb": verb,
            "group": resource.group,
            "resource": resource.plural,
            "subresource": subresource,
            "namespace": namespace,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        return objects.value(self.create(ACCESS_REVIEWS, "", review), "status", "allowed") is True

    def watch(self, resource: Resource, namespace: str, labels: str, fields: str, version: str) -> "WatchStream":
        """A stream of events from a resourceVersion on, selected by the server."""
        selection = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "labelSelector": labels,
            "fieldSelector": fields,
        }
        path = resource.path(namespace)
        response = self._transport.send("GET", path, _query(selection), None, None)
        if response.status != HTTPStatus.OK:
            raise ApiError(response.status, "WATCH", path, _message(self._content(response)))
        return WatchStream(response)

    def _request(
        self, method: str, path: str, query: Sequence[tuple[str, str]] = (), body: KubeObject | None = None
    ) -> KubeObject:
        response = self._transport.send(method, path, query, body, TIMEOUT_S)
        content = self._content(response)
        if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:  # a proxy may invent statuses
            raise ApiError(response.status, method, path, _message(content))
        return _parsed(content, path)

    def _content(self, response: Any) -> bytes:
        """The body, which may break off like everything else of a connection."""
        import urllib3

        try:
            return bytes(response.read())
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(self.context, error) from error


class WatchStream:
    """The lines of a watch, each with the monotonic time of its arrival. `close` may come from another thread."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        pending = b""
        for chunk in self._response.stream(amt=None, decode_content=False):
            arrived_ns = time.monotonic_ns()
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                if line:
                    yield arrived_ns, line

    def close(self) -> None:
        """End the stream: its iterator stops or raises. Shutting the socket down wakes a reader that waits in it."""
        import socket

        connection = getattr(self._response, "connection", None)
        sock = getattr(connection, "sock", None)
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # already closed by the other side


def _query(pairs: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((key, found) for key, found in pairs.items() if found)


def _parsed(content: bytes, path: str) -> KubeObject:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ClusterError(
            f"{path}: {content[:60]!r}",
            "JSON of a Kubernetes API",
            "Check the server address of the kubeconfig.",
        ) from error
    return found if isinstance(found, dict) else {}


def _message(content: bytes) -> str:
    """The server's own words: a Status object's message, or the start of whatever it sent."""
    try:
        message = objects.text(json.loads(content), "message")
    except ValueError:
        message = ""
    return message or content[:200].decode("utf-8", "replace")
