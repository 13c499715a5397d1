"""The report as a page (HTML) and as a text (Markdown): frames and figure in, templates filled, strings out.

Escaping is not left to the templates: whatever they print passes through `reports.safe` first, and through
Jinja2's autoescape (HTML) or the escaping of Markdown. Only what this module marks as its own goes through
untouched.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import describe, figure, frames, safe, words
from reports.view import has_fault, zero_s

if TYPE_CHECKING:
    from gameday.verdict import Verdict
    from reports.view import RunView

_MOST_ROWS = 200
"""Rows of a list that comes from outside; the page stays a page whatever a run finds."""

_FILTERS: dict[str, Callable[..., str]] = {
    "count": words.count,
    "ms": words.ms,
    "offset": words.offset,
    "plural": words.plural,
    "quantity": words.quantity,
    "seconds": words.seconds,
    "share": words.share,
}


@dataclass(frozen=True, slots=True)
class _Own:
    """A text of this program that is Markdown already."""

    text: str


def _for_html(value: object) -> object:
    return safe.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _for_markdown(value: object) -> object:
    if isinstance(value, _Own):
        return value.text
    return safe.markdown(value) if isinstance(value, str) else value


@cache
def _environment(finalize: Callable[[object], object], *, autoescape: bool) -> Environment:
    """Templates of this package; a name that does not exist is an error, never an empty place."""
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=autoescape,  # noqa: S701 - Markdown has an escaping of its own, in finalize
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(_FILTERS)
    return environment


def html(verdict: "Verdict", view: "RunView") -> str:
    """One self-contained page: no script, no address, nothing to load."""
    wide = figure.timeline(view, verdict, figure.WIDE)
    narrow = figure.timeline(view, verdict, figure.NARROW)
    return (
        _environment(_for_html, autoescape=True)
        .get_template("report.html.j2")
        .render(
            _content(verdict, view),
            # Drawn by this program from numbers: it holds no text from outside.
            wide=Markup(wide.svg),  # noqa: S704
            narrow=Markup(narrow.svg),  # noqa: S704
            drawn=describe.drawn(wide.drawn, len(view.requests)),
        )
    )


def markdown(verdict: "Verdict", view: "RunView") -> str:
    """The same for terminals, tickets and job summaries; the figure is put into words."""
    template = _environment(_for_markdown, autoescape=False).get_template("report.md.j2")
    return template.render(_content(verdict, view), timeline=_Own(describe.description(view, verdict)))


def load_templates() -> None:
    """Compile both templates ahead of their use."""
    _environment(_for_html, autoescape=True).get_template("report.html.j2")
    _environment(_for_markdown, autoescape=False).get_template("report.md.j2")


def _content(verdict: "Verdict", view: "RunView") -> dict[str, object]:
    """What both templates print: the verdict's own records, and the frames as rows."""
    zero = zero_s(verdict)
    log = [(at - zero, text) for at, text in view.log]
    return {
        "verdict": verdict,
        "origin": "the fault" if has_fault(verdict) else "the start of the run",
        "drawable": bool(len(view.requests) or view.ready_pods),
        "description": describe.description(view, verdict),
        "criteria": frames.rows(frames.criteria(verdict)),
        "measurements": frames.rows(frames.measurements(verdict)),
        "phases": frames.rows(frames.phases(verdict)),
        "traffic": frames.rows(frames.traffic(verdict)),
        "endpoints": frames.rows(frames.endpoints(verdict).head(_MOST_ROWS)),
        "errors": frames.rows(frames.errors(view, zero).head(_MOST_ROWS)),
        "findings": verdict.findings[:_MOST_ROWS],
        "provenance": list(view.provenance.items())[:_MOST_ROWS],
        "log": log[:_MOST_ROWS],
        "log_left_out": max(len(log) - _MOST_ROWS, 0),
        "recovery_s": None if verdict.window.recovered_s is None else verdict.window.recovered_s - zero,
    }
