"""Targets: parsed once, compared with intervals, three-valued."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.target import UNITS, Target
from gameday.verdict import Measurement, Status

PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.UNKNOWN
INF = math.inf


def interval(low: float | None, high: float | None, unit: str = "s") -> Measurement:
    return Measurement(name="m", low=low, high=high, value=low, unit=unit)


@pytest.mark.parametrize(
    ("target", "low", "high", "verdict"),
    [
        ("< 30 s", 1, 29.9, PASS),
        ("< 30 s", 29, 30, UNKNOWN),
        ("< 30 s", 30, 30, FAIL),
        ("< 30 s", 30, INF, FAIL),
        ("< 30 s", 0, INF, UNKNOWN),
        ("<= 30 s", 29, 30, PASS),
        ("<= 30 s", 30, 31, UNKNOWN),
        ("<= 30 s", 30.1, 31, FAIL),
        ("= 0 s", 0, 0, PASS),
        ("= 0 s", 0, 1, UNKNOWN),
        ("= 0 s", 1, 14, FAIL),
        ("= 0 s", 1, INF, FAIL),
        ("= 3 s", 1, 5, UNKNOWN),
        ("= 3 s", 4, 4, FAIL),
        (">= 720 s", 720, 800, PASS),
        (">= 720 s", 719, 720, UNKNOWN),
        (">= 720 s", 1, 719, FAIL),
        ("> 0 s", 0.1, 3, PASS),
        ("> 0 s", 0, 3, UNKNOWN),
        ("> 0 s", 0, 0, FAIL),
    ],
)
def test_the_whole_interval_none_of_it_or_some_of_it(target: str, low: float, high: float, verdict: Status) -> None:
    """PASS when all of the interval meets the target, FAIL when none does, UNKNOWN otherwise."""
    assert Target.parse(target).judge(interval(low, high)) is verdict


@pytest.mark.parametrize(
    ("target", "value", "unit", "verdict"),
    [
        ("< 500 ms", 0.499, "s", PASS),
        ("< 500 ms", 500, "ms", FAIL),
        ("< 0.5 s", 499.9, "ms", PASS),
        ("<= 0.1 %", 0.001, "ratio", PASS),
        ("<= 0.1 %", 0.00101, "ratio", FAIL),
        ("<= 30 min", 1800, "s", PASS),
        ("<= 24 h", 86401, "s", FAIL),
        (">= 720 h", 30, "d", PASS),
    ],
)
def test_units_of_one_dimension_are_converted(target: str, value: float, unit: str, verdict: Status) -> None:
    """A target and a measurement may be written in different units of the same dimension."""
    assert Target.parse(target).judge(interval(value, value, unit)) is verdict


@pytest.mark.parametrize(
    "measurement",
    [
        interval(None, None),
        interval(1, None),
        interval(None, 1),
        interval(math.nan, math.nan),
        interval(0, math.nan),
        interval(2, 1),
        interval(1, 1, "requests"),
        interval(1, 1, "parsecs"),
    ],
)
@pytest.mark.parametrize("target", ["< 30 s", ">= 0 s", "= 1 s"])
def test_what_cannot_be_compared_is_unknown(target: str, measurement: Measurement) -> None:
    """No bounds, NaN, bounds the wrong way round, another dimension or an unknown unit never pass and never fail."""
    assert Target.parse(target).judge(measurement) is UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30 s",
        "< 30",
        "< s",
        "< -1 s",
        "< 1e3 s",
        "== 0 requests",
        "!= 0 requests",
        "< 30 s or so",
        "< 30\u00a0 s;",
        "≤ 30 s",
        "< .5 s",
        "< ٣٠ s",
        "< " + "9" * 400 + " s",
    ],
)
def test_what_is_no_target_is_refused(text: str) -> None:
    """Only an operator, a plain finite decimal number and a unit are a target."""
    with pytest.raises(ValueError, match="no target"):
        Target.parse(text)


@pytest.mark.parametrize("unit", ["sec", "MS", "%%", "Requests", "usd", "m"])
def test_an_unknown_unit_is_named_with_the_known_ones(unit: str) -> None:
    """The message quotes the unit and lists what exists; case matters."""
    with pytest.raises(ValueError, match=f"unknown unit '{unit}'; the units are ms, s, min"):
        Target.parse(f"< 30 {unit}")


def test_it_reads_back_as_it_was_written() -> None:
    """The text form is what a report shows."""
    assert [str(Target.parse(text)) for text in ("<30s", " <=  0.10 % ", ">= 720 h")] == [
        "< 30 s",
        "<= 0.1 %",
        ">= 720 h",
    ]


@given(
    operator=st.sampled_from(["<", "<=", "=", ">=", ">"]),
    number=st.decimals(0, 10**6, places=3),
    unit=st.sampled_from(sorted(UNITS)),
)
def test_every_well_formed_target_parses(operator: str, number: object, unit: str) -> None:
    """Any operator, non-negative decimal and known unit parse to just that."""
    found = Target.parse(f"{operator} {number} {unit}")
    assert (found.operator, found.value, found.unit) == (operator, float(str(number)), unit)


@given(st.text())
def test_any_text_parses_or_is_refused_in_words(text: str) -> None:
    """Nothing but a ValueError ever comes out, and what parses can be written and parsed again."""
    try:
        found = Target.parse(text)
    except ValueError:
        return
    assert Target.parse(str(found)).unit == found.unit


bounds = st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)).map(sorted)


@given(bounds=bounds, inner=bounds, operator=st.sampled_from(["<", "<=", "=", ">=", ">"]), limit=st.integers(0, 10**6))
def test_a_narrower_interval_never_contradicts(
    bounds: list[float], inner: list[float], operator: str, limit: int
) -> None:
    """What a wide interval decided, every interval inside it decides the same way."""
    target = Target.parse(f"{operator} {limit} s")
    low, high = bounds
    wide = target.judge(interval(low, high))
    inside = sorted(min(max(number, low), high) for number in inner)
    narrow = target.judge(interval(inside[0], inside[1]))
    assert wide is UNKNOWN or narrow is wide
