"""The service's own count: an interval from raw samples, never a number from nowhere."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gameday.store import folder
from gameday.timeline import Outcome
from gameday.verdict import Finding, Measurement
from probes import crosscheck, faults, traffic
from probes.crosscheck import ServerCount, count

type Story = Any


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ([], (0, 0)),
        ([[]], (0, 0)),
        # nothing happened
        ([[(0, 5.0), (50, 5.0), (100, 5.0)]], (0, 0)),
        # all of it surely inside
        ([[(5, 3.0), (10, 3.0), (90, 7.0), (110, 7.0)]], (4, 4)),
        # between the last sample before and the first after: perhaps
        ([[(5, 3.0), (50, 5.0), (95, 6.0), (110, 9.0)]], (6, 1)),
        # no sample inside: from nothing to all of it
        ([[(5, 3.0), (110, 9.0)]], (6, 0)),
        # begins inside: from zero above, from its first value below
        ([[(50, 4.0), (90, 6.0)]], (6, 2)),
        # a reset counts from zero again
        ([[(5, 100.0), (50, 3.0), (90, 4.0)]], (4, 1)),
        # later samples than the first after do not count
        ([[(5, 1.0), (50, 1.0), (110, 1.0), (120, 50.0)]], (0, 0)),
        # each series by itself
        ([[(5, 1.0), (50, 2.0)], [(5, 10.0), (50, 13.0)]], (4, 0)),
    ],
)
def test_the_increase_of_counters(series: list[crosscheck.Series], expected: tuple[float, float]) -> None:
    """Seen and at least, over the stretch from 10 to 100 ms."""
    found = count(series, 10, 100, lost=False)
    assert (found.seen, found.low, found.high) == (expected[0], expected[1], expected[0])


def test_a_pod_that_died_took_its_last_counts_along() -> None:
    """No upper bound then."""
    assert count([[(5, 1.0), (50, 2.0)]], 10, 100, lost=True) == ServerCount(1, 0, math.inf)


WALL_MS = 1_760_000_000_000
LABELS = '{"pod": "%s", "status": "%s"}'


def samples(pod: str, status: str, *points: tuple[float, float]) -> list[tuple[str, str, int, float]]:
    """Samples of one series at seconds of the story."""
    return [
        ("task_api_requests_total", LABELS % (pod, status), WALL_MS + round(second * 1000), value)
        for second, value in points
    ]


def measure(path: Path) -> tuple[Measurement, list[Finding]]:
    run = folder.load(path)
    return crosscheck.measure(run, traffic.stretch(run, faults.find(run)), "status")


def test_no_samples_is_not_zero_errors(story: Story) -> None:
    """An empty result says nothing."""
    found, findings = measure(story.write())
    assert (found.value, found.low, found.high, findings) == (None, None, None, [])
    assert "no samples" in found.note


def test_no_stretch_no_count(story: Story) -> None:
    """Without a fault there is nothing to count between."""
    story.samples = samples("b", "500", (0, 1), (20, 1))
    assert measure(story.drop_mark("fault.create").write())[0].value is None


def test_only_server_errors_are_counted(story: Story) -> None:
    """By the status label."""
    story.samples = [
        *samples("b", "200", (0, 10), (6, 500), (12, 900)),
        *samples("b", "500", (0, 1), (5.5, 1), (6, 3), (12, 3)),
        *samples("b", "404", (0, 1), (6, 9), (12, 9)),
    ]
    found, _ = measure(story.write())
    assert (found.value, found.low, found.high) == (2, 2, 2)


def test_a_series_that_ends_has_no_upper_bound(story: Story) -> None:
    """The victim's last requests were never scraped."""
    story.samples = [*samples("a", "200", (0, 10), (5, 20)), *samples("b", "200", (0, 10), (12, 20))]
    found, findings = measure(story.write())
    assert (found.value, found.high, findings) == (0, math.inf, [])


def test_a_series_that_ended_long_ago_is_of_another_story(story: Story) -> None:
    """Five minutes without a sample: Prometheus itself calls it stale."""
    story.samples = [*samples("old", "500", (-400, 10)), *samples("b", "200", (0, 10), (12, 20))]
    assert measure(story.write())[0].high == 0


@pytest.mark.parametrize(
    ("user_errors", "server_errors", "disagree"),
    [(0, 0, False), (3, 3, False), (3, 0, True), (0, 3, True)],
)
def test_a_disagreement_is_a_finding(
    story: Story,
    user_errors: int,
    server_errors: int,
    disagree: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Beyond the bounds of both; the users' count stays the truth."""
    if user_errors:
        story.end(slice(600, 600 + user_errors), Outcome.ANSWERED, took_ms=5, status=503)
    story.samples = samples("b", "503", (0, 1), (5.5, 1), (6.5, 1 + server_errors), (12, 1 + server_errors))
    _, findings = measure(story.write())
    assert [finding.id for finding in findings] == (["prometheus-disagrees"] if disagree else [])


def test_the_evidence_is_named(story: Story, make: SimpleNamespace) -> None:
    """Who doubts the number can look."""
    story.samples = samples("b", "503", (0, 1), (12, 1))
    found, _ = measure(story.write())
    assert (found.evidence, found.sample_size) == ("prometheus.parquet", 2)
