"""What users saw: which requests count, and between which bounds."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gameday.store import folder
from gameday.store.folder import Run
from gameday.timeline import Outcome
from probes import faults, traffic
from probes.traffic import Masks, Stretch, arriving, outage, touching

type Story = Any
OK, REFUSED, RESET, TIMEOUT, BROKEN, UNSENT = (
    Outcome.ANSWERED,
    Outcome.REFUSED,
    Outcome.RESET,
    Outcome.TIMEOUT,
    Outcome.BROKEN,
    Outcome.UNSENT,
)


def run_of(rows: object, make: SimpleNamespace) -> Run:
    """As much of a run as the probes of traffic read."""
    return SimpleNamespace(requests=rows, anchor=make.anchor, meta=SimpleNamespace(rate_per_s=100.0))  # type: ignore[return-value]


def stretch(make: SimpleNamespace, low: float, high: float, lag: float = 0.0) -> Stretch:
    return Stretch((make.at(low), make.at(high - lag)), (make.at(low - lag), make.at(high)))


def test_every_outcome_is_classified_once(make: SimpleNamespace) -> None:
    """A 5xx is an answer; no answer is no 5xx; what was not sent is neither."""
    rows = make.requests(
        (0, 5, 200, OK),
        (1, 5, 499, OK),
        (2, 5, 500, OK),
        (3, 5, 599, OK),
        (4, 5, 600, OK),
        (5, 5, 0, REFUSED),
        (6, 5, 0, RESET),
        (7, 5, 0, TIMEOUT),
        (8, 5, 0, BROKEN),
        (9, 5, 0, UNSENT),
        (10, 5, 503, RESET),
    )
    masks = Masks.of(rows)
    assert np.flatnonzero(masks.server_error).tolist() == [2, 3]
    assert np.flatnonzero(masks.unanswered).tolist() == [5, 6, 7, 8, 10]
    assert np.flatnonzero(~masks.sent).tolist() == [9]


def test_the_edges_of_a_stretch_belong_to_it(make: SimpleNamespace) -> None:
    """Under way at any moment, or intended in it; one nanosecond outside is outside."""
    rows = make.requests(
        (0.990, 9.999999, 200, OK),
        (0.990, 10, 200, OK),
        (1.0, 0, 200, OK),
        (1.5, 700, 200, OK),
        (2.0, 10, 200, OK),
        (2.000000001, 10, 200, OK),
    )
    bounds = (make.at(1), make.at(2))
    assert touching(rows, bounds).tolist() == [False, True, True, True, True, False]
    assert arriving(rows, bounds).tolist() == [False, False, True, True, True, False]


def test_counts_are_bounded_by_the_stretch_s_own_bounds(make: SimpleNamespace) -> None:
    """Surely inside, perhaps inside: a failure within the lag of an edge is perhaps."""
    rows = make.requests((0.99, 5, 503, OK), (1.5, 5, 503, OK), (1.6, 5, 200, OK), (1.997, 2, 503, OK), (3, 5, 503, OK))
    where = stretch(make, 1, 2, lag=0.006)
    found = traffic.http_5xx(run_of(rows, make), where, [])
    assert (found.value, found.low, found.high, found.sample_size) == (3, 1, 3, 4)
    assert found.note == "3 of 4 requests; another such run: 19.41% to 99.37% (95 %)."


def test_doubts_leave_the_lower_bound_of_a_count(make: SimpleNamespace) -> None:
    """What was seen was seen; how much more there was, nobody knows."""
    rows = make.requests((1.5, 5, 503, OK), (1.6, 5, 200, OK))
    found = traffic.http_5xx(run_of(rows, make), stretch(make, 1, 2), ["Rows are missing."])
    assert (found.value, found.low, found.high) == (1, 1, math.inf)
    assert found.note.endswith("Rows are missing.")


def test_the_share_of_unanswered_requests(make: SimpleNamespace) -> None:
    """Of those that were under way; between the fewest of the most and the most of the fewest."""
    rows = make.requests(
        (0.99, 6, 0, RESET), (1.5, 5, 0, REFUSED), (1.6, 5, 200, OK), (1.7, 5, 503, OK), (1.998, 5, 200, OK)
    )
    found = traffic.unanswered(run_of(rows, make), stretch(make, 1, 2, lag=0.006), [])
    assert found.value == pytest.approx(2 / 5)
    assert found.low == pytest.approx(1 / 5)
    assert found.high == pytest.approx(2 / 3)


def test_doubts_leave_nothing_of_a_share(make: SimpleNamespace) -> None:
    """Missing requests may all have failed, or all have been answered."""
    rows = make.requests((1.5, 5, 0, REFUSED), (1.6, 5, 200, OK))
    found = traffic.unanswered(run_of(rows, make), stretch(make, 1, 2), ["Rows are missing."])
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


@pytest.mark.parametrize("probe", [traffic.http_5xx, traffic.unanswered, traffic.p95])
def test_nobody_in_the_stretch_is_not_measured(make: SimpleNamespace, probe: Any) -> None:
    """Zero of zero is no success."""
    run = run_of(make.requests((0, 5, 200, OK), (3, 5, 200, OK)), make)
    for where in (stretch(make, 1, 2), None):
        found = probe(run, where, [])
        assert (found.value, found.low, found.high) == (None, None, None)
        assert found.note
    assert probe(run_of(make.requests(), make), stretch(make, 1, 2), []).note == "no request was recorded"


def steady(count: int, took_ms: float) -> list[tuple[float, float, int, Outcome]]:
    return [(1 + number / 1000, took_ms, 200, OK) for number in range(count)]


def test_the_p95_is_of_those_who_arrived(make: SimpleNamespace) -> None:
    """A request from before that was still under way is not among them."""
    rows = make.requests((0.5, 5000, 200, OK), *steady(200, 7))
    found = traffic.p95(run_of(rows, make), stretch(make, 1, 2), [])
    assert (found.value, found.low, found.high, found.sample_size) == (7, 7, 7, 200)


def test_an_unanswered_request_is_slower_than_any_answer(make: SimpleNamespace) -> None:
    """Even one that was refused within a millisecond."""
    rows = steady(200, 7)
    rows[100:120] = [(at, 0.4, 0, REFUSED) for at, *_ in rows[100:120]]
    found = traffic.p95(run_of(make.requests(*rows), make), stretch(make, 1, 2), [])
    assert (found.value, found.high) == (math.inf, math.inf)
    assert found.low == math.inf


def test_a_request_that_was_not_sent_is_no_user_of_the_p95(make: SimpleNamespace) -> None:
    """It never reached the service; the totals make the run doubtful instead."""
    rows = steady(200, 7)
    rows[100:150] = [(at, 0.4, 0, UNSENT) for at, *_ in rows[100:150]]
    found = traffic.p95(run_of(make.requests(*rows), make), stretch(make, 1, 2), [])
    assert (found.value, found.sample_size) == (7, 150)


def test_the_generator_s_own_lateness_lowers_the_lower_bound_only(make: SimpleNamespace) -> None:
    """From the intended start for the user, from the real one for the service."""
    rows = steady(200, 40)
    found = traffic.p95(
        run_of(make.requests(*rows, start=[at + 0.030 for at, *_ in rows]), make), stretch(make, 1, 2), []
    )
    assert (found.value, found.low, found.high) == (40, 10, 40)


def test_too_few_requests_have_no_upper_bound(make: SimpleNamespace) -> None:
    """71 are one too few for a 95th percentile with 95 % confidence."""
    where = stretch(make, 1, 2)
    assert traffic.p95(run_of(make.requests(*steady(71, 7)), make), where, []).high == math.inf
    assert traffic.p95(run_of(make.requests(*steady(72, 7)), make), where, []).high == 7


def test_doubts_leave_nothing_of_the_p95(make: SimpleNamespace) -> None:
    """Missing requests may have been the slow ones."""
    found = traffic.p95(run_of(make.requests(*steady(200, 7)), make), stretch(make, 1, 2), ["Missing."])
    assert (found.value, found.low, found.high) == (7, 0, math.inf)


def bounds(found: Any) -> tuple[float | None, ...]:
    return tuple(None if item is None else round(item, 9) for item in (found.value, found.low, found.high))


def test_no_outage(make: SimpleNamespace) -> None:
    """Zero, and at most as long as nobody looked."""
    rows = make.requests((0, 5, 200, OK), (1, 5, 200, OK), (1.2, 5, 404, OK))
    found = outage(rows, make.at(0))
    assert bounds(found) == (0, 0, 1)
    assert found.sample_size == 0


def test_an_outage_of_one_request(make: SimpleNamespace) -> None:
    """From its intended start to its end; at most from the good one before to the good one after."""
    rows = make.requests((0, 5, 200, OK), (1, 20, 0, REFUSED), (1.5, 5, 200, OK))
    found = outage(rows, make.at(0))
    assert (bounds(found), found.sample_size) == ((0.02, 0.0, 1.5), 1)


def test_an_outage_of_many(make: SimpleNamespace) -> None:
    """From the first failed start to the last end; answers in between do not shorten it, a 5xx counts."""
    rows = make.requests(
        (0, 5, 200, OK),
        (1.0, 3000, 0, TIMEOUT),
        (1.5, 5, 200, OK),
        (2.0, 10, 503, OK),
        (2.2, 1, 0, RESET),
        (2.5, 5, 200, OK),
    )
    found = outage(rows, make.at(0))
    assert (bounds(found), found.sample_size) == ((3.0, 1.2, 3.0), 3)


def test_an_outage_that_nobody_saw_the_end_of(make: SimpleNamespace) -> None:
    """No good request after it: it may go on."""
    found = outage(make.requests((0, 5, 200, OK), (1, 20, 0, REFUSED), (2, 20, 0, REFUSED)), make.at(0))
    assert bounds(found) == (1.02, 1.0, math.inf)
    assert "may go on" in found.note


def test_an_outage_from_the_first_request_on(make: SimpleNamespace) -> None:
    """Without a neighbour before, it begins with the first."""
    found = outage(make.requests((1, 20, 0, REFUSED), (1.5, 5, 200, OK)), make.at(0))
    assert bounds(found) == (0.02, 0.0, 0.5)


def test_failures_that_ended_before_are_of_another_story(make: SimpleNamespace) -> None:
    """One that was still under way belongs to this one."""
    rows = make.requests((0, 10, 0, TIMEOUT), (0.5, 600, 0, RESET), (2, 5, 200, OK))
    found = outage(rows, make.at(1))
    assert (found.value, found.sample_size) == (pytest.approx(0.6), 1)


def test_what_was_not_sent_is_neither_good_nor_bad(make: SimpleNamespace) -> None:
    """It is no failure, and no neighbour that was answered."""
    rows = make.requests(
        (0, 5, 200, OK), (0.5, 0, 0, UNSENT), (1, 20, 0, REFUSED), (1.2, 0, 0, UNSENT), (2, 5, 200, OK)
    )
    assert bounds(outage(rows, make.at(0))) == (0.02, 0.0, 2)


def test_an_outage_of_nobody(make: SimpleNamespace) -> None:
    """No request was recorded; a single one saw nothing of the time around it."""
    assert outage(make.requests(), make.at(0)).value is None
    assert bounds(outage(make.requests((0, 5, 200, OK)), make.at(0))) == (0, 0, math.inf)


def covered(story: Story) -> list[str]:
    run = folder.load(story.write())
    fault = faults.find(run)
    return traffic.uncovered(run, fault, traffic.stretch(run, fault))


def test_steady_traffic_covers_the_stretch(story: Story) -> None:
    """An arrival each 10 ms all through it."""
    assert covered(story) == []


@pytest.mark.parametrize(("missing", "said"), [(1, False), (2, True)])
def test_arrivals_that_are_missing(story: Story, missing: int, said: bool) -> None:  # noqa: FBT001 - a table's column
    """One interval more is rounding; two are a hole."""
    del story.rows[550 : 550 + missing]
    assert bool(covered(story)) is said


@pytest.mark.parametrize(("begin", "end"), [(0, 510), (690, 1200)])
def test_traffic_that_begins_late_or_ends_early(story: Story, begin: int, end: int) -> None:
    """The edges of the stretch need users too."""
    del story.rows[begin:end]
    (reason,) = covered(story)
    assert reason.startswith("No request was due for 0.")


def test_the_stretch_follows_the_bounds_of_fault_and_recovery(story: Story, make: SimpleNamespace) -> None:
    """As narrow and as wide as it may have been, by the watches' lag."""
    run = folder.load(story.write())
    found = traffic.stretch(run, faults.find(run))
    assert found is not None
    assert found.inner == (make.at(5.010), make.at(6.996))
    assert found.outer == (make.at(5.006), make.at(7.000))


