"""A small client for any Kubernetes API server: a kubeconfig in, JSON requests and watches out.

The official client takes a second to import, of which the stage's start-up and every cluster test would be a second
longer; the stand-in for Chaos Mesh needs a handful of requests.
"""

import base64
import json
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import urllib3
import yaml

from gameday.rehearsal.objects import Obj

TIMEOUT = urllib3.Timeout(connect=5, read=10)
type Query = Mapping[str, str | int | None]


class ApiError(Exception):
    """The server's answer is an error; `status` is its HTTP code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status


class KubeClient:
    """Requests to the server of a kubeconfig's context (by default the current one)."""

    def __init__(self, kubeconfig: Path, context: str | None, user_agent: str) -> None:
        cluster, user = _chosen(yaml.safe_load(kubeconfig.read_text()), context)
        self._server = str(cluster["server"]).rstrip("/")
        self._headers = {"User-Agent": user_agent, "Accept": "application/json"}
        if token := user.get("token"):
            self._headers["Authorization"] = f"Bearer {token}"
        self._pool = urllib3.PoolManager(ssl_context=_tls(cluster, user, kubeconfig.parent), retries=False, maxsize=4)

    def request(self, method: str, path: str, query: Query | None = None, body: object = None) -> Obj:
        """One request.

        Raises:
            ApiError: The server refused it.
        """
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self._pool.request(
            method,
            self._server + path,
            fields=None if body is not None else _given(query),
            body=None if body is None else json.dumps(body).encode(),
            headers=headers,
            timeout=TIMEOUT,
        )
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - the successes of HTTP
            raise ApiError(answer.status, answer.data[:300].decode("utf-8", "replace"))
        found: Obj = json.loads(answer.data)
        return found

    def watch(self, path: str, query: Query, seconds: int) -> Iterator[Obj]:
        """Yield the events of a watch until the server ends it.

        Raises:
            ApiError: The server refused it.
        """
        fields = _given({**query, "watch": "true", "timeoutSeconds": seconds})
        timeout = urllib3.Timeout(connect=5, read=seconds + 30)
        answer = self._pool.request(
            "GET", self._server + path, fields=fields, headers=self._headers, timeout=timeout, preload_content=False
        )
        try:
            if answer.status != 200:  # noqa: PLR2004 - OK
                raise ApiError(answer.status, answer.read()[:300].decode("utf-8", "replace"))
            rest = b""
            for chunk in answer.stream(amt=None, decode_content=False):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (json.loads(line) for line in lines if line.strip())
        finally:
            answer.close()


def _given(query: Query | None) -> dict[str, str]:
    return {name: str(value) for name, value in (query or {}).items() if value not in {None, ""}}


def _chosen(config: Obj, context: str | None) -> tuple[Obj, Obj]:
    """The cluster and the user of a context."""
    wanted = context or config["current-context"]
    pair = _named(config["contexts"], wanted)["context"]
    return _named(config["clusters"], pair["cluster"])["cluster"], _named(config["users"], pair["user"])["user"]


def _named(entries: list[Obj], name: str) -> Obj:
    found = next((entry for entry in entries if entry["name"] == name), None)
    if found is None:
        raise ValueError(f"the kubeconfig has no {name!r}; it has {[entry['name'] for entry in entries]}")
    return found


def _tls(cluster: Obj, user: Obj, folder: Path) -> ssl.SSLContext | None:
    """The TLS context for a cluster's authority and a user's certificate; None for plain HTTP."""
    if not str(cluster["server"]).startswith("https:"):
        return None
    authority = _content(cluster, "certificate-authority", folder)
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    certificate, key = _content(user, "client-certificate", folder), _content(user, "client-key", folder)
    if certificate and key:
        with tempfile.NamedTemporaryFile() as file:  # ssl reads certificates from files only; this one is ours alone
            file.write(certificate + b"\n" + key)
            file.flush()
            context.load_cert_chain(file.name)
    return context


def _content(entry: Obj, name: str, folder: Path) -> bytes:
    """What a kubeconfig gives inline (`name-data`) or in a file beside it."""
    if inline := entry.get(f"{name}-data"):
        return base64.b64decode(inline)
    return (folder / entry[name]).read_bytes() if entry.get(name) else b""
