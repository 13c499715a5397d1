"""Watchers: list, then watch from there; whatever breaks, list again and say since when nothing was known."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gameday.adapters import watchers as watchers_module
from gameday.adapters.kubernetes import PODS, Resource
from gameday.adapters.watchers import Subject, Watcher
from gameday.errors import ClusterError
from gameday.timeline import KubeObject, WatchEvent

PATIENCE_S = 20.0
SUBJECT = Subject("pods", PODS, "staging", "app=task-api")

type Line = tuple[int, bytes] | Exception | None
"""An arrival, an error of the connection, or its orderly end."""


class FakeStream:
    """A stream that a test feeds; closing it ends it, from any thread."""

    def __init__(self) -> None:
        self.lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        while True:
            line = self.lines.get(timeout=PATIENCE_S)
            if line is None:
                return
            if isinstance(line, Exception):
                raise line
            yield line

    def close(self) -> None:
        self.closed.set()
        self.lines.put(None)


class FakeCluster:
    """Lists from `lists` (an error is raised), and a new stream for each watch."""

    def __init__(self) -> None:
        self.lists: queue.SimpleQueue[list[KubeObject] | Exception] = queue.SimpleQueue()
        self.streams: queue.SimpleQueue[FakeStream] = queue.SimpleQueue()
        self.asked: list[tuple[str, ...]] = []
        self.opening: Callable[[], object] = lambda: None

    def list(self, resource: Resource, namespace: str, labels: str, fields: str) -> tuple[list[KubeObject], str]:
        self.asked.append(("list", resource.plural, namespace, labels, fields))
        found = self.lists.get(timeout=PATIENCE_S)
        if isinstance(found, Exception):
            raise found
        return found, f"rv-{len(self.asked)}"

    def watch(self, resource: Resource, namespace: str, labels: str, fields: str, version: str) -> FakeStream:
        self.asked.append(("watch", resource.plural, namespace, labels, fields, version))
        self.opening()
        stream = FakeStream()
        self.streams.put(stream)
        return stream


class Scene:
    """A watcher that runs, its events and its clock."""

    def __init__(self, clock: SimpleNamespace) -> None:
        self.cluster = FakeCluster()
        self.events: queue.SimpleQueue[WatchEvent] = queue.SimpleQueue()
        self.clock = clock
        self.watcher = Watcher(self.cluster, SUBJECT, self.events.put)  # type: ignore[arg-type]

    def event(self) -> WatchEvent:
        return self.events.get(timeout=PATIENCE_S)

    def stream(self) -> FakeStream:
        return self.cluster.streams.get(timeout=PATIENCE_S)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Not yet started; its clock stands still until it is set."""
    clock = SimpleNamespace(now_ns=100)
    monkeypatch.setattr(watchers_module, "time", SimpleNamespace(monotonic_ns=lambda: clock.now_ns))
    monkeypatch.setattr(watchers_module, "RETRY_S", 0)
    made = Scene(clock)
    yield made
    made.cluster.lists.put([])
    made.watcher.stop()
    if made.watcher._thread.ident is not None:
        made.watcher.join(PATIENCE_S)


def line(t_ns: int, kind: str, thing: object) -> tuple[int, bytes]:
    return t_ns, json.dumps({"type": kind, "object": thing}).encode()


def test_it_lists_and_watches_from_there(scene: Scene, make: SimpleNamespace) -> None:
    """Selected by the server, from the list's own resourceVersion; each event with its own arrival."""
    scene.cluster.lists.put([make.pod("a")])
    scene.watcher.start()
    scene.watcher.wait(PATIENCE_S)
    assert scene.event() == WatchEvent(100, "pods", "LIST", {"items": [make.pod("a")]}, 0)
    stream = scene.stream()
    stream.lines.put(line(150, "MODIFIED", make.pod("a", ready=False)))
    stream.lines.put(line(160, "DELETED", make.pod("a")))
    assert scene.event() == WatchEvent(150, "pods", "MODIFIED", make.pod("a", ready=False))
    assert scene.event() == WatchEvent(160, "pods", "DELETED", make.pod("a"))
    assert scene.cluster.asked == [
        ("list", "pods", "staging", "app=task-api", ""),
        ("watch", "pods", "staging", "app=task-api", "", "rv-1"),
    ]


