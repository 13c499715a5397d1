"""The part of PromQL that a reader of raw samples needs: `metric{label="v", label=~"re"}` and `…[120s]`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gameday.rehearsal.prometheus.exposition import unescape
from gameday.rehearsal.prometheus.samples import Samples, Series

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_QUERY = re.compile(
    r"^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(?P<matchers>.*)\})?\s*(?:\[(?P<range>[^\]]+)\])?$",
    re.DOTALL,
)
_MATCHER = re.compile(
    r"""\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*(?:,|$)"""
)

type Matcher = Callable[[dict[str, str]], bool]


class QueryError(Exception):
    """A query that is not understood."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed query."""

    matchers: tuple[Matcher, ...]
    range_s: float | None

    def series(self, samples: Samples) -> list[Series]:
        """Return the series that match."""
        return [series for series in samples if all(matches(series.labels) for matches in self.matchers)]


def duration_s(text: str) -> float:
    """Read a duration such as `120s` or `1m30s`."""
    parts = re.findall(r"(\d+)(ms|s|m|h|d)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise QueryError(f"invalid duration: got {text!r}, expected e.g. 120s or 1m30s")
    return sum(int(number) * _UNITS_S[unit] for number, unit in parts)


def _matcher(label: str, operator: str, value: str) -> Matcher:
    if operator in ("=", "!="):
        return lambda labels: (labels.get(label, "") == value) is (operator == "=")
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise QueryError(f"invalid regular expression {value!r}: {error}") from error
    return lambda labels: bool(pattern.fullmatch(labels.get(label, ""))) is (operator == "=~")


def _matchers(text: str) -> list[Matcher]:
    found, at = [], 0
    while at < len(text.rstrip()):
        part = _MATCHER.match(text, at)
        if part is None:
            raise QueryError(f"unexpected {text[at:]!r} in label matching")
        found.append(_matcher(part[1], part[2], unescape(part[3][1:-1])))
        at = part.end()
    return found


def parse(text: str) -> Selector:
    """Read a query; everything but a selector is refused."""
    found = _QUERY.match(text.strip())
    if found is None or not (found["name"] or found["matchers"]):
        raise QueryError(
            f"the rehearsal answers selectors only: got {text!r}, "
            'expected metric{label="value"} or metric{label="value"}[120s]'
        )
    matchers = _matchers(found["matchers"] or "")
    if found["name"]:
        matchers.append(_matcher("__name__", "=", found["name"]))
    return Selector(tuple(matchers), duration_s(found["range"]) if found["range"] else None)
