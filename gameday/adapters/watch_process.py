"""The watchers in a process of their own, so that nothing else that the harness does makes an event look late.

In one process, the imports, drawings and answers of a run share an interpreter lock with the threads that note when an
event arrived: measured, up to 50 ms. The child gets one order on its standard input, writes `cluster.jsonl` itself, and
repeats each line on its standard output, for the live view and for the steps that wait. It ends with its parent.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from gameday import objects
from gameday.adapters.connection import Connection
from gameday.adapters.kubernetes import Cluster, Resource
from gameday.adapters.watchers import Subject, Watcher
from gameday.errors import ClusterError, GamedayError
from gameday.store.journal import Journal, event_of
from gameday.timeline import WatchEvent

CLOSE_TIMEOUT_S = 5.0


class WatchProcess:
    """The parent's end. Started early: the child imports its client while the guard is still asking."""

    def __init__(self) -> None:
        self._listed = threading.Semaphore(0)
        self._trouble = ""
        self._closing = False
        self._sink: Callable[[WatchEvent], None] | None = None
        self._died: Callable[[str], object] | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gameday.adapters.watch_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the harness, which closes it in good order
        )
        self._reader = threading.Thread(target=self._read, name="watch events", daemon=True)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def start(
        self,
        connection: Connection,
        folder: Path,
        subjects: Sequence[Subject],
        sink: Callable[[WatchEvent], None],
        died: Callable[[str], object],
        timeout_s: float,
    ) -> None:
        """Begin to watch; return when every list has arrived.

        Args:
            connection: How to reach the API server; it goes through the pipe, and nowhere else.
            folder: The run folder.
            subjects: What to watch.
            sink: Called in another thread with every event.
            died: Called with the reason if the child ends by itself.
            timeout_s: For all the lists together.

        Raises:
            ClusterError: A list did not come.
        """
        self._sink, self._died = sink, died
        self._reader.start()
        order = {
            "connection": asdict(connection),
            "folder": str(folder),
            "subjects": [asdict(subject) for subject in subjects],
        }
        pipe = self._process.stdin
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # it died already: the lists will not come
                pipe.write(json.dumps(order).encode() + b"\n")
                pipe.flush()
        for _ in subjects:
            if not self._listed.acquire(timeout=timeout_s) or self._trouble:
                raise ClusterError(
                    f"the watches did not begin: {self._trouble or f'no lists within {timeout_s:g} s'}",
                    "an API server that answers",
                    "Look at the API server and at this account's permissions (list, watch).",
                )

    def close(self) -> None:
        """End the child and take in what it still had to say."""
        self._closing = True
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader.ident is not None:
            self._reader.join(CLOSE_TIMEOUT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        pipe, sink = self._process.stdout, self._sink
        if pipe is None or sink is None:
            return
        for raw in pipe:
            try:
                line = json.loads(raw)
            except ValueError:
                break  # it was killed in the middle of a line
            if trouble := objects.text(line, "trouble"):
                self._trouble = trouble
                self._listed.release()
                continue
            event = event_of(line)
            sink(event)
            if event.type == "LIST":
                self._listed.release()
        self._ended()

    def _ended(self) -> None:
        if not self._closing:
            reason = self._trouble or f"the watching process ended with code {self._process.wait()}"
            self._trouble = reason
            self._listed.release()
            if self._died is not None:
                self._died(reason)


def main() -> None:
    """The child: read the order, watch until standard input ends."""
    import urllib3  # noqa: F401 - imported before the order comes

    raw = sys.stdin.buffer.readline()
    if not raw:
        return  # the guard refused: there is nothing to watch
    order = json.loads(raw)
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    writer = threading.Thread(target=_write, args=(lines,), name="lines", daemon=True)
    writer.start()
    journal = Journal(Path(objects.text(order, "folder")))
    try:
        watchers = _watch(order, journal, lines)
    except GamedayError as error:
        lines.put(_line({"trouble": str(error)}))
        watchers = []
    sys.stdin.buffer.read()  # until the parent closes it, or is no more
    for watcher in watchers:
        watcher.stop()
    journal.close()  # from here on events are dropped: nobody needs to wait for threads that wait for the server
    lines.put(None)
    writer.join(CLOSE_TIMEOUT_S)


def _watch(order: object, journal: Journal, lines: "queue.SimpleQueue[bytes | None]") -> list[Watcher]:
    cluster = Cluster(_connection(objects.child(order, "connection")))

    def sink(event: WatchEvent) -> None:
        lines.put(_line(journal.event(event)))

    watchers = [Watcher(cluster, _subject(item), sink) for item in objects.children(order, "subjects")]
    for watcher in watchers:
        watcher.start()
    return watchers


def _connection(item: object) -> Connection:
    texts = {name: objects.text(item, name) for name in Connection.__dataclass_fields__ if name != "verify"}
    return Connection(**texts, verify=objects.value(item, "verify") is not False)


def _subject(item: object) -> Subject:
    resource = objects.child(item, "resource")
    return Subject(
        name=objects.text(item, "name"),
        resource=Resource(*(objects.text(resource, key) for key in ("group", "version", "plural"))),
        namespace=objects.text(item, "namespace"),
        labels=objects.text(item, "labels"),
        fields=objects.text(item, "fields"),
    )


def _line(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":"), default=str).encode() + b"\n"


def _write(lines: "queue.SimpleQueue[bytes | None]") -> None:
    """Pass lines on, in a thread of its own: a parent that is busy must not make the watches wait."""
    while (line := lines.get()) is not None:
        try:
            os.write(sys.stdout.fileno(), line)
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
