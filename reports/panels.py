"""The three plots of the timeline: latency, request rate, Ready pods; each draws into axes that it is given.

Times are seconds from the fault (from the start of the run without one). Every text here is this module's
own, numbers apart: nothing from outside reaches the figure.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from reports import dots, frames, words
from reports.dots import Kind
from reports.view import has_fault, zero_s

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from gameday.verdict import Verdict
    from reports.view import RunView

INK, GRID = "#5b6672", "#c9ced4"
_SHADE, _GREEN = "#f0c674", "#1f9e77"
_BLUE, _ORANGE, _MAGENTA, _GREY = "#3f88c5", "#dd6b10", "#d1418c", "#8a8f98"
"""Middle tones: they stand out on light and on dark pages, and colour-blind readers tell them apart."""

LOOKS = {
    Kind.ANSWERED: ("o", _BLUE),
    Kind.HTTP_5XX: ("^", _ORANGE),
    Kind.REFUSED: ("x", _MAGENTA),
    Kind.RESET: ("+", _MAGENTA),
    Kind.TIMEOUT: ("D", _MAGENTA),
    Kind.BROKEN: ("*", _MAGENTA),
    Kind.UNSENT: ("|", _GREY),
}
"""Marker and colour of each end of a request."""

_TARGET_LINE: dict[str, Any] = {"color": INK, "linewidth": 1.1, "linestyle": (0, (5, 3))}
_MANY_MARKS = 300
"""More vector marks than this weigh more than their pixels."""
_LOG_FROM = 20.0
"""Highest ÷ lowest latency from which a linear scale would press the lower ones flat."""
_FEW_PODS = 4
"""Pods up to this number each get a tick."""
_FEW_BARS = 12
"""Bars up to this number have room for their counts."""
_SHORTEST_MS = 1e-3
"""A logarithmic axis has no zero."""


def latency(axes: "Axes", view: "RunView", verdict: "Verdict", kind: "NDArray[np.uint8]") -> int:
    """The scatter of latencies, failures on top, and the objective's line; returns how many dots it drew."""
    axes.set_title("Latency from the intended start, ms", pad=18)
    if not len(kind):
        _only_words(axes, "no request was recorded")
        return 0
    shown = dots.chosen(view.requests, kind)
    at = frames.seconds_since(view, zero_s(verdict))[shown]
    height = np.maximum(dots.latency_ms(view.requests)[shown], _SHORTEST_MS)
    for code in Kind:
        mask = kind[shown] == code
        _scatter(axes, code, at[mask], height[mask], int((kind == code).sum()))
    _latency_scale(axes, float(height.min()), float(height.max()), view.p95_target_ms)
    return len(shown)


def _scatter(axes: "Axes", kind: Kind, at: "NDArray[np.float64]", height: "NDArray[np.float64]", total: int) -> None:
    """The dots of one kind; few failures stay sharp vectors, many become pixels as the answers are."""
    if not total:
        return
    marker, colour = LOOKS[kind]
    is_answer = kind is Kind.ANSWERED
    collection = axes.scatter(
        at,
        height,
        s=4 if is_answer else 26,
        c=colour,
        marker=marker,
        alpha=0.45 if is_answer else 0.95,
        linewidths=0 if is_answer else 1.3,
        zorder=2 if is_answer else 4,
        label=f"{dots.LABELS[kind]} ({words.count(total)})",
    )
    collection.set_rasterized(is_answer or len(at) > _MANY_MARKS)


