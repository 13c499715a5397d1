"""Exact intervals, against scipy's own functions, known tables, and laws that must hold for any sample."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from probes.statistics import order_statistic, proportion_interval


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        (0, 0, 0, 1),
        (0, 1, 0, 0.975),
        (1, 1, 0.025, 1),
        (0, 10, 0, 0.30850),
        (10, 10, 0.69150, 1),
        (5, 10, 0.18709, 0.81291),
        (1, 100, 0.000253, 0.054459),
        (14, 610, 0.012602, 0.038202),
    ],
)
def test_proportions_of_known_tables(events: int, trials: int, low: float, high: float) -> None:
    """Clopper and Pearson's numbers."""
    assert proportion_interval(events, trials) == pytest.approx((low, high), abs=2e-5)


@given(st.integers(1, 5000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_proportions_agree_with_scipy(counts: tuple[int, int]) -> None:
    """The same interval by scipy's binomial test, and it holds the observed share."""
    events, trials = counts
    low, high = proportion_interval(events, trials)
    expected = stats.binomtest(events, trials).proportion_ci(0.95, method="exact")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= events / trials <= high <= 1


@given(st.integers(1, 1000), st.data())
def test_more_events_move_a_proportion_up(trials: int, data: st.DataObject) -> None:
    """Both bounds grow with the count."""
    events = data.draw(st.integers(0, trials - 1))
    fewer, more = proportion_interval(events, trials), proportion_interval(events + 1, trials)
    assert fewer[0] <= more[0]
    assert fewer[1] <= more[1]


def ranks(count: int, quantile: float) -> tuple[float, float, float]:
    """Of the samples 1, 2, …: the value is its own rank."""
    return order_statistic(np.arange(1, count + 1, dtype=np.float64), quantile)


@pytest.mark.parametrize(
    ("count", "quantile", "value", "low", "high"),
    [
        (1, 0.95, 1, 0, math.inf),
        (20, 0.95, 19, 17, math.inf),
        (59, 0.95, 57, 52, math.inf),
        (71, 0.95, 68, 63, math.inf),
        (72, 0.95, 69, 64, 72),
        (100, 0.95, 95, 90, 100),
        (1000, 0.95, 950, 936, 964),
        (10, 0.5, 5, 2, 9),
        (100, 0.5, 50, 40, 61),
    ],
)
def test_ranks_of_known_tables(count: int, quantile: float, value: float, low: float, high: float) -> None:
    """72 samples are the first with a two-sided upper bound of the 95th percentile: 1 - 0.95^72 is above 97.5 %."""
    assert ranks(count, quantile) == (value, low, high)


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("count", [1, 2, 10, 59, 72, 150, 600, 1234])
def test_the_ranks_enclose_the_quantile_with_95_percent(count: int, quantile: float) -> None:
    """The binomial probability between the two ranks, by scipy; where there is no upper rank, up to the very end."""
    _, low, high = ranks(count, quantile)
    below = stats.binom.cdf(low - 1, count, quantile)
    up_to = stats.binom.cdf(high - 1, count, quantile)
    assert up_to - below >= 0.95
    assert below <= 0.025
    assert 1 - up_to <= 0.025
    assert low == stats.binom.ppf(0.025, count, quantile)
    assert min(high, count + 1) == stats.binom.ppf(0.975, count, quantile) + 1


samples = st.lists(st.floats(0, 1e6) | st.just(math.inf), min_size=1, max_size=200).map(np.array)


@given(samples, st.sampled_from([0.5, 0.95, 0.99]))
def test_the_interval_holds_the_value(values: np.ndarray, quantile: float) -> None:
    """Infinite samples included, and in any order."""
    value, low, high = order_statistic(values, quantile)
    assert low <= value <= high
    assert order_statistic(values[::-1], quantile) == (value, low, high)
    assert value == np.sort(values)[math.ceil(round(quantile * len(values), 9)) - 1]


@given(samples, st.floats(0, 1e6))
def test_slower_samples_never_lower_it(values: np.ndarray, more: float) -> None:
    """All three numbers grow with the samples."""
    faster, slower = order_statistic(values, 0.95), order_statistic(values + more, 0.95)
    assert all(a <= b for a, b in zip(faster, slower, strict=True))


@given(samples)
def test_a_request_without_an_answer_never_lowers_it(values: np.ndarray) -> None:
    """Replacing any sample by infinity makes nothing look better."""
    silent = np.append(np.sort(values)[1:], math.inf)
    assert all(a <= b for a, b in zip(order_statistic(values, 0.95), order_statistic(silent, 0.95), strict=True))


def test_the_samples_are_left_as_they_are() -> None:
    """Others use the same array."""
    values = np.array([3.0, 1.0, 2.0])
    order_statistic(values, 0.5)
    assert values.tolist() == [3, 1, 2]


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """The true 95th percentile of an exponential distribution, in 2,000 samples of 150 (a fixed seed)."""
    random = np.random.default_rng(20260703)
    truth = -math.log(0.05)
    inside = 0
    for _ in range(2000):
        _, low, high = order_statistic(random.exponential(size=150), 0.95)
        inside += low <= truth <= high
    assert inside / 2000 >= 0.94
