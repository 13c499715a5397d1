"""Reading a calibration: what the probes measure of literal requests, beside a literal truth."""

import math
from types import SimpleNamespace

import pytest

from gameday.calibrate import CASES, Case, Reading, between, read
from gameday.timeline import Outcome

OK, REFUSED = Outcome.ANSWERED, Outcome.REFUSED


def traffic(make: SimpleNamespace, begin: float, end: float, broken: tuple[float, float]) -> object:
    """200 requests/s, refused from one second to another."""
    rows = []
    for number in range(round((end - begin) * 200)):
        at = begin + number / 200
        rows.append((at, 0.2, 0, REFUSED) if broken[0] <= at < broken[1] else (at, 2.0, 200, OK))
    return make.requests(*rows)


def test_an_outage_is_measured_within_one_interval(make: SimpleNamespace) -> None:
    """First failed start to last end: up to an interval shorter than the truth, which lies in the bounds."""
    rows = traffic(make, 0, 5, (2.0005, 3.5005))
    reading = read(Case("refuse", 1.5), (make.at(2.0005), make.at(3.5005)), rows)  # type: ignore[arg-type]
    assert reading.case == "outage 1.5 s"
    assert reading.true_ms == pytest.approx(1500)
    assert reading.measured_ms == pytest.approx(1495.2)
    assert reading.low_ms <= reading.true_ms <= reading.high_ms
    assert reading.error_ms == pytest.approx(-4.8)
    assert reading.good


def test_a_burst_is_measured_too(make: SimpleNamespace) -> None:
    """55 ms, 11 requests."""
    rows = traffic(make, 0, 4, (2.0, 2.055))
    reading = read(Case("refuse", 0.055), (make.at(2), make.at(2.055)), rows)  # type: ignore[arg-type]
    assert reading.case == "outage 55 ms"
    assert reading.measured_ms == pytest.approx(50.2)
    assert reading.good


def test_the_neighbours_outages_are_not_counted(make: SimpleNamespace) -> None:
    """Only what lies around this one's truth."""
    rows = make.requests(
        *[(n / 200, 0.2, 0, REFUSED) if n in {100, 400, 401, 700} else (n / 200, 2, 200, OK) for n in range(800)]
    )
    reading = read(Case("refuse", 0.01), (make.at(2.0), make.at(2.01)), rows)
    assert reading.measured_ms == pytest.approx(5.2)


def test_an_outage_that_nobody_noticed_is_a_large_error(make: SimpleNamespace) -> None:
    """Zero against 1,500 ms is not good."""
    rows = traffic(make, 0, 5, (9, 9))
    reading = read(Case("refuse", 1.5), (make.at(2), make.at(3.5)), rows)  # type: ignore[arg-type]
    assert (reading.measured_ms, reading.good) == (0, False)


def test_no_requests_at_all_are_not_good(make: SimpleNamespace) -> None:
    """NaN is within no tolerance."""
    reading = read(Case("refuse", 1.5), (make.at(2), make.at(3.5)), make.requests())
    assert math.isnan(reading.measured_ms)
    assert not reading.good


def test_the_p95_of_a_stall(make: SimpleNamespace) -> None:
    """Who arrives t seconds into a stall of 2 s waits 2 - t: the 95th percentile is 1.9 s."""
    rows = [(n / 200, max(2.0, (4.0 - n / 200) * 1000) if 2 <= n / 200 <= 4 else 2.0, 200, OK) for n in range(1200)]
    reading = read(Case("stall", 2.0), (make.at(2), make.at(4)), make.requests(*rows))
    assert reading.case == "P95 of a stall of 2 s"
    assert reading.true_ms == pytest.approx(1900)
    assert reading.measured_ms == pytest.approx(1900, abs=5)
    assert reading.low_ms <= reading.true_ms <= reading.high_ms


@pytest.mark.parametrize(("error", "good"), [(0, True), (25, True), (-25, True), (25.1, False), (-25.1, False)])
def test_the_tolerance(error: float, good: bool) -> None:  # noqa: FBT001 - a table's column
    """25 ms, on both sides."""
    assert Reading("x", 100, 100 + error, 0, 0).good is good


def test_a_stretch_holds_both_its_edges(make: SimpleNamespace) -> None:
    """Every column of the same requests."""
    rows = make.requests((0, 1, 200, OK), (1, 2, 201, OK), (2, 3, 0, REFUSED), (3, 4, 200, OK))
    found = between(rows, make.at(1), make.at(2))
    assert found.status.tolist() == [201, 0]
    assert (found.end_ns - found.intended_ns).tolist() == [2_000_000, 3_000_000]
    assert found.endpoints == rows.endpoints


def test_the_cases_are_those_that_were_promised() -> None:
    """Outages of 55 ms to 20 s and a stall, each with a name of its own."""
    names = [case.name for case in CASES]
    assert {
        "outage 55 ms",
        "outage 1.5 s",
        "outage 3.5 s",
        "outage 6 s",
        "outage 20 s",
        "P95 of a stall of 2 s",
    } <= set(names)
    assert len(set(names)) == len(names)
