"""From a kubeconfig to requests: the context is chosen here, the credentials are read by chaostoolkit-kubernetes."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from gameday.errors import BadInputError

TIMEOUT_S = 10.0
"""An answer of the API server that takes longer is none: a run cannot be timed on such a cluster."""


def choose_context(wanted: str) -> str:
    """The context that will be used, checked before any library gets to guess.

    Raises:
        BadInputError: There is no kubeconfig, or no such context in it.
    """
    from kubernetes import config

    path = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    if os.environ.get("CHAOSTOOLKIT_IN_POD") == "true" and not Path(path).exists():
        return "in-cluster"
    try:
        contexts, current = config.list_kube_config_contexts(config_file=path)
    except Exception as error:
        raise BadInputError(
            f"kubeconfig {path}: {_one_line(error)}", "a kubeconfig with a current context", "Set KUBECONFIG to one."
        ) from error
    names = [str(context["name"]) for context in contexts]
    wanted = wanted or os.environ.get("KUBERNETES_CONTEXT", "") or (str(current["name"]) if current else "")
    if wanted not in names:
        raise BadInputError(
            f"context {wanted!r} in {path}",
            f"one of {', '.join(names) or 'no context at all'}",
            "Choose it with --context.",
        )
    return wanted


@dataclass(frozen=True)
class Connection:
    """What it takes to reach one API server: plain data, to be handed to a child process through a pipe.

    It holds credentials: it is never written to a file, a log or a message.
    """

    context: str
    host: str
    authorization: str = field(default="", repr=False)
    ca_file: str = ""
    ca_data: str = ""
    cert_file: str = ""
    key_file: str = ""
    verify: bool = True
    server_name: str = ""
    proxy: str = ""


def connect(context: str) -> tuple[Connection, Callable[[], str]]:
    """How to reach the API server of a context, and the way to ask for a token that has not expired.

    chaostoolkit-kubernetes reads the credentials, as it does for the probes that it brings.
    """
    from chaosk8s import create_k8s_api_client
    from kubernetes.client.rest import should_bypass_proxies

    secrets = {} if context == "in-cluster" else {"KUBERNETES_CONTEXT": context, "KUBERNETES_VERIFY_SSL": "true"}
    try:
        found = create_k8s_api_client(secrets).configuration
    except Exception as error:
        raise BadInputError(
            f"kubeconfig, context {context!r}: {_one_line(error)}", "usable credentials", "Repair the kubeconfig."
        ) from error

    def token() -> str:
        return str(found.get_api_key_with_prefix("authorization", alias="BearerToken") or "")

    past_proxy = not found.proxy or should_bypass_proxies(found.host, found.no_proxy or "")
    connection = Connection(
        context=context,
        host=str(found.host).rstrip("/"),
        authorization=token(),
        ca_file=found.ssl_ca_cert or "",
        ca_data=_text(found.ca_cert_data),
        cert_file=found.cert_file or "",
        key_file=found.key_file or "",
        verify=bool(found.verify_ssl),
        server_name=found.tls_server_name or "",
        proxy="" if past_proxy else str(found.proxy),
    )
    return connection, token


class Transport:
    """Requests over one connection, sent once each: a retry would hide the time that it took."""

    def __init__(self, connection: Connection, token: Callable[[], str] | None = None) -> None:
        self._connection = connection
        self._token = token or (lambda: connection.authorization)
        self._pool = _pool(connection)

    def send(
        self, method: str, path: str, query: Sequence[tuple[str, str]], body: object, read_timeout_s: float | None
    ) -> Any:
        """One request; urllib3's response, its body not read yet.

        Raises:
            BadInputError: The server does not answer.
        """
        import urllib3

        headers = {"Accept": "application/json", "User-Agent": "gameday"}
        if token := self._token():
            headers["Authorization"] = token
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        url = self._connection.host + path + (f"?{urlencode(query)}" if query else "")
        content = json.dumps(body).encode() if body is not None else None
        limits = urllib3.Timeout(connect=TIMEOUT_S, read=read_timeout_s)
        try:
            return self._pool.request(method, url, body=content, headers=headers, timeout=limits, preload_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(self._connection.context, error) from error


def _pool(connection: Connection) -> Any:
    import urllib3

    options: dict[str, Any] = {
        "retries": False,
        "maxsize": 16,  # one a watch, and some for requests
        "cert_reqs": "CERT_REQUIRED" if connection.verify else "CERT_NONE",
        "ca_certs": connection.ca_file or None,
        "ca_cert_data": connection.ca_data or None,
        "cert_file": connection.cert_file or None,
        "key_file": connection.key_file or None,
    }
    if connection.server_name:
        options |= {"server_hostname": connection.server_name, "assert_hostname": connection.server_name}
    return urllib3.ProxyManager(connection.proxy, **options) if connection.proxy else urllib3.PoolManager(**options)


def _text(data: object) -> str:
    return data.decode() if isinstance(data, bytes) else str(data or "")


def unreachable(context: str, error: Exception) -> BadInputError:
    """The error of an API server that does not answer, with the cause that its text hints at."""
    hint = "Start the cluster, or choose another one with KUBECONFIG or --context."
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        hint = "Python 3.13 refuses a CA certificate without the keyUsage extension: reissue the CA, or correct it."
    return BadInputError(f"context {context!r}: {_one_line(error)}", "an API server that answers", hint)


def _one_line(error: Exception) -> str:
    """An error of a library in its own words, which may come in several lines."""
    return " ".join(str(error).split()) or type(error).__name__
