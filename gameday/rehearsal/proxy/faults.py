"""Fault switches for calibration: outages of exactly known length, through the API alone.

A client writes the annotation `rehearsal.gameday/fault: '{"id": "x1", "kind": "refuse", "seconds": 3.5}'` on
a Service. The proxy performs it and writes the truth back: `rehearsal.gameday/fault-truth: '{"id": "x1",
"began_ns": …, "ended_ns": …}'` in CLOCK_MONOTONIC nanoseconds, read right at the switch points. Kinds:

- refuse: the listener closes and every open connection is reset; at the end it listens again
- stall: connections are taken and read, but nothing reaches the client until the end; then everything flows
- error: the proxy answers HTTP 503 to each request
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gameday.rehearsal.objects import Obj, annotations_of

FAULT = "rehearsal.gameday/fault"
TRUTH = "rehearsal.gameday/fault-truth"
KINDS = ("refuse", "stall", "error")
_MAX_S = 3600.0
_log = logging.getLogger(__name__)


class Switchable(Protocol):
    """What a fault acts on."""

    def begin(self, fault: str) -> None:
        """Begin a fault."""

    def end(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that a client asks for."""

    id: str
    kind: str
    seconds: float

    @classmethod
    def of(cls, service: Obj) -> "Fault | None":
        """Read a Service's annotation; a broken one is logged and ignored."""
        text = annotations_of(service).get(FAULT)
        if text is None:
            return None
        try:
            given = json.loads(text)
            fault = cls(str(given["id"]), str(given["kind"]), float(given["seconds"]))
        except (ValueError, KeyError, TypeError) as error:
            _log.warning("annotation %s: got %r, expected {id, kind, seconds}: %r", FAULT, text, error)
            return None
        if fault.kind not in KINDS or not 0 < fault.seconds <= _MAX_S:
            _log.warning(
                "annotation %s: got %r, expected a kind of %s and 0 < seconds <= %d",
                FAULT,
                text,
                KINDS,
                _MAX_S,
            )
            return None
        return fault


class FaultSwitch:
    """Performs the faults of one Service, one at a time."""

    def __init__(self, publish: Callable[[str], None]) -> None:
        self._publish = publish
        self._last_id = ""
        self._waiting: list[Fault] = []
        self._active = False

    def ask(self, fault: Fault | None, ports: Callable[[], Sequence[Switchable]]) -> None:
        """Perform a fault whose id is new, after the one that is under way."""
        if fault is None or fault.id == self._last_id:
            return
        self._last_id = fault.id
        self._waiting.append(fault)
        if not self._active:
            self._next(ports)

    def _next(self, ports: Callable[[], Sequence[Switchable]]) -> None:
        if not self._waiting:
            self._active = False
            return
        self._active = True
        fault = self._waiting.pop(0)
        switched = ports()
        began_ns = time.monotonic_ns()
        for port in switched:
            port.begin(fault.kind)
        loop = asyncio.get_running_loop()
        # From the same clock and the same instant: the loop's own time may lag behind after a busy turn.
        loop.call_at(began_ns / 1e9 + fault.seconds, self._finish, fault, began_ns, switched, ports)

    def _finish(
        self,
        fault: Fault,
        began_ns: int,
        switched: Sequence[Switchable],
        ports: Callable[[], Sequence[Switchable]],
    ) -> None:
        for port in switched:
            port.end()
        ended_ns = time.monotonic_ns()
        self._publish(json.dumps({"id": fault.id, "began_ns": began_ns, "ended_ns": ended_ns}))
        self._next(ports)
