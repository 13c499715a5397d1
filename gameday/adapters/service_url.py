"""Where the Service is reached from here: through its NodePort, on an address that answers."""

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from gameday import objects
from gameday.adapters.kubernetes import NODES, SERVICES, Cluster
from gameday.errors import BadInputError, RefusedError
from gameday.spec import Staging
from gameday.timeline import KubeObject

CONNECT_TIMEOUT_S = 1.0


def find(cluster: Cluster, namespace: str, name: str) -> str:
    """The URL of a Service through its NodePort; empty when it has none.

    Raises:
        BadInputError: There is no such Service, or no address of it answers.
    """
    service = cluster.get(SERVICES, namespace, name)
    if service is None:
        raise BadInputError(
            f"no Service {namespace}/{name}",
            "the service under test",
            "Apply its manifest, or correct `staging.service`.",
        )
    port = next((objects.number(item, "nodePort") for item in objects.children(service, "spec", "ports")), 0)
    if not port:
        return ""
    candidates = [f"{host}:{port}" for host in _hosts(cluster)]
    for host in _hosts(cluster):
        if _answers(host, port):
            return f"http://{f'[{host}]' if ':' in host else host}:{port}"
    raise BadInputError(
        f"Service {namespace}/{name}: nothing answers at {', '.join(candidates)}",
        "a NodePort that this machine reaches",
        "Give the URL with --service-url (for example of a port-forward).",
    )


def resolve(given: str, cluster: Cluster, staging: Staging) -> str:
    """The URL that traffic goes to: the given one, or the Service's NodePort.

    Raises:
        BadInputError: There is none, or it is no plain URL.
        RefusedError: It points somewhere else than at the cluster that was agreed.
    """
    check_form(given)
    url = given.rstrip("/") or find(cluster, staging.namespace, staging.service)
    if not url:
        raise BadInputError(
            f"Service {staging.namespace}/{staging.service} has no NodePort and no URL was given",
            "a way to reach the service as users do",
            "Give --service-url (for example of a port-forward), or make it a NodePort.",
        )
    check_host(url, cluster, staging)
    return url


def check_form(url: str) -> None:
    """Let only a plain http or https URL pass (or none): what follows would be sent to, or stored, as it is.

    Raises:
        BadInputError: It is something else; a password in it is not repeated.
    """
    try:
        parts = urlsplit(url)
        plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        secret = bool(parts.username or parts.password)
    except ValueError:
        plain, secret = False, "@" in url
    if not url or (plain and not secret and not (parts.query or parts.fragment)):
        return
    raise BadInputError(
        "a URL with a user or a password in it" if secret else f"the URL {url!r}",
        "http://host:port or https://host:port, without user, query or fragment",
        "Correct the URL.",
    )


def check_host(url: str, cluster: Cluster, staging: Staging) -> None:
    """Make sure that traffic goes to the cluster that was agreed, or to this machine.

    Raises:
        RefusedError: The URL's host is neither loopback, nor a node of the cluster, nor allowed by the spec.
    """
    host = urlsplit(url).hostname or ""
    if _is_loopback(host) or host in staging.hosts or host in set(_hosts(cluster)):
        return
    raise RefusedError(
        "traffic target",
        f"the service URL {url!r} points at the host {host!r}",
        "loopback, a node of this cluster, or a host of `staging.hosts`",
        "Check that it is no production host; then add it to the spec.",
    )


def _hosts(cluster: Cluster) -> Iterable[str]:
    """Addresses to try: the API server's when it is on this machine, then what the nodes say of themselves."""
    server = urlsplit(cluster.server_host).hostname or ""
    if _is_loopback(server):
        yield server
    for node in cluster.list(NODES)[0]:
        yield from _addresses(node)


def _addresses(node: KubeObject) -> list[str]:
    wanted = {"ExternalIP", "InternalIP"}
    found = objects.children(node, "status", "addresses")
    return [objects.text(item, "address") for item in found if objects.text(item, "type") in wanted]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False
