from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from loadgen.schedule import Schedule, smooth_cycle

T0 = 1_000_000_000_000
rates = st.one_of(st.integers(1, 5000).map(float), st.sampled_from([0.1, 0.3, 33.3, 999.9]))


def schedule(
    rate: float = 500.0, duration: float = 10.0, weights: tuple[int, ...] = (4, 1), share: float = 0.5
) -> Schedule:
    return Schedule(T0, rate, duration, weights, share)


def test_intended_starts_are_exact_multiples_of_the_period() -> None:
    """At 500/s the arrivals are 2 ms apart; at 3/s a third of a second, rounded down, without drift."""
    assert [schedule().intended_ns(n) - T0 for n in (0, 1, 2, 500)] == [
        0,
        2_000_000,
        4_000_000,
        1_000_000_000,
    ]
    assert [schedule(3.0).intended_ns(n) - T0 for n in (1, 2, 3, 3_000_000)] == [
        333_333_333,
        666_666_666,
        1_000_000_000,
        1_000_000_000_000_000,
    ]


def test_due_counts_arrivals_up_to_and_including_now() -> None:
    """Arrival 1 is not due a nanosecond before its time, and is due at it."""
    plan = schedule()
    assert [plan.due(T0 + at) for at in (-1, 0, 1_999_999, 2_000_000, 3_999_999)] == [0, 1, 1, 2, 2]


def test_nothing_is_due_beyond_the_duration() -> None:
    """Ten seconds of 500/s are 5,000 arrivals, however late the loop looks."""
    assert schedule().total == 5000
    assert schedule().due(T0 + 3600 * 10**9) == 5000
    assert schedule(rate=3.0, duration=0.5).total == 2
    assert schedule(rate=0.1, duration=1.0).total == 1


def test_a_late_look_finds_every_missed_arrival() -> None:
    """After a stall of 2 s at 500/s a thousand more are due, none is left out."""
    plan = schedule()
    assert plan.due(T0 + 3 * 10**9) - plan.due(T0 + 1 * 10**9) == 1000


def test_endpoints_are_spread_smoothly() -> None:
    """Weights 4 and 1 put the single one in the middle; 5, 1, 1 is the example in nginx's own change."""
    assert smooth_cycle((4, 1)) == (0, 0, 1, 0, 0)
    assert smooth_cycle((5, 1, 1)) == (0, 0, 1, 0, 2, 0, 0)


def test_fresh_connections_alternate_within_each_endpoint() -> None:
    """With half of them fresh, each endpoint has kept, fresh, kept, fresh, whatever its neighbours have."""
    arrivals = [schedule(weights=(1, 1)).arrival(n) for n in range(8)]
    assert [(a.endpoint, a.fresh) for a in arrivals] == [
        (0, False), (1, False), (0, True), (1, True), (0, False), (1, False), (0, True), (1, True),
    ]  # fmt: skip


def test_fresh_share_is_exact() -> None:
    """A tenth is a tenth, none is none and all is all."""
    for share, expected in ((0.1, 50), (0.0, 0), (1.0, 500)):
        plan = schedule(weights=(1,), share=share)
        assert sum(plan.arrival(n).fresh for n in range(500)) == expected


@given(rates, st.integers(0, 10**7))
def test_due_and_intended_agree(rate: float, number: int) -> None:
    """Every arrival is due exactly from its intended start on."""
    plan = schedule(rate, duration=10**9)
    at = plan.intended_ns(number)
    assert plan.due(at - 1) <= number < plan.due(at)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(0, 1000), st.floats(0, 1))
def test_any_cycle_holds_each_endpoint_by_its_weight(weights: list[int], start: int, share: float) -> None:
    """Any stretch of sum(weights) arrivals holds each endpoint exactly as often as its weight says."""
    plan = schedule(weights=tuple(weights), share=share)
    found = Counter(plan.arrival(n).endpoint for n in range(start, start + sum(weights)))
    assert [found[index] for index in range(len(weights))] == weights


@given(st.floats(0, 1), st.integers(1, 3000))
def test_share_never_strays_by_a_whole_request(share: float, requests: int) -> None:
    """At any time the number of fresh ones is the share of the number so far, rounded down."""
    plan = schedule(weights=(1,), share=share)
    fresh = sum(plan.arrival(n).fresh for n in range(requests))
    assert abs(fresh - share * requests) < 1.000001
