"""The child processes of a run, made ready early: they import for seconds what a run then needs at once.

Nothing is sent anywhere before a run gives them their orders, so that they may get ready while the guard still asks.
"""

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from gameday.adapters.watch_process import WatchProcess
from loadgen.process import TrafficProcess

NICENESS = -10


class Crew:
    """Who watches the cluster and who sends the traffic; as a context manager it ends both."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="gameday-")
        self.watches = WatchProcess()
        self.traffic = TrafficProcess()
        self.traffic.prepare(Path(self._scratch.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def prefer(self) -> int:
        """Raise the priority of both and of this process; the niceness that this process then has."""
        return [prefer(pid) for pid in (self.watches.pid, self.traffic.pid, os.getpid())][-1]

    def release(self) -> None:
        """End both processes, whatever they are doing; harmless when they have ended."""
        self.watches.close()
        self.traffic.stop()
        self._scratch.cleanup()


def prefer(pid: int) -> int:
    """Raise a process's priority; the niceness that results.

    A measuring instrument that waits for a processor measures its own waiting. Not every account may do this (in a
    container or on a laptop it often may not); the lag of the watches is measured in any case.
    """
    current = os.getpriority(os.PRIO_PROCESS, pid)
    try:
        os.setpriority(os.PRIO_PROCESS, pid, min(current, NICENESS))
    except OSError:
        return current
    return os.getpriority(os.PRIO_PROCESS, pid)
