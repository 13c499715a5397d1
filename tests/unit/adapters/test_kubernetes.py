"""The connection to the API server: which context, which path, and errors in the server's own words."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest

from gameday.adapters.connection import Connection, choose_context, unreachable
from gameday.adapters.kubernetes import (
    DEPLOYMENTS,
    NAMESPACES,
    PODCHAOS,
    PODS,
    ApiError,
    Cluster,
    Resource,
    WatchStream,
)
from gameday.errors import BadInputError, ClusterError, ExitCode

if TYPE_CHECKING:
    from email.message import Message


@pytest.mark.parametrize(
    ("resource", "parts", "path"),
    [
        (PODS, ("staging",), "/api/v1/namespaces/staging/pods"),
        (PODS, ("staging", "a", "log"), "/api/v1/namespaces/staging/pods/a/log"),
        (NAMESPACES, ("", "staging"), "/api/v1/namespaces/staging"),
        (DEPLOYMENTS, (), "/apis/apps/v1/deployments"),
        (PODCHAOS, ("chaos-mesh", "x"), "/apis/chaos-mesh.org/v1alpha1/namespaces/chaos-mesh/podchaos/x"),
    ],
)
def test_paths(resource: Resource, parts: tuple[str, ...], path: str) -> None:
    """As the API writes them."""
    assert resource.path(*parts) == path


def config(*contexts: str, current: str = "") -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": current,
            "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in contexts],
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
            "users": [{"name": "u", "user": {}}],
        }
    )


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where KUBECONFIG points; not yet there."""
    path = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBERNETES_CONTEXT", "CHAOSTOOLKIT_IN_POD"):
        monkeypatch.delenv(name, raising=False)
    return path


@pytest.mark.parametrize(
    ("wanted", "variable", "found"), [("", "", "one"), ("two", "", "two"), ("", "two", "two"), ("one", "two", "one")]
)
def test_the_context_as_given_or_the_variable_or_the_current_one(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, variable: str, found: str
) -> None:
    """In this order."""
    kubeconfig.write_text(config("one", "two", current="one"))
    if variable:
        monkeypatch.setenv("KUBERNETES_CONTEXT", variable)
    assert choose_context(wanted) == found


