"""Appending to a run folder while the run goes on: whole lines, straight to the operating system, from any thread."""

import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from gameday import objects
from gameday.timeline import Mark, WatchEvent

MARKS = "marks.jsonl"
CLUSTER = "cluster.jsonl"
CLOSED = "watch.closed"
"""The last mark of whoever wrote events: how many. Without it, or with another number, their record is not whole."""


class Journal:
    """The writer of `marks.jsonl` and `cluster.jsonl`.

    Each line is one `write` to a file opened for appending: a SIGKILL leaves whole lines, and at most one cut at the
    very end, which readers leave out. A writer of events says in the end how many there were, so that a file that lost
    whole lines is known too.
    """

    def __init__(self, folder: Path) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._lock = threading.Lock()
        self._files = {name: os.open(folder / name, flags, 0o644) for name in (MARKS, CLUSTER)}
        self._events = 0

    def mark(self, name: str, /, **data: object) -> Mark:
        """Write down a step, before it is taken."""
        mark = Mark(time.monotonic_ns(), name, data)
        self._append(MARKS, {"t_ns": mark.t_ns, "mark": name, **data})
        return mark

    def event(self, event: WatchEvent) -> Mapping[str, object]:
        """Write down a watch event, without what is secret or mere ballast; gives back the line as written."""
        line: dict[str, object] = {"t_ns": event.t_ns, "watch": event.watch, "type": event.type}
        if event.type == "LIST":
            items = [slim(item) for item in objects.children(event.object, "items")]
            line |= {"since_ns": event.since_ns, "object": {"items": items}}
        else:
            line["object"] = slim(event.object)
        self._append(CLUSTER, line)
        return line

    def close(self) -> None:
        """Say how many events were written, if any, and close both files; later writes are dropped."""
        with self._lock:
            if self._files and self._events:
                self._write(MARKS, {"t_ns": time.monotonic_ns(), "mark": CLOSED, "events": self._events})
            for descriptor in self._files.values():
                os.close(descriptor)
            self._files = {}

    def _append(self, name: str, line: Mapping[str, object]) -> None:
        with self._lock:
            if name in self._files:
                self._write(name, line)
                self._events += name == CLUSTER

    def _write(self, name: str, line: Mapping[str, object]) -> None:
        """One line, whole or not at all: a full disk must not leave half of one for the next to go on."""
        raw = (json.dumps(line, separators=(",", ":"), default=str) + "\n").encode()
        descriptor = self._files[name]
        before = os.fstat(descriptor).st_size
        try:
            while raw:  # a write may take less than all of it
                raw = raw[os.write(descriptor, raw) :]
        except OSError:
            os.ftruncate(descriptor, before)
            raise


def event_of(line: Mapping[str, object]) -> WatchEvent:
    """The event that a line of `cluster.jsonl` holds."""
    return WatchEvent(
        t_ns=objects.number(line, "t_ns"),
        watch=objects.text(line, "watch"),
        type=objects.text(line, "type"),
        object=objects.child(line, "object"),
        since_ns=objects.number(line, "since_ns"),
    )


def slim(thing: object) -> object:
    """A Kubernetes object without managedFields, applied-configuration copies, and the values of environment variables.

    Environment variables of pods may hold passwords; nothing that is measured needs them.
    """
    if isinstance(thing, Mapping):
        return {key: _slim_field(key, found) for key, found in thing.items() if key != "managedFields"}
    if isinstance(thing, list):
        return [slim(item) for item in thing]
    return thing


def _slim_field(key: str, found: object) -> object:
    if key == "env" and isinstance(found, list):
        return [{"name": objects.text(variable, "name")} for variable in found]
    if key == "annotations" and isinstance(found, Mapping):
        return {
            name: text for name, text in found.items() if name != "kubectl.kubernetes.io/last-applied-configuration"
        }
    return slim(found)
