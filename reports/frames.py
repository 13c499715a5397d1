"""The report's tables and plot data as pandas frames: numbers, which the templates put into words.

Times in frames are seconds from `zero_s` (see `reports.view`): the fault, or the run's start when there was
none.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from gameday.verdict import Status
from reports import dots, words
from reports.dots import Kind
from reports.view import zero_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gameday.verdict import Criterion, Traffic, Verdict
    from reports.view import RunView

MOST_BINS = 600
"""Rate bars beyond this number are thinner than a pixel: longer runs get bins of several seconds."""

RATE_COLUMNS = ("start_s", "width_s", "covered_s", "requests", "http_5xx", "unanswered")

_FIRST_ERROR_STATUS = 400


def rows(frame: pd.DataFrame) -> list[Mapping[str, object]]:
    """The frame as templates read it: one mapping a row."""
    return cast("list[Mapping[str, object]]", frame.to_dict("records"))


def per_second(view: "RunView", zero: float) -> pd.DataFrame:
    """Counts over time by intended start: `RATE_COLUMNS`.

    Bins are whole seconds from `zero`, empty ones included. Traffic may cover only a part of the first and
    last bin: a rate is a count ÷ `covered_s`.
    """
    requests = view.requests
    if not len(requests):
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in RATE_COLUMNS})
    at = seconds_since(view, zero)
    width = max(1, math.ceil((at[-1] - at[0]) / MOST_BINS))
    first = math.floor(at[0] / width)
    index = np.floor(at / width).astype(np.int64) - first
    start = (np.arange(index[-1] + 1) + first) * float(width)
    # The last request stands for its own share of time: without it, a lone request would cover none.
    end = at[-1] + ((at[-1] - at[0]) / (len(at) - 1) if at[-1] > at[0] else width)
    kind = dots.kinds(requests)
    masks = (np.ones(len(at), dtype=np.bool_), kind == Kind.HTTP_5XX, dots.unanswered(kind))
    counts = [np.bincount(index[mask], minlength=len(start)) for mask in masks]
    covered = np.minimum(start + width, end) - np.maximum(start, at[0])
    return pd.DataFrame(
        dict(zip(RATE_COLUMNS, [start, np.full(len(start), float(width)), covered, *counts], strict=True))
    )


def seconds_since(view: "RunView", zero: float) -> "NDArray[np.float64]":
    """The intended starts in seconds from `zero`, shape (n,), never falling."""
    return (view.requests.intended_ns - view.anchor.monotonic_ns) / 1e9 - zero


def errors(view: "RunView", zero: float) -> pd.DataFrame:
    """What did not go well: `what`, `count`, `first_s`, `last_s` (intended starts), the most frequent first.

    HTTP statuses from 400 on are told apart, so are the ways not to answer; requests that were never sent are
    listed because they are holes in the measurement.
    """
    requests = view.requests
    kind = dots.kinds(requests)
    bad = (kind > Kind.HTTP_5XX) | (requests.status >= _FIRST_ERROR_STATUS)
    frame = pd.DataFrame(
        {
            "kind": kind[bad].astype(np.int64),
            "status": np.where(kind[bad] <= Kind.HTTP_5XX, requests.status[bad], 0),
            "at_s": seconds_since(view, zero)[bad],
        }
    )
    found = frame.groupby(["kind", "status"], as_index=False).agg(
        count=("at_s", "size"), first_s=("at_s", "min"), last_s=("at_s", "max")
    )
    found["what"] = [_what(int(kind), int(status)) for kind, status in zip(found["kind"], found["status"], strict=True)]
    return found.sort_values("count", ascending=False, kind="stable")[["what", "count", "first_s", "last_s"]]


def _what(kind: int, status: int) -> str:
    return f"HTTP {status}" if status else dots.LABELS[Kind(kind)]


_CRITERIA = [
    *("id", "title", "target", "actual", "bounds", "status", "reason"),
    *("sample_size", "evidence", "judged"),
]


def criteria(verdict: "Verdict") -> pd.DataFrame:
    """The criteria as `_CRITERIA` columns, words apart from `sample_size` (int) and `judged` (bool).

    Judged ones first, each group in the order of the specification.
    """
    frame = pd.DataFrame([_criterion(criterion) for criterion in verdict.criteria], columns=_CRITERIA)
    return frame.sort_values("judged", ascending=False, kind="stable")


def _criterion(criterion: "Criterion") -> tuple[object, ...]:
    measurement = criterion.measurement
    return (
        criterion.id,
        criterion.title,
        criterion.target,
        criterion.actual,
        _bounds(criterion),
        criterion.status.value,
        criterion.reason,
        measurement.sample_size if measurement else 0,
        measurement.evidence if measurement else "",
        criterion.status is not Status.NOT_RUN,
    )


def _bounds(criterion: "Criterion") -> str:
    """The bounds of the measurement when the criterion's own words do not hold them already."""
    found = criterion.measurement
    if found is None or found.value is None or "[" in criterion.actual:
        return ""
    text = words.interval(found.value, found.low, found.high, found.unit)
    return text[text.index("[") :] if "[" in text else ""


