"""Frozen records of what happened, in the order in which it was seen. No I/O.

Every `t_ns` is nanoseconds of the machine's monotonic clock (CLOCK_MONOTONIC, which all processes of a Linux machine
share); `Anchor` ties it to the wall clock, once a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

type KubeObject = Mapping[str, object]
"""An object as the Kubernetes API gives it: parsed JSON, read only."""


class Outcome(IntEnum):
    """How a request ended for the user. Everything but ANSWERED is an unanswered request."""

    ANSWERED = 0
    REFUSED = 1
    RESET = 2
    TIMEOUT = 3
    BROKEN = 4
    """Any other end without an HTTP answer: name resolution, protocol errors."""
    UNSENT = 5
    """The load generator could not send it: a fault of the instrument, never of the service."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One reading of both clocks; `uncertainty_ns` is the time the reading took."""

    wall_ns: int
    monotonic_ns: int
    uncertainty_ns: int

    def seconds(self, t_ns: int) -> float:
        """Seconds since the anchor of a monotonic time."""
        return (t_ns - self.monotonic_ns) / 1e9

    def wall(self, t_ns: int) -> datetime:
        """The UTC wall-clock time of a monotonic time."""
        return datetime.fromtimestamp((self.wall_ns + t_ns - self.monotonic_ns) / 1e9, tz=UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of the harness's own journal: written before the step it names."""

    t_ns: int
    name: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One event of a watch at its arrival.

    `type` is ADDED, MODIFIED or DELETED as the API says. LIST holds a whole list (`object["items"]`): what the watch
    began from, or what it found after a gap. `since_ns` is then the last moment at which the watch was known to be
    whole (0 for the first list): what a later LIST shows happened somewhere between `since_ns` and `t_ns`.
    """

    t_ns: int
    watch: str
    type: str
    object: KubeObject
    since_ns: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Requests:
    """Every request of a run as columns of equal length, in order of the intended start.

    `intended_ns`, `start_ns`, `end_ns`: int64, monotonic. `status`: int16, 0 without an answer. `outcome`: uint8, an
    `Outcome`. `endpoint`: uint8, an index into `endpoints`. `fresh`: bool, a connection of its own.
    """

    intended_ns: "NDArray[np.int64]"
    start_ns: "NDArray[np.int64]"
    end_ns: "NDArray[np.int64]"
    status: "NDArray[np.int16]"
    outcome: "NDArray[np.uint8]"
    endpoint: "NDArray[np.uint8]"
    fresh: "NDArray[np.bool_]"
    endpoints: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.intended_ns)
