"""The pacer: which request starts when. Pure integer arithmetic, no clock, no I/O.

Arrival n is intended at `t0 + n / rate`, computed from n each time, so that no error adds up. The mix is
deterministic: endpoints follow smooth weighted round robin (the algorithm of nginx's upstreams: every stretch
of `sum(weights)` arrivals holds each endpoint exactly `weight` times, spread evenly), and within each
endpoint the share of fresh connections is spread evenly too. Two runs of one profile are the same requests in
the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

SECOND_NS = 1_000_000_000


class Arrival(NamedTuple):
    """One request to be made: `intended_ns` is monotonic, `endpoint` an index, `fresh` what connection.

    A tuple because it is made for every request: a frozen dataclass takes six times as long.
    """

    number: int
    intended_ns: int
    endpoint: int
    fresh: bool


@dataclass(frozen=True)
class Schedule:
    """Arrivals at `rate_per_s` from `t0_ns` on, for `duration_s`."""

    t0_ns: int
    rate_per_s: float
    duration_s: float
    weights: tuple[int, ...]
    fresh_share: float
    _cycle: tuple[tuple[int, int], ...] = field(init=False, repr=False)
    _rate: Fraction = field(init=False, repr=False)
    _share: Fraction = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cycle", _counted(smooth_cycle(self.weights)))
        # By way of text: 0.1 means a tenth, not the nearest binary number.
        object.__setattr__(self, "_rate", Fraction(str(self.rate_per_s)))
        object.__setattr__(self, "_share", Fraction(str(self.fresh_share)))

    @property
    def total(self) -> int:
        """How many arrivals are intended before the end, at least the one at `t0_ns`."""
        arrivals = Fraction(str(self.duration_s)) * self._rate
        return -(-arrivals.numerator // arrivals.denominator)

    def intended_ns(self, number: int) -> int:
        """The intended start of an arrival, rounded down to a nanosecond."""
        return self.t0_ns + number * SECOND_NS * self._rate.denominator // self._rate.numerator

    def due(self, now_ns: int) -> int:
        """How many arrivals are intended at or before a time: those with the numbers below."""
        if now_ns < self.t0_ns:
            return 0
        # The last n with floor(n * period) <= elapsed, which is n < (elapsed + 1) / period.
        elapsed = (now_ns - self.t0_ns + 1) * self._rate.numerator
        return min(-(-elapsed // (SECOND_NS * self._rate.denominator)), self.total)

    def arrival(self, number: int) -> Arrival:
        """The arrival of a number from 0."""
        rounds, place = divmod(number, len(self._cycle))
        endpoint, nth_in_cycle = self._cycle[place]
        nth = rounds * self.weights[endpoint] + nth_in_cycle
        return Arrival(number, self.intended_ns(number), endpoint, self._is_fresh(nth))

    def _is_fresh(self, nth: int) -> bool:
        """Whether an endpoint's nth request is one: its count, rounded down, grows by one there."""
        top, bottom = self._share.numerator, self._share.denominator
        return (nth + 1) * top // bottom > nth * top // bottom


def smooth_cycle(weights: Sequence[int]) -> tuple[int, ...]:
    """One cycle of smooth weighted round robin, as indexes into the weights."""
    current = [0] * len(weights)
    cycle = []
    for _ in range(sum(weights)):
        current = [value + weight for value, weight in zip(current, weights, strict=True)]
        best = current.index(max(current))
        current[best] -= sum(weights)
        cycle.append(best)
    return tuple(cycle)


def _counted(cycle: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Each place of the cycle with how often its endpoint stood there before."""
    seen: dict[int, int] = {}
    places = []
    for endpoint in cycle:
        places.append((endpoint, seen.get(endpoint, 0)))
        seen[endpoint] = seen.get(endpoint, 0) + 1
    return tuple(places)
