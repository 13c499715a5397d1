"""Watching the cluster: each event with the monotonic time of its arrival, gaps noted, never a guess.

A watch begins with a list and goes on from the list's resourceVersion (the synthetic first events of a watch without
one may be held back). When it breaks or the server ends it (time-out, 410 Gone), the watcher lists again and says so:
the new LIST carries the last moment at which the watch was whole.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gameday import objects
from gameday.adapters.kubernetes import ApiError, Cluster, Resource, WatchStream
from gameday.errors import ClusterError, GamedayError
from gameday.timeline import WatchEvent

RETRY_S = 0.2


@dataclass(frozen=True, slots=True)
class Subject:
    """What to watch. `name` is what events are filed under."""

    name: str
    resource: Resource
    namespace: str
    labels: str = ""
    fields: str = ""


class Watcher:
    """One thread that follows one subject until it is closed."""

    def __init__(self, cluster: Cluster, subject: Subject, sink: Callable[[WatchEvent], None]) -> None:
        self._cluster = cluster
        self._subject = subject
        self._sink = sink
        self._stopping = threading.Event()
        self._listed = threading.Event()
        self._stream: WatchStream | None = None
        self._whole_ns = 0
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, name=f"watch-{subject.name}", daemon=True)

    def start(self) -> None:
        """Begin; `wait` tells when the first list has arrived."""
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Wait for the first list.

        Raises:
            ClusterError: It did not come.
        """
        if not self._listed.wait(timeout_s):
            raise ClusterError(
                f"no list of {self._subject.name} within {timeout_s:g} s ({self.trouble or 'no answer'})",
                "an API server that answers",
                "Look at the API server and at this account's permissions (get, list, watch).",
            )

    def stop(self) -> None:
        """Tell it to end; `join` waits until it has."""
        self._stopping.set()
        if self._stream is not None:
            self._stream.close()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread, which may hang in a request: it dies with the process."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow(self._list())
            except Exception as error:  # noqa: BLE001 - whatever broke it, the watch begins again and the gap is noted
                self.trouble = str(error) if isinstance(error, GamedayError) else f"{type(error).__name__}: {error}"
                self._stopping.wait(RETRY_S)

    def _list(self) -> str:
        subject = self._subject
        since_ns, asked_ns = self._whole_ns, time.monotonic_ns()
        items, version = self._cluster.list(subject.resource, subject.namespace, subject.labels, subject.fields)
        self._sink(WatchEvent(time.monotonic_ns(), subject.name, "LIST", {"items": items}, since_ns))
        self._whole_ns = asked_ns  # the list shows the state of some moment after this one
        self._listed.set()
        return version

    def _follow(self, version: str) -> None:
        subject = self._subject
        self._stream = self._cluster.watch(subject.resource, subject.namespace, subject.labels, subject.fields, version)
        if self._stopping.is_set():  # `stop` came while the stream was being opened, and saw none to end
            self._stream.close()
        for arrived_ns, line in self._stream:
            if self._stopping.is_set():
                return
            self._take(arrived_ns, line)

    def _take(self, arrived_ns: int, line: bytes) -> None:
        parsed = json.loads(line)
        kind, thing = objects.text(parsed, "type"), objects.child(parsed, "object")
        if kind == "ERROR":
            raise ApiError(objects.number(thing, "code"), "WATCH", self._subject.name, objects.text(thing, "message"))
        self._whole_ns = arrived_ns
        if kind != "BOOKMARK":
            self._sink(WatchEvent(arrived_ns, self._subject.name, kind, thing))
