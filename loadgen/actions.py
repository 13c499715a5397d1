"""Traffic, as Chaos Toolkit actions."""

import shutil

from chaoslib.exceptions import InterruptExecution

from gameday import active
from gameday.errors import GamedayError
from loadgen.process import TrafficProcess
from loadgen.profile import load_profile
from loadgen.protocol import LoadPlan

__all__ = ["start_traffic", "stop_traffic"]

START_TIMEOUT_S = 30.0
LOG = "locust.log"
"""Where Locust's own log ends up in the run folder."""


class JournaledTraffic:
    """The run's traffic; it writes its steps into the run's journal, and its end once."""

    def __init__(self, run: active.ActiveRun, process: TrafficProcess) -> None:
        self._run = run
        self._process = process
        self._began = False
        self._halted = False

    def begin(self) -> int:
        """Start the traffic; returns the monotonic nanoseconds of the first arrival.

        Raises:
            TrafficError: It did not start.
        """
        run = self._run
        profile = load_profile(run.plan.files["load.yaml"])
        run.journal.mark("traffic.start", url=run.service_url, rate_per_s=profile.rate_per_s)
        self._began = True
        plan = LoadPlan(url=run.service_url, profile=profile, folder=str(run.folder.resolve()))
        self._process.start(plan, on_progress=run.live.progress)
        started = self._process.wait_started(START_TIMEOUT_S)
        run.journal.mark("traffic.started", t0_ns=started.t0_ns)
        return started.t0_ns

    @property
    def trouble(self) -> str:
        """Why there is no traffic any more; empty while there is, or when it was stopped."""
        return self._process.died if self._began and not self._halted and self._process.died_early else ""

    @property
    def running(self) -> bool:
        """Whether it was begun and not ended."""
        return self._began and not self._halted and not self.trouble

    def halt(self) -> None:
        """Stop the traffic, let what is in flight end, and write down the totals or the cause of death."""
        if self._halted:
            return
        self._halted = True
        self._run.journal.mark("traffic.stop")
        totals = self._process.stop()
        if self._process.log is not None and self._process.log.exists():
            shutil.copyfile(self._process.log, self._run.folder / LOG)
        if not self._began:
            return
        if totals is None:
            self._run.journal.mark("traffic.died", reason=self._process.died or "no totals")
        else:
            self._run.journal.mark("traffic.stopped", totals=totals.model_dump(mode="json"))


def start_traffic() -> dict[str, object]:
    """Start the load generator and wait until its first arrival is due.

    Returns:
        Where it goes.

    Raises:
        InterruptExecution: It did not start: without users there is nothing to measure, and nothing is to be killed.
    """
    run = active.current()
    run.live.enter("traffic")
    try:
        run.generator().begin()
    except Exception as error:
        reason = str(error) if isinstance(error, GamedayError) else f"{type(error).__name__}: {error}"
        run.journal.mark("traffic.died", reason=reason)
        run.live.stop(reason)
        raise InterruptExecution(reason) from error
    if run.background is not None:
        run.background.start()
    return {"url": run.service_url}


def stop_traffic() -> bool:
    """Stop the load generator; harmless when it does not run."""
    run = active.current()
    if run.traffic is not None:
        run.live.enter("stopping")
        run.traffic.halt()
    return True