def test_a_recovery_within_the_lag_has_an_empty_inner_stretch(story: Story, make: SimpleNamespace) -> None:
    """Never one that ends before it begins."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds == 7)
    story.event(5.0125, "pods", "ADDED", make.pod("d"))
    run = folder.load(story.write())
    found = traffic.stretch(run, faults.find(run))
    assert found is not None
    assert found.inner == (make.at(5.010), make.at(5.010))


def test_a_summary_counts_what_arrived(make: SimpleNamespace) -> None:
    """Percentiles over everybody who was sent, infinite where nobody answered."""
    rows = make.requests(
        (1, 10, 200, OK), (1.1, 20, 503, OK), (1.2, 1, 0, REFUSED), (1.3, 1, 0, UNSENT), (9, 1, 200, OK)
    )
    found = traffic.summary(run_of(rows, make), "during", (make.at(1), make.at(2)))
    assert (found.requests, found.http_5xx, found.unanswered) == (4, 1, 1)
    assert (found.p50_ms, found.p95_ms, found.p99_ms) == (20, math.inf, math.inf)
    assert (found.start_s, found.end_s) == (1, 2)
    empty = traffic.summary(run_of(rows, make), "empty", (make.at(3), make.at(4)))
    assert (empty.requests, empty.p50_ms) == (0, None)


def test_endpoints_and_kinds_of_connections_are_told_apart(make: SimpleNamespace) -> None:
    """Only those that there were."""
    rows = make.requests((1, 10, 200, OK), (1.1, 10, 200, OK), (1.2, 1, 0, RESET), fresh=[True, False, False])
    found = traffic.by_endpoint(run_of(rows, make), (make.at(0), make.at(9)))
    assert [(item.endpoint, item.connection, item.requests, item.unanswered) for item in found] == [
        ("list tasks", "fresh", 1, 0),
        ("list tasks", "keep-alive", 2, 1),
    ]
