"""Numbers in words: exact texts."""

import math

import pytest

from reports import words

INF = math.inf


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not measured"),
        (math.nan, "not measured"),
        (INF, "no answer"),
        (-INF, "no bound"),
        (0.0, "0"),
        (-0.0, "0"),
        (6.1, "6.1"),
        (6.104, "6.1"),
        (9.999, "10"),
        (0.0123, "0.0123"),
        (-2.5, "-2.5"),
        (1507.4, "1,507"),
        (1234567, "1,234,567"),
        (1e-9, "1e-09"),
        (1e18, "1e+18"),
    ],
)
def test_number(value: float | None, text: str) -> None:
    """Three significant digits, thousands separators, and words where there is no number."""
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("bounds", "unit", "text"),
    [
        ((6.1, 6.09, 6.12), "s", "6.1 s [6.09, 6.12]"),
        ((6.104, 6.098, 6.11), "s", "6.104 s [6.098, 6.11]"),
        ((0, 0, 0), "requests", "0 requests"),
        ((0.23, 0.1, 0.4), "%", "0.23 % [0.1, 0.4]"),
        ((12, None, 14), "ms", "12 ms"),
        ((None, None, None), "s", "not measured"),
        ((INF, 490, INF), "ms", "no answer (at least 490 ms)"),
        ((480, 470, INF), "ms", "480 ms [470, no answer]"),
        ((3, 2, 4), "", "3 [2, 4]"),
    ],
)
def test_interval(bounds: tuple[float | None, float | None, float | None], unit: str, text: str) -> None:
    """Bounds show with as many digits as it takes to tell them from the value."""
    assert words.interval(*bounds, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(6.1, "+6.100 s"), (-10, "-10.000 s"), (-0.0, "+0.000 s"), (None, "not seen"), (INF, "not seen")],
)
def test_offset(value: float | None, text: str) -> None:
    """Times on the fault's clock carry their sign and milliseconds."""
    assert words.offset(value) == text


def test_counts_and_shares() -> None:
    """Counts have thousands separators, and a share of nothing is not measured."""
    assert words.count(6012) == "6,012"
    assert words.plural(1, "request") == "1 request"
    assert words.plural(0, "request") == "0 requests"
    assert words.plural(2, "retry", "retries") == "2 retries"
    assert words.share(14, 6000) == "0.233 %"
    assert words.share(0, 0) == "not measured"
    assert words.ms(INF) == "no answer"
    assert words.seconds(6.1) == "6.1 s"
