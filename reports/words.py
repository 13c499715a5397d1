"""Numbers as a reader wants them: units, bounds, thousands, and words where there is no number."""

import math

NOT_MEASURED = "not measured"
NO_ANSWER = "no answer"

_FEWEST_DIGITS, _MOST_DIGITS = 3, 6
_SMALL, _LARGE = 1e-6, 1e15
"""Outside of these a row of zeros says less than an exponent."""


def number(value: float | None, digits: int = _FEWEST_DIGITS) -> str:
    """A number with `digits` significant digits, all digits before the point, and no trailing zeros.

    None and NaN are "not measured"; infinity is "no answer": only a time that nobody saw the end of is
    infinite.
    """
    if value is None or math.isnan(value):
        return NOT_MEASURED
    if math.isinf(value):
        return NO_ANSWER if value > 0 else "no bound"
    if value == 0:
        return "0"
    if not _SMALL <= abs(value) < _LARGE:
        return f"{value:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity(value: float | None, unit: str, digits: int = _FEWEST_DIGITS) -> str:
    """A number with its unit: "6.1 s"; words stand alone: "no answer"."""
    text = number(value, digits)
    return f"{text} {unit}" if unit and value is not None and math.isfinite(value) else text


def interval(value: float | None, low: float | None, high: float | None, unit: str) -> str:
    """A measured value with its bounds: "6.1 s [6.09, 6.12]"; the bounds go when they say nothing more."""
    if value is None or low is None or high is None or low == value == high:
        return quantity(value, unit)
    if math.isinf(value) and math.isfinite(low):
        return f"{NO_ANSWER} (at least {quantity(low, unit)})"
    digits = _telling_digits(value, low, high)
    return f"{quantity(value, unit, digits)} [{number(low, digits)}, {number(high, digits)}]"


def _telling_digits(*values: float) -> int:
    """The fewest digits with which different values look different."""
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS):
        if len({number(value, digits) for value in values}) == len(set(values)):
            return digits
    return _MOST_DIGITS


def seconds(value: float | None) -> str:
    """A length of time in seconds."""
    return quantity(value, "s")


def ms(value: float | None) -> str:
    """A latency in milliseconds."""
    return quantity(value, "ms")


def count(value: int) -> str:
    """A whole number with thousands separators."""
    return f"{value:,}"


def share(part: int, whole: int) -> str:
    """A part of a whole in percent: "0.23 %"; of nothing there is no part."""
    return f"{number(100 * part / whole)} %" if whole else NOT_MEASURED


def offset(value: float | None) -> str:
    """A time on the fault's clock to the millisecond, always with its sign: "+6.104 s"."""
    if value is None or not math.isfinite(value):
        return "not seen"
    return f"{value + 0.0:+.3f} s"


def plural(value: int, one: str, many: str = "") -> str:
    """A count and its noun: "1 request", "6,012 requests"."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"