@pytest.mark.parametrize(
    "end",
    [
        None,
        ConnectionResetError("reset by peer"),
        line(190, "ERROR", {"code": 410, "message": "too old resource version"}),
        (190, b"<html>"),
    ],
)
def test_a_watch_that_ends_begins_again_and_the_gap_is_noted(scene: Scene, make: SimpleNamespace, end: Line) -> None:
    """Time-out, reset, 410 Gone or nonsense: the new list says since when nothing was known, the last event."""
    scene.cluster.lists.put([])
    scene.watcher.start()
    scene.event()
    stream = scene.stream()
    stream.lines.put(line(170, "ADDED", make.pod("a")))
    scene.event()
    scene.clock.now_ns = 200
    stream.lines.put(end)
    scene.cluster.lists.put([make.pod("b")])
    assert scene.event() == WatchEvent(200, "pods", "LIST", {"items": [make.pod("b")]}, 170)


def test_a_bookmark_is_no_event_and_tells_that_the_watch_is_whole(scene: Scene) -> None:
    """The gap begins after it."""
    scene.cluster.lists.put([])
    scene.watcher.start()
    scene.event()
    stream = scene.stream()
    stream.lines.put(line(180, "BOOKMARK", {"metadata": {"resourceVersion": "9"}}))
    stream.lines.put(None)
    scene.cluster.lists.put([])
    event = scene.event()
    assert (event.type, event.since_ns) == ("LIST", 180)


def test_a_list_is_as_old_as_its_request(scene: Scene) -> None:
    """What happened while it was under way may be missing from it: a gap that follows begins with the request."""
    before = scene.cluster.list

    def slow(*arguments: Any) -> tuple[list[KubeObject], str]:
        found = before(*arguments)
        scene.clock.now_ns += 50
        return found

    scene.cluster.list = slow  # type: ignore[method-assign]
    scene.cluster.lists.put([])
    scene.watcher.start()
    assert scene.event().t_ns == 150
    scene.stream().lines.put(None)
    scene.cluster.lists.put([])
    second = scene.event()
    assert (second.t_ns, second.since_ns) == (200, 100)


def test_a_list_that_fails_is_tried_again(scene: Scene) -> None:
    """And the trouble is known to who waits."""
    scene.cluster.lists.put(ClusterError("GET /pods: 500 etcd", "success", "See there."))
    scene.cluster.lists.put([])
    scene.watcher.start()
    assert scene.event().type == "LIST"
    assert "500 etcd" in scene.watcher.trouble


def test_a_list_that_never_comes_is_an_error(scene: Scene) -> None:
    """With what was wrong."""
    scene.cluster.lists.put(ConnectionRefusedError("refused"))
    scene.watcher.start()
    with pytest.raises(ClusterError, match="no list of pods within 0 s"):
        scene.watcher.wait(0)


def test_closing_ends_a_stream_that_is_being_read(scene: Scene) -> None:
    """And the thread with it."""
    scene.cluster.lists.put([])
    scene.watcher.start()
    stream = scene.stream()
    scene.watcher.stop()
    scene.watcher.join(PATIENCE_S)
    assert stream.closed.is_set()
    assert not scene.watcher._thread.is_alive()


def test_closing_while_a_stream_is_being_opened_ends_it_too(scene: Scene) -> None:
    """Nobody waits for a line that may never come."""
    opening, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        opening.set()
        assert go_on.wait(PATIENCE_S)

    scene.cluster.opening = hold
    scene.cluster.lists.put([])
    scene.watcher.start()
    assert opening.wait(PATIENCE_S)
    scene.watcher._stopping.set()  # what `stop` does first; the stream is not there yet
    go_on.set()
    assert scene.stream().closed.wait(PATIENCE_S)
    scene.watcher._thread.join(PATIENCE_S)
    assert not scene.watcher._thread.is_alive()


def test_nothing_is_taken_in_after_the_end(scene: Scene, make: SimpleNamespace) -> None:
    """What still arrives belongs to no run."""
    scene.cluster.lists.put([])
    scene.watcher.start()
    scene.event()
    stream = scene.stream()
    scene.watcher._stopping.set()
    stream.lines.put(line(300, "DELETED", make.pod("a")))
    scene.watcher._thread.join(PATIENCE_S)
    assert scene.events.empty()
