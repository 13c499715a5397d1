"""Exact intervals for what a run counts and sorts. Pure."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95


def proportion_interval(events: int, trials: int) -> tuple[float, float]:
    """The exact confidence interval of a proportion (Clopper and Pearson, Biometrika 26, 1934).

    Args:
        events: How often it happened, 0 to `trials`.
        trials: How often it could have; (0, 1) when never.
    """
    from scipy.special import betaincinv

    if trials == 0:
        return 0.0, 1.0
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if events == 0 else float(betaincinv(events, trials - events + 1, tail))
    high = 1.0 if events == trials else float(betaincinv(events + 1, trials - events, 1 - tail))
    return low, high


def order_statistic(values: "NDArray[np.float64]", quantile: float) -> tuple[float, float, float]:
    """A quantile as an order statistic, with its distribution-free interval: (value, low, high).

    The value is the smallest sample that at least a share `quantile` of the samples does not exceed. The interval runs
    between the order statistics whose ranks enclose the quantile with at least 95 % confidence, by the binomial
    distribution of the number of samples below it (David and Nagaraja, Order Statistics, 7.1). Too small a sample has
    no upper one: the bound is then infinite. Infinite samples (unanswered requests) sort last.

    Args:
        values: At least one sample, any unit, no NaN.
        quantile: Between 0 and 1, exclusive.
    """
    import numpy as np

    count = len(values)
    ordered = np.sort(values)
    rank = max(1, math.ceil(round(quantile * count, 9)))
    tail = (1 - CONFIDENCE) / 2
    low_rank, high_rank = (
        _binomial_quantile(tail, count, quantile),
        _binomial_quantile(1 - tail, count, quantile) + 1,
    )
    low = float(ordered[low_rank - 1]) if low_rank >= 1 else 0.0
    high = float(ordered[high_rank - 1]) if high_rank <= count else math.inf
    return float(ordered[rank - 1]), low, high


def _binomial_quantile(share: float, trials: int, chance: float) -> int:
    """The smallest k with P(X <= k) >= share, for X binomial."""
    from scipy.special import bdtr, bdtrik

    found = float(bdtrik(share, trials, chance))
    guess = 0 if math.isnan(found) else max(0, math.floor(found) - 1)  # NaN: below the first quantile
    while bdtr(guess, trials, chance) < share:
        guess += 1
    return guess
