"""The run that goes on in this process, for the actions and probes that Chaos Toolkit calls by name."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gameday.errors import BadInputError
from gameday.experiment import Plan
from gameday.live import LiveState
from gameday.store.journal import Journal

if TYPE_CHECKING:
    from gameday.adapters.kubernetes import Cluster


class TrafficHandle(Protocol):
    """Running traffic, as far as the core needs to know it."""

    @property
    def trouble(self) -> str:
        """Why there is no traffic any more; empty while there is."""

    @property
    def running(self) -> bool:
        """Whether it was begun and not ended."""

    def begin(self) -> int:
        """Start it; returns the monotonic nanoseconds of the first arrival."""

    def halt(self) -> None:
        """Stop it if it still runs, and write down its totals."""


@dataclass
class ActiveRun:
    """What every step of a run needs."""

    name: str
    folder: Path
    plan: Plan
    cluster: "Cluster"
    service_url: str
    journal: Journal
    live: LiveState
    chaos_name: str
    desired_pods: int
    traffic: TrafficHandle | None = None
    background: threading.Thread | None = None
    """Work for the time of the baseline. It must be over before the fault: a busy machine measures worse."""

    def generator(self) -> TrafficHandle:
        """The load generator.

        Raises:
            BadInputError: The run was opened without one.
        """
        if self.traffic is None:
            raise BadInputError("a run without a load generator", "one that was made ready", "Report this as a fault.")
        return self.traffic

    def wait(self, happened: Callable[[LiveState], bool], timeout_s: float) -> bool:
        """Wait until `happened` holds; False when the time is over or the run cannot go on.

        A load generator that died stops the run: without users there is nothing to measure.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = deadline - time.monotonic()
            if self.live.wait_for(happened, max(0.0, min(TROUBLE_S, left_s))):
                return True
            if self.traffic is not None and self.traffic.trouble:
                self.live.stop(f"The load generator died: {self.traffic.trouble}")
            if left_s <= 0 or self.live.stop_reason:
                return False


TROUBLE_S = 0.2
"""How often the load generator is looked at."""

_active: list[ActiveRun] = []


def begin(run: ActiveRun) -> None:
    """Make it the process's run."""
    _active.append(run)


def end() -> None:
    """There is no run any more."""
    _active.clear()


def find() -> ActiveRun | None:
    """The run that goes on, if one does."""
    return _active[-1] if _active else None


def current() -> ActiveRun:
    """The run that goes on.

    Raises:
        BadInputError: None does: the experiment lacks the control that opens one.
    """
    if not _active:
        raise BadInputError(
            "a Game Day step outside of a run",
            "an experiment whose `controls` name the python module gameday.control",
            "Add the control, or use `gameday run`.",
        )
    return _active[-1]
