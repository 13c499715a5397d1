"""The timeline as an SVG for the inside of a page: three plots over one time axis, for desk and phone.

Text stays text and takes font and colours from the page's style sheet, so that one figure serves light and
dark. Only the dots are pixels.
"""

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from reports import dots, frames, panels
from reports.dots import Kind
from reports.panels import GRID, INK
from reports.view import zero_s

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gameday.verdict import Verdict
    from reports.view import RunView

_VARIABLES = {INK: "--fig-ink", GRID: "--fig-grid"}
"""Colours that the page may replace: each becomes `var(--name, colour)`."""

_FONT = "DejaVu Sans"  # ships with matplotlib: the layout is the same everywhere

_STYLE: dict[Any, object] = {  # matplotlib types the keys as one long list of literals
    "svg.fonttype": "none",
    "font.family": _FONT,
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.titlecolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.handletextpad": 0.2,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A size of the figure, in inches, and what fits into it.

    `margins`: left, right, bottom, top as fractions of the figure. `legend_at`: the legend's lower left
    corner as fractions of the upper plot.
    """

    name: str
    size: tuple[float, float]
    margins: tuple[float, float, float, float]
    ticks: int
    legend_columns: int
    legend_at: tuple[float, float]
    raster_dpi: int


WIDE = Shape("wide", (9.2, 6.0), (0.066, 0.985, 0.055, 0.9), 9, len(Kind), (0.30, 1.075), 130)
NARROW = Shape("narrow", (4.3, 6.4), (0.125, 0.97, 0.05, 0.82), 4, 2, (-0.04, 1.14), 100)


@dataclass(frozen=True, slots=True)
class Drawing:
    """An `<svg>` element, and how many requests it shows as dots."""

    svg: str
    drawn: int


def timeline(view: "RunView", verdict: "Verdict", shape: Shape = WIDE) -> Drawing:
    """Draw the run; the same run gives the same bytes."""
    with mpl.rc_context(_STYLE), mpl.rc_context({"svg.hashsalt": shape.name}):
        figure = Figure(figsize=shape.size)
        axes = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": [3.2, 1.3, 0.9], "hspace": 0.32})
        left, right, bottom, top = shape.margins
        figure.subplots_adjust(left, bottom, right, top)
        drawn = panels.latency(axes[0], view, verdict, dots.kinds(view.requests))
        panels.rates(axes[1], frames.per_second(view, zero_s(verdict)))
        panels.pods(axes[2], view, verdict)
        panels.time_axis(axes[2], view, verdict, shape.ticks)
        for each in axes:
            panels.window(each, verdict)
        panels.window_label(axes[0], verdict)
        if drawn:
            _legend(axes[0], shape)
        return Drawing(_svg(figure, shape), drawn)


def _legend(axes: "Axes", shape: Shape) -> None:
    """The kinds of dots, above the plot: beside its title on a desk, above it on a phone."""
    legend = axes.legend(
        loc="lower left",
        bbox_to_anchor=shape.legend_at,
        ncols=shape.legend_columns,
        columnspacing=1.2,
        borderpad=0,
        markerscale=1.0,
        labelcolor=INK,
    )
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set(alpha=1.0, rasterized=False, sizes=[26])


def _svg(figure: Figure, shape: Shape) -> str:
    """The figure as an element of a page: no prolog, no metadata, no size or names of its own."""
    target = io.StringIO()
    options = {"Date": None, "Creator": None}
    figure.savefig(target, format="svg", dpi=shape.raster_dpi, transparent=True, metadata=options)
    text = target.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    head, rest = text.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    # Two figures stand in one page: the names in each get a prefix of their own.
    rest = re.sub(r'( id="|"#|url\(#)', rf"\1{shape.name}-", rest)
    text = f'{head} aria-hidden="true" focusable="false">{rest}'
    text = text.replace(f"'{_FONT}'", "var(--fig-font, sans-serif)")
    for colour, name in _VARIABLES.items():
        text = text.replace(colour, f"var({name}, {colour})")
    return text