def measurements(verdict: "Verdict") -> pd.DataFrame:
    """All measurements: `name`, `actual` (with bounds and unit), `sample_size`, `evidence`, `note`."""
    return pd.DataFrame(
        [
            (m.name, words.interval(m.value, m.low, m.high, m.unit), m.sample_size, m.evidence, m.note)
            for m in verdict.measurements
        ],
        columns=["name", "actual", "sample_size", "evidence", "note"],
    )


def phases(verdict: "Verdict") -> pd.DataFrame:
    """The recovery: `name`, `start_s`, `length_s` (NaN: no end seen), `source`, `left` and `width` (percent).

    The percentages place each phase on the stretch from the first start to the last end.
    """
    zero, end = zero_s(verdict), verdict.window.end_s
    frame = pd.DataFrame(
        [
            (p.name, p.start_s - zero, math.nan if p.end_s is None else p.end_s - p.start_s, p.source)
            for p in verdict.phases
        ],
        columns=["name", "start_s", "length_s", "source"],
    )
    shown = frame["length_s"].fillna(end - zero - frame["start_s"]).clip(lower=0)
    first, last = frame["start_s"].min(), (frame["start_s"] + shown).max()
    scale = 100 / (last - first) if last > first else 0.0
    frame["left"] = _percent((frame["start_s"] - first) * scale)
    frame["width"] = _percent(shown * scale)
    return frame


def _percent(values: "pd.Series[float]") -> "pd.Series[float]":
    """Percentages that style sheets can use: finite and between 0 and 100."""
    return values.replace([np.inf, -np.inf], 100.0).fillna(0.0).clip(0.0, 100.0).round(2)


_TRAFFIC = ["name", "start_s", "end_s", "requests", "http_5xx", "unanswered", "p50_ms", "p95_ms", "p99_ms"]


def _traffic(stretch: "Traffic", zero: float) -> tuple[object, ...]:
    return (
        stretch.name,
        stretch.start_s - zero,
        stretch.end_s - zero,
        stretch.requests,
        stretch.http_5xx,
        stretch.unanswered,
        stretch.p50_ms,
        stretch.p95_ms,
        stretch.p99_ms,
    )


def traffic(verdict: "Verdict") -> pd.DataFrame:
    """What users saw in each stretch: times, counts and percentiles; unmeasured ones are NaN or None."""
    zero = zero_s(verdict)
    return pd.DataFrame([_traffic(stretch, zero) for stretch in verdict.traffic], columns=_TRAFFIC)


def endpoints(verdict: "Verdict") -> pd.DataFrame:
    """The same for each endpoint and connection: `endpoint` and `connection` go before."""
    zero = zero_s(verdict)
    return pd.DataFrame(
        [(stretch.endpoint, stretch.connection, *_traffic(stretch, zero)) for stretch in verdict.endpoints],
        columns=["endpoint", "connection", *_TRAFFIC],
    )
