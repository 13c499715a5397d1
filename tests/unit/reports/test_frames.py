"""The report's tables as numbers."""

import math
from collections.abc import Callable

from gameday.timeline import Outcome
from gameday.verdict import Phase, Verdict
from reports import frames
from reports.view import RunView

OK = Outcome.ANSWERED


def test_per_second(run_of: Callable[..., RunView]) -> None:
    """Whole seconds from zero, the empty one too, and only what traffic covered of the first and last."""
    view = run_of(
        (0.5, 1, 200, OK),
        (0.75, 1, 503, OK),
        (1.0, 1, 0, Outcome.REFUSED),
        (1.25, 1, 0, Outcome.UNSENT),
        (3.5, 1, 200, OK),
    )
    frame = frames.per_second(view, zero=1.0)
    assert frame.to_dict("list") == {
        "start_s": [-1.0, 0.0, 1.0, 2.0],
        "width_s": [1.0, 1.0, 1.0, 1.0],
        "covered_s": [0.5, 1.0, 1.0, 1.0],
        "requests": [2, 2, 0, 1],
        "http_5xx": [1, 0, 0, 0],
        "unanswered": [0, 1, 0, 0],
    }


def test_steady_traffic_is_steady_at_its_ends(passed: tuple[Verdict, RunView]) -> None:
    """200 requests a second are 200 in every bin, the first and the last too."""
    frame = frames.per_second(passed[1], zero=9.7)
    assert (frame["requests"] / frame["covered_s"]).round(6).unique().tolist() == [200.0]


def test_long_runs_have_wider_bins(run_of: Callable[..., RunView]) -> None:
    """An hour and forty minutes are cut into 600 bins of ten seconds."""
    frame = frames.per_second(run_of((0, 1, 200, OK), (5999, 1, 200, OK)), zero=0.0)
    assert len(frame) == 600
    assert frame["width_s"].unique().tolist() == [10.0]


def test_no_requests_no_rates(unknown: tuple[Verdict, RunView]) -> None:
    """Nothing recorded gives an empty frame with all its columns."""
    frame = frames.per_second(unknown[1], zero=0.0)
    assert frame.empty
    assert tuple(frame.columns) == frames.RATE_COLUMNS


def test_one_request(run_of: Callable[..., RunView]) -> None:
    """A lone request is one request in one second."""
    frame = frames.per_second(run_of((0, 1, 200, OK)), zero=0.0)
    assert frames.rows(frame) == [
        {"start_s": 0.0, "width_s": 1.0, "covered_s": 1.0, "requests": 1, "http_5xx": 0, "unanswered": 0}
    ]


def test_errors(run_of: Callable[..., RunView]) -> None:
    """One row a status or a way not to answer, the most frequent first, with its times from zero."""
    view = run_of(
        (1, 1, 503, OK),
        (2, 1, 0, Outcome.REFUSED),
        (3, 1, 503, OK),
        (4, 1, 404, OK),
        (5, 1, 200, OK),
        (6, 1, 0, Outcome.UNSENT),
    )
    assert frames.rows(frames.errors(view, zero=1.0)) == [
        {"what": "HTTP 503", "count": 2, "first_s": 0.0, "last_s": 2.0},
        {"what": "HTTP 404", "count": 1, "first_s": 3.0, "last_s": 3.0},
        {"what": "refused", "count": 1, "first_s": 1.0, "last_s": 1.0},
        {"what": "not sent (load generator)", "count": 1, "first_s": 5.0, "last_s": 5.0},
    ]


def test_criteria(passed: tuple[Verdict, RunView]) -> None:
    """Judged criteria come first; bounds show where the criterion's own words leave them out."""
    frame = frames.criteria(passed[0])
    assert frame["id"].tolist() == [f"SC-{number:03}" for number in (8, 9, 10, 11, 1, 2, 3, 4, 5, 6, 7)]
    assert frame["bounds"].tolist()[:4] == ["", "", "[10.4, 11.6]", "[0.63, 1.92]"]
    assert frames.criteria(passed[0].model_copy(update={"criteria": ()})).empty


def test_phases(passed: tuple[Verdict, RunView]) -> None:
    """Times count from the fault, places are percentages, and an open phase reaches to the end of the run."""
    rows = (
        Phase(name="scheduled", start_s=10.0, end_s=15.0, source="w"),
        Phase(name="Ready", start_s=15.0, end_s=None, source="w"),
    )
    found = frames.rows(frames.phases(passed[0].model_copy(update={"phases": rows})))
    assert found[0] == {
        "name": "scheduled",
        "start_s": 0.0,
        "length_s": 5.0,
        "source": "w",
        "left": 0.0,
        "width": 25.0,
    }
    assert (found[1]["left"], found[1]["width"]) == (25.0, 75.0)
    assert math.isnan(found[1]["length_s"])  # type: ignore[arg-type]


def test_phases_stay_inside_their_column(passed: tuple[Verdict, RunView]) -> None:
    """Endless, backward and empty phases give percentages that a style sheet can use."""
    rows = tuple(
        Phase(name="x", start_s=start, end_s=end, source="")
        for start, end in ((10.0, math.inf), (12.0, 11.0), (math.nan, 13.0), (14.0, 14.0))
    )
    frame = frames.phases(passed[0].model_copy(update={"phases": rows}))
    for column in ("left", "width"):
        assert frame[column].between(0, 100).all()


def test_traffic_and_endpoints(passed: tuple[Verdict, RunView]) -> None:
    """Stretches count from the fault and keep the verdict's numbers."""
    stretch = frames.rows(frames.traffic(passed[0]))[1]
    assert (stretch["name"], stretch["start_s"], stretch["requests"], stretch["unanswered"]) == (
        "during",
        0.0,
        1220,
        14,
    )
    endpoint = frames.rows(frames.endpoints(passed[0]))[0]
    assert (endpoint["endpoint"], endpoint["connection"], endpoint["unanswered"]) == (
        "GET /tasks",
        "fresh",
        12,
    )