def _latency_scale(axes: "Axes", lowest: float, highest: float, target: float | None) -> None:
    """The vertical axis with room for every dot, the target's line and its label."""
    top = max(highest, target or 0.0)
    if top > _LOG_FROM * lowest:
        axes.set_yscale("log")
        axes.set_ylim(lowest * 0.6, top * 3)
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0,)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value)))
        axes.yaxis.set_minor_locator(NullLocator())  # a hundred ticks that nobody sees take a fifth of the drawing
    else:
        axes.set_ylim(0, top * 1.2)
    if target is not None:
        axes.axhline(target, **_TARGET_LINE)
        axes.annotate(
            f"P95 target {words.ms(target)}",
            (1, target),
            (-2, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="bottom",
        )


def rates(axes: "Axes", rate: "pd.DataFrame") -> None:
    """Requests a second as steps; below them, failed ones as bars with their counts."""
    axes.set_title("Requests per second, and failed ones")
    if rate.empty:
        _only_words(axes, "no traffic")
        return
    start, width = rate["start_s"].to_numpy(), float(rate["width_s"].iloc[0])
    sent = (rate["requests"] / rate["covered_s"]).to_numpy()
    axes.stairs(sent, np.append(start, start[-1] + width), color=_BLUE, linewidth=1.4, baseline=None)
    axes.set_ylim(0, float(sent.max()) * 1.25)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    bad = rate[rate["http_5xx"] + rate["unanswered"] > 0]
    below = np.zeros(len(bad))
    for column, colour in (("unanswered", _MAGENTA), ("http_5xx", _ORANGE)):
        height = (bad[column] / bad["covered_s"]).to_numpy()
        axes.bar(bad["start_s"] + width / 2, height, width * 0.92, bottom=below, color=colour, linewidth=0)
        below = below + height
    if len(bad) <= _FEW_BARS:
        _bar_counts(axes, bad, below, width)


def _bar_counts(axes: "Axes", bad: "pd.DataFrame", top: "NDArray[np.float64]", width: float) -> None:
    """The number of failures above each bar: a few of many requests make a bar that nobody sees."""
    for at, failures, height in zip(bad["start_s"], bad["http_5xx"] + bad["unanswered"], top, strict=True):
        axes.annotate(
            words.count(int(failures)),
            (at + width / 2, height),
            (0, 1.5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            size="small",
        )


def pods(axes: "Axes", view: "RunView", verdict: "Verdict") -> None:
    """Ready pods as steps against the desired number."""
    axes.set_title("Ready pods" + (f" ({view.desired_pods} desired)" if view.desired_pods else ""))
    if not view.ready_pods:
        _only_words(axes, "no pod was watched")
        return
    highest = max([view.desired_pods, 1, *(number for _, number in view.ready_pods)])
    axes.set_ylim(-0.15 * highest, highest * 1.25)
    if highest <= _FEW_PODS:
        axes.set_yticks(range(highest + 1))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    if view.desired_pods:
        axes.axhline(view.desired_pods, **_TARGET_LINE)
    zero = zero_s(verdict)
    at = [second - zero for second, _ in view.ready_pods]
    steps = [number for _, number in view.ready_pods]
    end = max(last_s(view, verdict) - zero, at[-1])
    axes.step([*at, end], [*steps, steps[-1]], where="post", color=_GREEN, linewidth=1.8)


def _only_words(axes: "Axes", text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center")
    axes.set_yticks([])


def last_s(view: "RunView", verdict: "Verdict") -> float:
    """The end of the time axis in seconds since the anchor."""
    ends = [verdict.window.end_s] if math.isfinite(verdict.window.end_s) else [1.0]
    if len(view.requests):
        ends.append(view.anchor.seconds(int(view.requests.intended_ns[-1])))
    return max(ends)


def time_axis(axes: "Axes", view: "RunView", verdict: "Verdict", ticks: int) -> None:
    """Signed seconds from the first request (the anchor without one) to the end, at most `ticks` of them."""
    zero = zero_s(verdict)
    first = view.anchor.seconds(int(view.requests.intended_ns[0])) if len(view.requests) else 0.0
    length = max(last_s(view, verdict) - first, 1.0)
    axes.set_xlim(first - zero - length * 0.01, first - zero + length * 1.01)
    axes.xaxis.set_major_locator(MaxNLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(_signed if has_fault(verdict) else lambda at, _: f"{at:g} s"))


def _signed(at: float, _: int) -> str:
    return "fault" if at == 0 else f"{at:+g} s"


def window(axes: "Axes", verdict: "Verdict") -> None:
    """The shade from the fault to the recovery; to the edge of the plot when no recovery was seen."""
    if not has_fault(verdict):
        return
    recovered = verdict.window.recovered_s
    end = axes.get_xlim()[1] if recovered is None else recovered - zero_s(verdict)
    axes.axvspan(0, end, color=_SHADE, alpha=0.22, linewidth=0, zorder=0)
    for edge in (0.0, end)[: 1 if recovered is None else 2]:
        axes.axvline(edge, color=INK, linewidth=1.0)


def window_label(axes: "Axes", verdict: "Verdict") -> None:
    """What the shade means, above its left edge (ending there when that lies in the right half)."""
    if not has_fault(verdict):
        return
    recovered = verdict.window.recovered_s
    left, right = axes.get_xlim()
    fits = -left < 0.5 * (right - left)
    axes.annotate(
        ("pod killed, " if verdict.proof.holds else "fault, ")
        + (
            "not seen to recover"
            if recovered is None
            else f"recovered after {words.seconds(recovered - zero_s(verdict))}"
        ),
        (0, 1),
        (-1 if fits else 1, 3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="left" if fits else "right",
        va="bottom",
        weight="bold",
    )
