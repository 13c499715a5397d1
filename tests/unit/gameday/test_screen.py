"""What a terminal shows of a run, and of its verdict."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from gameday import screen
from gameday.evaluate import evaluate
from gameday.live import LiveState
from gameday.screen import Glance, Glances, verdict_table


def counts(t_s: float, scheduled: int) -> Any:
    return SimpleNamespace(
        t_ns=round(t_s * 1e9), scheduled=scheduled, finished=scheduled, http_5xx=1, unanswered=2, in_flight=0
    )


@pytest.fixture
def live(make: SimpleNamespace) -> LiveState:
    """Two Ready pods; nothing is known of traffic yet."""
    state = LiveState()
    state.apply(make.event(0, "LIST", {"items": [make.pod("a"), make.pod("b")]}))
    return state


def test_before_any_traffic(live: LiveState) -> None:
    """Zeros, and no time left that anybody knows."""
    glance = Glances().take(live, 3)
    assert glance == Glance("guard", None, 0.0, 0, 0, 0, 2, 3)
    assert glance.line() == "guard: 0 requests/s, 0 sent, 0 HTTP 5xx, 0 unanswered, 2/3 pods Ready"


def test_the_rate_is_between_one_reading_and_the_next(live: LiveState) -> None:
    """And stays as it was where nothing new came."""
    glances = Glances()
    live.progress(counts(1, 100))
    assert glances.take(live, 2).rate_per_s == 0
    live.progress(counts(3, 500))
    assert glances.take(live, 2).rate_per_s == 200
    assert glances.take(live, 2).rate_per_s == 200


def test_the_time_left(live: LiveState, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts down to zero, never below."""
    monkeypatch.setattr(screen, "time", SimpleNamespace(monotonic_ns=lambda: 10_000_000_000))
    live.enter("baseline", 14_600_000_000)
    assert Glances().take(live, 2).line().startswith("baseline, 5 s left: ")
    live.enter("baseline", 9_000_000_000)
    assert Glances().take(live, 2).left_s == 0


def shown(thing: object) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("name", ["20260703T160005Z-pod-kill", "20260703T160005Z-[/bold] [red]x"])
def test_the_live_table_shows_names_as_they_are(live: LiveState, name: str) -> None:
    """A run is named after a file; brackets are no markup."""
    text = shown(screen._table(name, Glances().take(live, 3)))
    assert f"Game Day {name}" in text
    assert "2/3" in text


def test_the_verdict_table(story: Any) -> None:
    """Every criterion with target, actual and status; brackets of bounds are text."""
    text = shown(verdict_table(evaluate(story.write()).verdict))
    assert "task-api: PASS" in text
    assert "REHEARSAL" not in text
    assert "1.99 s [1.986, 1.994]" in text
    assert "SC-001" in text
    assert "NOT RUN" in text
