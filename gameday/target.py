"""Targets such as `< 30 s` or `<= 0.1 %`: parsed once, compared with intervals, three-valued."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from gameday.verdict import Measurement, Status

type Operator = Literal["<", "<=", "=", ">=", ">"]

UNITS: dict[str, tuple[str, float]] = {
    "ms": ("s", 0.001),
    "s": ("s", 1.0),
    "min": ("s", 60.0),
    "h": ("s", 3600.0),
    "d": ("s", 86400.0),
    "%": ("ratio", 0.01),
    "ratio": ("ratio", 1.0),
    "requests": ("requests", 1.0),
    "pods": ("pods", 1.0),
    "hooks": ("hooks", 1.0),
    "USD": ("USD", 1.0),
}
"""Every unit that a target may have: its dimension, and its size in that dimension's base unit."""

_TARGET = re.compile(r"\s*(<=|>=|<|>|=)\s*(\d+(?:\.\d+)?)\s*([A-Za-z%]+)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a measurement, in the unit that the specification wrote."""

    operator: Operator
    value: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read `<operator> <number> <unit>`.

        Raises:
            ValueError: Says what was seen and which forms and units exist.
        """
        match = _TARGET.fullmatch(text)
        if match is None or math.isinf(float(match.group(2))):
            raise ValueError(f"{text!r} is no target; write an operator, a number and a unit, such as '< 30 s'")
        operator, number, unit = match.groups()
        if unit not in UNITS:
            raise ValueError(f"unknown unit {unit!r}; the units are {', '.join(UNITS)}")
        return cls(operator, float(number), unit)  # type: ignore[arg-type]

    @property
    def dimension(self) -> str:
        """What is compared, as its base unit: `s`, `ratio`, `requests` and so on."""
        return UNITS[self.unit][0]

    def __str__(self) -> str:
        return f"{self.operator} {self.value:.15g} {self.unit}"

    def judge(self, measurement: Measurement) -> Status:
        """PASS when the whole interval meets the target, FAIL when none of it does, UNKNOWN otherwise.

        A measurement without bounds, with NaN, or of another dimension is UNKNOWN.
        """
        if measurement.low is None or measurement.high is None or measurement.unit not in UNITS:
            return Status.UNKNOWN
        dimension, size = UNITS[measurement.unit]
        low, high = measurement.low * size, measurement.high * size
        if dimension != self.dimension or math.isnan(low) or math.isnan(high) or low > high:
            return Status.UNKNOWN
        return self._verdict(low, high, self.value * UNITS[self.unit][1])

    def _verdict(self, low: float, high: float, bound: float) -> Status:
        """The whole interval, none of it, or some of it, on the right side of the bound."""
        meets_all, meets_some = {
            "<": (high < bound, low < bound),
            "<=": (high <= bound, low <= bound),
            ">": (low > bound, high > bound),
            ">=": (low >= bound, high >= bound),
            "=": (low == high == bound, low <= bound <= high),
        }[self.operator]
        if meets_all:
            return Status.PASS
        return Status.UNKNOWN if meets_some else Status.FAIL