def test_a_context_that_does_not_exist_is_bad_input(kubeconfig: Path) -> None:
    """Named with those that do."""
    kubeconfig.write_text(config("one", "two", current="one"))
    with pytest.raises(BadInputError, match=r"context 'production' in .*; expected one of one, two\. Choose it with"):
        choose_context("production")


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "nonsense",
        "[]",
        "{}",
        "5",
        "apiVersion: v1\nkind: Config\n",
        "\x00",
        "a: [",
        config("one", current="gone"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_bad_input(kubeconfig: Path, content: str | None) -> None:
    """Missing, empty, nonsense: one line that names it."""
    if content is not None:
        kubeconfig.write_text(content)
    with pytest.raises(BadInputError) as refused:
        choose_context("")
    assert str(kubeconfig) in str(refused.value)
    assert "\n" not in str(refused.value)


class Api:
    """A web server on loopback that answers with what it was given, in order, and notes what it was asked.

    An answer of None closes the connection without a word; one with `promised` bytes breaks off before them.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, int] | None] = []
        self.asked: list[tuple[str, str, dict[str, str], object]] = []
        self.headers: list[Message] = []
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                api.answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the standard library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def cluster(self, *answers: tuple[int, bytes, int] | None) -> Cluster:
        """A connection to it that will get these answers."""
        self.answers += answers
        return Cluster(Connection(context="gameday", host=self.url, authorization="Bearer t0ken"))

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """One request."""
        parts = urlsplit(handler.path)
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        body = json.loads(raw) if raw else None
        self.asked.append((handler.command, parts.path, dict(parse_qsl(parts.query)), body))
        self.headers.append(handler.headers)
        handler.close_connection = True
        found = self.answers.pop(0)
        if found is None:
            return
        status, content, promised = found
        handler.send_response(status)
        handler.send_header("Content-Length", str(promised or len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def close(self) -> None:
        """End it."""
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def api() -> Iterator[Api]:
    """A server without any answer yet."""
    made = Api()
    yield made
    made.close()


def answer(thing: object, status: int = 200) -> tuple[int, bytes, int]:
    return status, json.dumps(thing).encode(), 0


def refusal(status: int, message: str) -> tuple[int, bytes, int]:
    return answer({"kind": "Status", "message": message}, status)


def test_a_list_of_many_pages_is_whole(api: Api) -> None:
    """Page after page, with the server's selectors; the last page's resourceVersion."""
    cluster = api.cluster(
        answer({"items": [{"n": 1}], "metadata": {"continue": "mo/re=", "resourceVersion": "7"}}),
        answer({"items": [{"n": 2}], "metadata": {"resourceVersion": "7"}}),
    )
    assert cluster.list(PODS, "staging", "app=x,b in (c,d)", "a=b") == ([{"n": 1}, {"n": 2}], "7")
    first = {"labelSelector": "app=x,b in (c,d)", "fieldSelector": "a=b", "limit": "500"}
    assert [query for _, _, query, _ in api.asked] == [first, {**first, "continue": "mo/re="}]


def test_each_request_carries_the_credentials_and_says_what_it_sends(api: Api) -> None:
    """A merge patch is one; a question has no body."""
    cluster = api.cluster(answer({}), answer({"n": 1}), answer({}))
    assert cluster.patch(PODS, "staging", "a", {"metadata": {}}) == {}
    assert cluster.create(PODS, "staging", {"x": 1}, dry_run=True) == {"n": 1}
    assert cluster.get(PODS, "staging", "a") == {}
    assert [headers["Authorization"] for headers in api.headers] == ["Bearer t0ken"] * 3
    kinds = [headers["Content-Type"] for headers in api.headers]
    assert kinds == ["application/merge-patch+json", "application/json", None]
    assert api.asked[1] == ("POST", "/api/v1/namespaces/staging/pods", {"dryRun": "All"}, {"x": 1})


def test_what_does_not_exist_is_none_and_cannot_be_deleted(api: Api) -> None:
    """404 is an answer."""
    cluster = api.cluster(*[refusal(404, "no")] * 3)
    assert cluster.get(PODS, "staging", "a") is None
    assert cluster.delete(PODS, "staging", "a") is False
    assert cluster.serves("chaos-mesh.org", "v1alpha1") is False


def test_only_the_one_with_the_uid_is_deleted(api: Api) -> None:
    """A precondition, checked by the server."""
    cluster = api.cluster(answer({}), answer({}))
    assert cluster.delete(PODS, "staging", "a", uid="u1") is True
    assert cluster.delete(PODS, "staging", "a") is True
    assert [body for *_, body in api.asked] == [{"preconditions": {"uid": "u1"}}, None]


@pytest.mark.parametrize(("allowed", "expected"), [(True, True), (False, False), ("true", False), (None, False)])
def test_a_permission_is_one_when_the_server_says_so(api: Api, allowed: object, expected: object) -> None:
    """And only then."""
    cluster = api.cluster(answer({"status": {"allowed": allowed}}, 201))
    assert cluster.allowed("delete", PODCHAOS, "chaos-mesh") is expected
    review = api.asked[0][3]
    assert isinstance(review, dict)
    assert review["spec"]["resourceAttributes"] == {
        "verb": "delete",
        "group": "chaos-mesh.org",
        "resource": "podchaos",
        "subresource": "",
        "namespace": "chaos-mesh",
    }


@pytest.mark.parametrize("code", [302, 400, 401, 403, 409, 422, 500, 503, 520])
def test_other_answers_are_errors_in_the_server_s_words(api: Api, code: int) -> None:
    """With method, path, status, and what to do; never followed elsewhere, and a status that nobody defined is one."""
    cluster = api.cluster(refusal(code, "because"))
    words = rf"POST /api/v1/namespaces/staging/pods: {code} because; expected success\. ."
    with pytest.raises(ApiError, match=words) as error:
        cluster.create(PODS, "staging", {})
    assert error.value.status == code
    assert error.value.exit_code == ExitCode.UNKNOWN


def test_an_error_that_is_no_status_is_quoted(api: Api) -> None:
    """A proxy in between answers in HTML; its start is enough."""
    cluster = api.cluster((502, b"<html>" + b"x" * 5000 + b"\xff", 0))
    with pytest.raises(ApiError, match=r"502 <html>x+") as error:
        cluster.version()
    assert len(str(error.value)) < 400


def test_an_answer_that_is_no_json_is_an_error(api: Api) -> None:
    """Some web server, but no API."""
    cluster = api.cluster((200, b"It works!", 0))
    with pytest.raises(ClusterError, match=r"It works!.*expected JSON of a Kubernetes API"):
        cluster.version()


@pytest.mark.parametrize("broken", [None, (200, b"{", 50), (500, b"oh", 50)])
def test_a_connection_that_breaks_is_bad_input(api: Api, broken: tuple[int, bytes, int] | None) -> None:
    """Before, or in the middle of an answer: named, asked once, and never a library's own error."""
    cluster = api.cluster(broken)
    with pytest.raises(BadInputError, match=r"context 'gameday': .*expected an API server that answers"):
        cluster.get(PODS, "staging", "a")
    assert len(api.asked) == 1


def test_a_server_that_is_not_there_is_bad_input() -> None:
    """The cause is named; the credentials are not."""
    with pytest.raises(BadInputError, match=r"refused; expected an API server that answers") as error:
        Cluster(Connection(context="gameday", host="http://127.0.0.1:9", authorization="Bearer t0ken")).version()
    assert "t0ken" not in str(error.value)


def test_a_connection_keeps_its_credentials_to_itself() -> None:
    """Whoever prints it prints no token."""
    assert "t0ken" not in repr(Connection(context="gameday", host="http://x", authorization="Bearer t0ken"))


def test_a_certificate_that_python_refuses_is_explained() -> None:
    """Python 3.13 is stricter than kubectl."""
    assert "keyUsage" in str(unreachable("gameday", ValueError("[SSL: CERTIFICATE_VERIFY_FAILED]")))
    assert "keyUsage" not in str(unreachable("gameday", ValueError("refused")))


def test_a_watch_is_asked_for_from_a_version_on(api: Api) -> None:
    """With bookmarks and the server's selection; its lines come as they arrive."""
    cluster = api.cluster((200, b'{"type":"ADDED"}\n{"type":"BOOKMARK"}\n', 0))
    stream = cluster.watch(PODS, "staging", "app=x", "", "42")
    assert [line for _, line in stream] == [b'{"type":"ADDED"}', b'{"type":"BOOKMARK"}']
    selection = {"watch": "true", "resourceVersion": "42", "allowWatchBookmarks": "true", "labelSelector": "app=x"}
    assert api.asked == [("GET", "/api/v1/namespaces/staging/pods", selection, None)]


def test_a_watch_that_is_refused_is_an_error(api: Api) -> None:
    """410: list again."""
    cluster = api.cluster(refusal(410, "too old resource version"))
    with pytest.raises(ApiError, match=r"WATCH .*410 too old resource version"):
        cluster.watch(PODS, "staging", "", "", "1")


def test_a_stream_gives_whole_lines_whatever_the_chunks() -> None:
    """Lines that share a chunk share its arrival; half a line waits; empty ones are left out."""
    chunks = [b'{"a"', b':1}\n{"b":2}\n\n{"c', b'":3}\n', b"half"]
    stream = WatchStream(SimpleNamespace(stream=lambda **_: iter(chunks)))
    found = list(stream)
    assert [line for _, line in found] == [b'{"a":1}', b'{"b":2}', b'{"c":3}']
    assert found[0][0] == found[1][0] <= found[2][0]


def test_closing_a_stream_that_is_closed_already() -> None:
    """Harmless, whatever is left of the connection."""

    def shutdown(_: int) -> None:
        raise OSError("not connected")

    WatchStream(SimpleNamespace()).close()
    WatchStream(SimpleNamespace(connection=SimpleNamespace(sock=SimpleNamespace(shutdown=shutdown)))).close()
