"""What a run looks like in a terminal while it goes on: one live panel, or plain lines where there is no terminal."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gameday import active
from gameday.live import LiveState
from gameday.verdict import Status, Verdict

REFRESH_S = 0.25


@dataclass(frozen=True)
class Glance:
    """One reading of a run's live state."""

    phase: str
    left_s: float | None
    rate_per_s: float
    sent: int
    http_5xx: int
    unanswered: int
    ready: int
    desired: int

    def line(self) -> str:
        """As one plain line."""
        left = f", {self.left_s:.0f} s left" if self.left_s is not None else ""
        return (
            f"{self.phase}{left}: {self.rate_per_s:.0f} requests/s, {self.sent} sent, {self.http_5xx} HTTP 5xx, "
            f"{self.unanswered} unanswered, {self.ready}/{self.desired} pods Ready"
        )


class Glances:
    """Reads the live state again and again; the rate is between one reading and the next."""

    def __init__(self) -> None:
        self._last: tuple[int, int] = (0, 0)
        self._rate_per_s = 0.0

    def take(self, live: LiveState, desired: int) -> Glance:
        """Read it now."""
        counts = live.traffic
        if counts is not None and counts.t_ns != self._last[0]:
            elapsed_s = (counts.t_ns - self._last[0]) / 1e9
            self._rate_per_s = (counts.scheduled - self._last[1]) / elapsed_s if self._last[0] else 0.0
            self._last = (counts.t_ns, counts.scheduled)
        left_s = (live.phase_ends_ns - time.monotonic_ns()) / 1e9 if live.phase_ends_ns else None
        return Glance(
            phase=live.phase,
            left_s=max(0.0, left_s) if left_s is not None else None,
            rate_per_s=self._rate_per_s,
            sent=counts.scheduled if counts else 0,
            http_5xx=counts.http_5xx if counts else 0,
            unanswered=counts.unanswered if counts else 0,
            ready=len(live.pods.ready),
            desired=desired,
        )


@contextmanager
def shown(console: Console) -> Iterator[None]:
    """Show this process's run for as long as the block runs."""
    stopping = threading.Event()
    draw = _draw_live if console.is_terminal else _draw_lines
    thread = threading.Thread(target=draw, args=(console, stopping), name="screen", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(timeout=2)


def _draw_live(console: Console, stopping: threading.Event) -> None:
    glances = Glances()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while not stopping.wait(REFRESH_S):
            run = active.find()
            if run is not None:
                live.update(_table(run.name, glances.take(run.live, run.desired_pods)))


def _draw_lines(console: Console, stopping: threading.Event) -> None:
    """A line whenever the phase changes, and every five seconds."""
    glances, last_phase, last_s = Glances(), "", 0.0
    while not stopping.wait(REFRESH_S):
        run = active.find()
        if run is None:
            continue
        glance = glances.take(run.live, run.desired_pods)
        if glance.phase != last_phase or time.monotonic() - last_s > 5:  # noqa: PLR2004 - as the docstring says
            console.print(glance.line(), markup=False, highlight=False, soft_wrap=True)
            last_phase, last_s = glance.phase, time.monotonic()


def _table(name: str, glance: Glance) -> Table:
    table = Table(title=Text(f"Game Day {name}"), title_justify="left", show_header=True, header_style="bold")
    for column in ("Phase", "Left", "Requests/s", "Sent", "HTTP 5xx", "Unanswered", "Ready pods"):
        table.add_column(column, justify="left" if column == "Phase" else "right")
    table.add_row(
        glance.phase,
        f"{glance.left_s:.0f} s" if glance.left_s is not None else "",
        f"{glance.rate_per_s:.0f}",
        f"{glance.sent:,}",
        _alarm(glance.http_5xx),
        _alarm(glance.unanswered),
        f"{glance.ready}/{glance.desired}"
        if glance.ready >= glance.desired
        else f"[bold red]{glance.ready}[/]/{glance.desired}",
    )
    return table


def _alarm(count: int) -> str:
    return f"[bold red]{count:,}[/]" if count else "0"


MINIMUM_WIDTH = 120


def wide(console: Console) -> Console:
    """The console, wide enough for tables where there is no terminal to fit into (CI logs, files)."""
    if not console.is_terminal:
        console.width = max(console.width, MINIMUM_WIDTH)
    return console


STYLES = {Status.PASS: "green", Status.FAIL: "bold red", Status.UNKNOWN: "yellow", Status.NOT_RUN: "dim"}


def verdict_table(verdict: Verdict) -> Table:
    """The criteria as a table: what was demanded, what was measured, and how that compares."""
    stamp = " · REHEARSAL" if verdict.stage == "REHEARSAL" else ""
    table = Table(title=f"{verdict.service}: {verdict.status}{stamp}", title_justify="left")
    for column in ("", "Criterion", "Target", "Actual", "Status"):
        table.add_column(column, no_wrap=column in {"", "Status"})
    for criterion in verdict.criteria:
        style = STYLES[criterion.status]
        cells = (criterion.id, criterion.title, criterion.target, criterion.actual, str(criterion.status))
        table.add_row(*(Text(cell) for cell in cells), style=style)
    return table
