"""Which requests a plot shows, and as what. Arrays in, arrays out."""

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from gameday.timeline import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gameday.timeline import Requests

LIMIT = 20_000
"""Dots beyond this number only cover each other and take time to draw."""

_CELLS_ACROSS, _CELLS_UP = 4_000, 1_000
"""Finer than the plot's pixels: two dots of one cell look like one."""

_FIRST_5XX, _END_5XX = 500, 600


class Kind(IntEnum):
    """How a request ended, as a plot and the error table tell it apart."""

    ANSWERED = 0
    HTTP_5XX = 1
    REFUSED = 2
    RESET = 3
    TIMEOUT = 4
    BROKEN = 5
    UNSENT = 6


LABELS = {
    Kind.ANSWERED: "answered",
    Kind.HTTP_5XX: "HTTP 5xx",
    Kind.REFUSED: "refused",
    Kind.RESET: "reset",
    Kind.TIMEOUT: "timed out",
    Kind.BROKEN: "broken",
    Kind.UNSENT: "not sent (load generator)",
}

_KIND_OF_OUTCOME = {
    Outcome.REFUSED: Kind.REFUSED,
    Outcome.RESET: Kind.RESET,
    Outcome.TIMEOUT: Kind.TIMEOUT,
    Outcome.BROKEN: Kind.BROKEN,
    Outcome.UNSENT: Kind.UNSENT,
}


def kinds(requests: "Requests") -> "NDArray[np.uint8]":
    """The `Kind` of each request, shape (n,); an outcome that this version does not know is BROKEN."""
    table = np.full(256, Kind.BROKEN, dtype=np.uint8)
    table[Outcome.ANSWERED] = Kind.ANSWERED
    for outcome, kind in _KIND_OF_OUTCOME.items():
        table[outcome] = kind
    result = table[requests.outcome]
    is_5xx = (requests.status >= _FIRST_5XX) & (requests.status < _END_5XX)
    result[is_5xx & (result == Kind.ANSWERED)] = Kind.HTTP_5XX
    return result


def unanswered(kind: "NDArray[np.uint8]") -> "NDArray[np.bool_]":
    """Which requests got no answer, shape (n,): not those never sent, which are the instrument's fault."""
    return (kind >= Kind.REFUSED) & (kind <= Kind.BROKEN)


def latency_ms(requests: "Requests") -> "NDArray[np.float64]":
    """Milliseconds from the intended start to the answer or the failure, shape (n,)."""
    return (requests.end_ns - requests.intended_ns) / 1e6


def chosen(requests: "Requests", kind: "NDArray[np.uint8]", limit: int = LIMIT) -> "NDArray[np.int64]":
    """The rows to draw, in order of time: every failure, the slowest answers, and a sample of the other ones.

    The sample is random, not every n-th, because traffic repeats itself; its seed is fixed, so that the same
    run gives the same picture. Failures beyond `limit` are drawn once where they would cover each other.
    """
    if len(requests) <= limit:
        return np.arange(len(requests))
    answered = np.flatnonzero(kind == Kind.ANSWERED)
    others = np.flatnonzero(kind != Kind.ANSWERED)
    if len(others) > limit:
        others = _one_a_cell(requests, kind, others)
    room = min(max(limit - len(others), 0), len(answered))
    return np.sort(np.concatenate([others, _sample(latency_ms(requests), answered, room)]))


def _sample(latency: "NDArray[np.float64]", rows: "NDArray[np.int64]", size: int) -> "NDArray[np.int64]":
    """`size` of the rows: a tenth of them the slowest, the rest by chance."""
    by_latency = rows[np.argsort(latency[rows], kind="stable")]
    slowest = size // 10
    rest = by_latency[: len(by_latency) - slowest]
    drawn = np.random.default_rng(seed=0).choice(rest, size - slowest, replace=False)
    return np.concatenate([drawn, by_latency[len(by_latency) - slowest :]])


def _one_a_cell(requests: "Requests", kind: "NDArray[np.uint8]", rows: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """The first row of each kind in each cell of a grid over time and the logarithm of the latency."""
    across = _cells(requests.intended_ns[rows].astype(np.float64), _CELLS_ACROSS)
    up = _cells(np.log(np.maximum(latency_ms(requests)[rows], 1e-3)), _CELLS_UP)
    key = (kind[rows].astype(np.int64) * _CELLS_ACROSS + across) * _CELLS_UP + up
    return rows[np.unique(key, return_index=True)[1]]


def _cells(values: "NDArray[np.float64]", number: int) -> "NDArray[np.int64]":
    """The cell of each value when their range is cut into equal parts."""
    low, high = values.min(), values.max()
    scaled = (values - low) / max(high - low, 1e-9) * number
    return np.minimum(scaled.astype(np.int64), number - 1)
