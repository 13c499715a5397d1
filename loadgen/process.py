"""The Locust process as the harness sees it: start, watch, stop. Imports neither Locust nor Arrow."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from gameday.errors import TrafficError
from loadgen.protocol import MESSAGES, Failed, LoadPlan, Progress, Started, Totals

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
LOG_LINES = 15
"""Of Locust's log, in an error."""
STOP_MARGIN_S = 5.0
"""Beyond the response time-out: for Locust to wait for the last answers, write and exit."""
KILL_WAIT_S = 2.0

type OnProgress = Callable[[Progress], None]

log = logging.getLogger(__name__)


class TrafficProcess:
    """Steady traffic from one Locust process, which ends with its parent.

    `latest` is the newest progress; `totals` come when it ends in good order; `died` says why it did not. An
    object is good for one run. `prepare` may be called seconds before `start`: Locust takes about 2 s to
    import.
    """

    def __init__(self) -> None:
        self.started: Started | None = None
        self.latest: Progress | None = None
        self.totals: Totals | None = None
        self.died = ""
        self._failed = ""
        self._stopping = False
        self._plan: LoadPlan | None = None
        self._on_progress: OnProgress | None = None
        self._log: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._began_or_ended = threading.Event()

    def prepare(self, folder: Path, log_name: str = "locust.log") -> None:
        """Start the process, which imports what it needs and then waits for the plan. Sends no traffic.

        Args:
            folder: The run folder: the process's working directory.
            log_name: The file in it that takes what Locust logs.
        """
        self._log = folder / log_name
        options = ["--headless", "--users", "1", "--spawn-rate", "1", "--only-summary", "--loglevel", "INFO"]
        with self._log.open("ab") as log_file:
            self._process = subprocess.Popen(
                # -P: not the working directory, which is data, on the module path.
                [sys.executable, "-P", "-m", "locust", "-f", str(LOCUSTFILE), *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_file,
                cwd=folder,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the harness, which then stops it in good order
            )
        self._reader = threading.Thread(target=self._read, name="locust messages", daemon=True)
        self._reader.start()

    def start(self, plan: LoadPlan, on_progress: OnProgress | None = None) -> None:
        """Send the plan; the traffic begins as soon as the process is ready for it.

        Args:
            plan: What to do; the request file goes into its folder.
            on_progress: Called about every 200 ms, in another thread.
        """
        self._on_progress = on_progress
        if self._process is None:
            worker = f"-{plan.worker}" if plan.worker else ""
            self.prepare(Path(plan.folder), f"locust{worker}.log")
        self._plan = plan
        with contextlib.suppress(BrokenPipeError):  # it died already: `wait_started` says why
            self._stdin.write(plan.model_dump_json().encode() + b"\n")
            self._stdin.flush()

    def wait_started(self, timeout_s: float = 30.0) -> Started:
        """Wait until the traffic has begun.

        Raises:
            TrafficError: The process died or did not begin in time; quotes the end of its log.
        """
        settled = self._began_or_ended.wait(timeout_s)
        if self.started is None:
            seen = self._how_it_ended() if settled else f"no traffic after {timeout_s:g} s"
            raise TrafficError(
                f"the load generator did not start: {seen}",
                "traffic on the service",
                f"Look into {self._log}.",
            )
        return self.started

    @property
    def pid(self) -> int:
        """The process's id; there is one after `prepare`."""
        return self._running().pid

    @property
    def log(self) -> Path | None:
        """What Locust logs goes here; None before `prepare`."""
        return self._log

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def died_early(self) -> bool:
        """Whether the traffic ended unasked, or without totals: what was measured is not complete."""
        if self._process is None or self.alive:
            return False
        self._settle()
        return bool(self.died)

    def stop(self, timeout_s: float | None = None) -> Totals | None:
        """No further arrivals; wait for the answers under way; end the process. Harmless when there is none.

        Args:
            timeout_s: Until it is killed; the plan's response time-out plus a margin when None.

        Returns:
            The totals, or None when it ended without them: `died` says why.
        """
        if self._process is None:
            return None
        if self._plan is None:
            timeout_s = 0.0  # it was only prepared: nothing to wait for
        elif timeout_s is None:
            timeout_s = STOP_MARGIN_S + self._plan.profile.response_timeout_s
        self._stopping = True
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        _end(self._process, timeout_s)
        self._settle()
        if self.totals is None and self._plan is not None and not self.died:
            self.died = self._how_it_ended()
        return self.totals

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AssertionError("the Locust process was not started")
        return self._process

    @property
    def _stdin(self) -> IO[bytes]:
        stdin = self._running().stdin
        if stdin is None:  # pragma: no cover - it was made with a pipe
            raise AssertionError("no pipe to the Locust process")
        return stdin

    def _settle(self) -> None:
        """Wait until everything that an ended process said was read."""
        if self._reader is not None:
            self._reader.join(KILL_WAIT_S)

    def _how_it_ended(self) -> str:
        code = self._running().wait()
        if self.totals is not None and self._plan is not None:
            return f"it ended by itself; max_duration_s of the load is {self._plan.profile.max_duration_s:g}"
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        details = self._failed or "\n".join(self._log_tail())
        return f"Locust ended {how}: {details}" if details else f"Locust ended {how}"

    def _log_tail(self) -> list[str]:
        if self._log is None:
            return []
        return self._log.read_text("utf-8", errors="replace").splitlines()[-LOG_LINES:]

    def _read(self) -> None:
        """The reader thread: every message until the process closes its stdout."""
        stdout = self._running().stdout
        if stdout is not None:
            with stdout:
                for line in stdout:
                    self._take(line)
        self._began_or_ended.set()
        if not self._stopping:
            self.died = self._how_it_ended()

    def _take(self, line: bytes) -> None:
        try:
            message = MESSAGES.validate_json(line)
        except ValidationError:
            log.warning("the Locust process printed what is no message: %r", line[:200])
            return
        match message:
            case Started():
                self.started = message
                self._began_or_ended.set()
            case Progress():
                self._show(message)
            case Totals():
                self.totals = message
            case Failed():
                self._failed = message.reason

    def _show(self, progress: Progress) -> None:
        self.latest = progress
        if self._on_progress is not None:
            try:
                self._on_progress(progress)
            except Exception:  # a broken display must not end the reading, and so the traffic
                log.exception("the display of the traffic's progress failed")


def _end(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait for the end of one process, then ask for it, then insist."""
    for wait_s, following in ((timeout_s, signal.SIGTERM), (KILL_WAIT_S, signal.SIGKILL)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
            return
        log.log(
            logging.WARNING if wait_s else logging.DEBUG,
            "Locust did not end in %g s and gets %s",
            wait_s,
            following.name,
        )
        process.send_signal(following)
    process.wait()


def _environment() -> dict[str, str]:
    """This process's environment without what would change how Locust works or where its requests go."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
