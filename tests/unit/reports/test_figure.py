"""The timeline: an SVG that is the same each time, small, and only made of this program's own words."""

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from gameday.timeline import Outcome
from gameday.verdict import Verdict
from reports import describe, figure
from reports.view import RunView

Run = tuple[Verdict, RunView]


def texts(svg: str) -> list[str]:
    """All texts of a figure."""
    root = ET.fromstring(svg)  # noqa: S314 - made by the test
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("shape", [figure.WIDE, figure.NARROW])
def test_timeline_of_a_passed_run(passed: Run, shape: figure.Shape) -> None:
    """Title, legend with counts, target, window and desired pods are there as text."""
    found = texts(figure.timeline(passed[1], passed[0], shape).svg)
    for text in (
        "Latency from the intended start, ms",
        "answered (5,986)",
        "refused (12)",
        "reset (2)",
        "P95 target 500 ms",
        "pod killed, recovered after 6.1 s",
        "Requests per second, and failed ones",
        "14",
        "Ready pods (3 desired)",
        "fault",
        "1,000",
    ):
        assert text in found
    assert "HTTP 5xx (0)" not in found


def test_same_run_same_bytes(passed: Run) -> None:
    """Drawing twice gives the same text: no date, no random names."""
    assert figure.timeline(passed[1], passed[0]) == figure.timeline(passed[1], passed[0])


def test_failed_run(failed: Run) -> None:
    """Kinds of failure are told apart, and a recovery that was not seen is said."""
    verdict = failed[0].model_copy(update={"window": failed[0].window.model_copy(update={"recovered_s": None})})
    found = texts(figure.timeline(failed[1], verdict).svg)
    for text in ("HTTP 5xx (1,334)", "timed out (100)", "pod killed, not seen to recover"):
        assert text in found


def test_nothing_recorded(unknown: Run) -> None:
    """Empty plots say that they are empty."""
    drawing = figure.timeline(unknown[1], unknown[0])
    assert drawing.drawn == 0
    assert {"no request was recorded", "no traffic", "no pod was watched"} <= set(texts(drawing.svg))


def test_linear_scale_for_like_latencies(passed: Run, run_of: Callable[..., RunView]) -> None:
    """Latencies of the same size stand on a linear axis."""
    view = run_of((0, 5, 200, Outcome.ANSWERED), (1, 6, 200, Outcome.ANSWERED))
    assert "2" in texts(figure.timeline(view, passed[0]).svg)


@pytest.mark.parametrize("pods", [((0.0, 40), (10.0, 39)), ((5.0, 0),)])
def test_pods(passed: Run, pods: tuple[tuple[float, int], ...]) -> None:
    """Many pods and none are drawn as well."""
    drawing = figure.timeline(replace(passed[1], ready_pods=pods, desired_pods=0), passed[0])
    assert "Ready pods" in texts(drawing.svg)


def test_names_do_not_clash(passed: Run) -> None:
    """Both figures stand in one page: no name is used twice, and all references have their target."""
    names: list[str] = []
    for shape in (figure.WIDE, figure.NARROW):
        svg = figure.timeline(passed[1], passed[0], shape).svg
        names += re.findall(r' id="([^"]+)"', svg)
        assert set(re.findall(r'(?:"#|url\(#)([^")]+)', svg)) <= set(names)
    assert len(names) == len(set(names))


def test_colours_come_from_the_page(passed: Run) -> None:
    """Text and grid are style variables; nothing in the figure has an address to load from."""
    svg = figure.timeline(passed[1], passed[0]).svg
    assert svg.startswith("<svg ")
    assert "var(--fig-ink, #5b6672)" in svg
    assert "<metadata" not in svg
    addresses = set(re.findall(r'="(https?:[^"]*)"', svg))
    assert addresses == {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}
    assert all(name.startswith("data:image/png;base64,") for name in re.findall(r'href="([^#"][^"]*)"', svg))


def test_description(passed: Run, unknown: Run) -> None:
    """The figure in words, exactly."""
    assert describe.description(passed[1], passed[0]) == (
        "5,986 requests answered in 0.963 ms to 31.1 ms, half of them within 4.95 ms. "
        "refused: 12, from +0.000 s to +0.055 s after the fault. "
        "reset: 2, from +0.060 s to +0.065 s after the fault. "
        "Ready pods (3 desired): 3 at -11.500 s, 2 at +0.000 s, 3 at +6.100 s."
    )
    assert describe.description(unknown[1], unknown[0]) == "No request was recorded. No pod was watched."


def test_drawn() -> None:
    """A plot that leaves out dots says so."""
    assert describe.drawn(6000, 6000) == ""
    assert describe.drawn(20_000, 30_000) == (
        "20,000 of 30,000 requests are drawn: every failure, the slowest answers and a random sample of the others."
    )
