"""The state of a run while it goes on: fed by the watchers and the traffic, read by the waiting steps and the view."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from gameday import objects
from gameday.pods import PodLedger
from gameday.timeline import KubeObject, WatchEvent


class TrafficCounts(Protocol):
    """What the load generator says of itself from time to time."""

    t_ns: int
    scheduled: int
    finished: int
    http_5xx: int
    unanswered: int
    in_flight: int


@dataclass
class LiveState:
    """Thread-safe; every change wakes those who wait."""

    phase: str = "guard"
    phase_ends_ns: int = 0
    """Monotonic; 0 when the end is not known."""
    pods: PodLedger = field(default_factory=PodLedger)
    podchaos: KubeObject = field(default_factory=dict)
    chaos_events: list[KubeObject] = field(default_factory=list)
    traffic: TrafficCounts | None = None
    stop_reason: str = ""
    """Why the run cannot go on; empty while it can."""

    def __post_init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())

    def apply(self, event: WatchEvent) -> None:
        """Take a watch event in."""
        with self._changed:
            if event.watch == "pods":
                self.pods.apply(event)
            elif event.watch == "podchaos":
                self.podchaos = {} if event.type == "DELETED" else _newest(event)
            elif event.watch == "chaos-events":
                items = objects.children(event.object, "items") if event.type == "LIST" else [event.object]
                self.chaos_events += items
            self._changed.notify_all()

    def progress(self, counts: TrafficCounts) -> None:
        """Take the load generator's newest counts in."""
        with self._changed:
            self.traffic = counts
            self._changed.notify_all()

    def enter(self, phase: str, ends_ns: int = 0) -> None:
        """Name what the run is doing now."""
        with self._changed:
            self.phase, self.phase_ends_ns = phase, ends_ns
            self._changed.notify_all()

    def stop(self, reason: str) -> None:
        """Tell every waiting step that the run cannot go on."""
        with self._changed:
            self.stop_reason = self.stop_reason or reason
            self._changed.notify_all()

    def wait_for(self, happened: Callable[["LiveState"], bool], timeout_s: float) -> bool:
        """Wait until `happened` holds, the run is stopped, or the time is over; True only for the first."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self.stop_reason) or happened(self), timeout_s)
            return happened(self)


def _newest(event: WatchEvent) -> KubeObject:
    if event.type != "LIST":
        return event.object
    items = objects.children(event.object, "items")
    return items[0] if items else {}
