"""Which requests are drawn, and as what."""

from collections.abc import Callable

import numpy as np

from gameday.timeline import Outcome
from reports import dots
from reports.dots import Kind
from reports.view import RunView


def test_kinds(run_of: Callable[..., RunView]) -> None:
    """An answer with 5xx is a kind of its own; 4xx is an answer; unknown outcomes are broken ones."""
    view = run_of(
        (0, 5, 200, Outcome.ANSWERED),
        (1, 5, 503, Outcome.ANSWERED),
        (2, 5, 404, Outcome.ANSWERED),
        (3, 5, 0, Outcome.REFUSED),
        (4, 5, 0, Outcome.RESET),
        (5, 5, 0, Outcome.TIMEOUT),
        (6, 5, 0, Outcome.BROKEN),
        (7, 5, 0, Outcome.UNSENT),
        (8, 5, 0, 77),
    )
    kind = dots.kinds(view.requests)
    assert kind.tolist() == [
        Kind.ANSWERED,
        Kind.HTTP_5XX,
        Kind.ANSWERED,
        Kind.REFUSED,
        Kind.RESET,
        Kind.TIMEOUT,
        Kind.BROKEN,
        Kind.UNSENT,
        Kind.BROKEN,
    ]
    assert dots.unanswered(kind).tolist() == [False, False, False, True, True, True, True, False, True]


def test_short_runs_are_drawn_whole(passed: tuple[object, RunView]) -> None:
    """Up to the limit every request is a dot."""
    requests = passed[1].requests
    assert dots.chosen(requests, dots.kinds(requests)).tolist() == list(range(6000))


def test_long_runs_keep_failures_and_slowest(long_run: RunView) -> None:
    """Of 30,000 requests 20,000 are drawn: all failures and the slowest among them, the same each time."""
    requests, kind = long_run.requests, dots.kinds(long_run.requests)
    rows = dots.chosen(requests, kind)
    assert len(rows) == len(set(rows.tolist())) == 20_000
    assert int((kind[rows] == Kind.REFUSED).sum()) == 600
    slowest = np.argsort(dots.latency_ms(requests))[-1940:]
    assert set(slowest.tolist()) <= set(rows.tolist())
    assert np.array_equal(rows, dots.chosen(requests, kind))
    assert np.all(np.diff(rows) > 0)


def test_failures_beyond_the_limit_are_drawn_once_a_place(run_of: Callable[..., RunView]) -> None:
    """Of failures beyond the limit that fall on one place and in one kind, the first is drawn."""
    refused, reset = Outcome.REFUSED, Outcome.RESET
    view = run_of(
        *((0.0 + 1e-6 * number, 1, 0, refused) for number in range(5)),
        (0.00001, 1, 0, reset),
        *((9.0 + 1e-6 * number, 1000, 0, refused) for number in range(5)),
        (10.0, 5, 200, Outcome.ANSWERED),
    )
    assert dots.chosen(view.requests, dots.kinds(view.requests), limit=4).tolist() == [0, 5, 6, 11]
