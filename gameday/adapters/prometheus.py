"""Raw samples from Prometheus, for the cross-check: never `rate` or `increase`, which extrapolate to window edges."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gameday.adapters.service_url import check_form
from gameday.errors import BadInputError, ClusterError

if TYPE_CHECKING:
    from prometheus_api_client import PrometheusConnect

TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """One scraped value: its series' labels, Unix milliseconds, the value."""

    labels: tuple[tuple[str, str], ...]
    t_ms: int
    value: float


def check(url: str) -> None:
    """Make sure that a Prometheus answers there.

    Raises:
        BadInputError: It does not, or the URL has a password in it, which would be stored with the run.
    """
    check_form(url)
    try:
        _connect(url).custom_query("vector(1)")
    except Exception as error:
        if "Status Code 400" in str(error):
            return  # it speaks the API and only refuses this query
        raise BadInputError(
            f"Prometheus at {url}: {error}",
            "an answer of its HTTP API",
            "Correct the URL, or leave it out to go without.",
        ) from error


def samples(url: str, metric: str, namespace: str, seconds: int, at_s: float) -> list[Sample]:
    """Every sample of a metric in a namespace over the `seconds` before the Unix time `at_s`.

    Raises:
        ClusterError: Prometheus did not answer, or not as documented.
    """
    query = f'{metric}{{namespace="{namespace}"}}[{seconds}s]'
    try:
        found = _connect(url).custom_query(query, params={"time": f"{at_s:.3f}"})
        return list(_rows(found))
    except Exception as error:
        raise ClusterError(
            f"Prometheus at {url}, query {query}: {error}",
            "raw samples",
            "Look at Prometheus; the cross-check is left out.",
        ) from error


def _connect(url: str) -> "PrometheusConnect":
    import requests
    from prometheus_api_client import PrometheusConnect
    from urllib3.util.retry import Retry

    session = requests.Session()
    session.trust_env = False  # a proxy variable must not turn the service's own metrics into somebody else's
    return PrometheusConnect(url=url.rstrip("/"), session=session, retry=Retry(0), timeout=TIMEOUT_S)


def _rows(found: list[dict[str, object]]) -> Iterator[Sample]:
    for series in found:
        labels, values = series["metric"], series["values"]
        if not isinstance(labels, dict) or not isinstance(values, list):
            raise TypeError(f"a series of the form {series!r}"[:200])
        key = tuple(sorted((str(name), str(text)) for name, text in labels.items()))
        for moment, text in values:
            yield Sample(key, round(float(moment) * 1000), float(text))


def rows(metric: str, found: list[Sample]) -> Iterator[tuple[str, str, int, float]]:
    """Samples as the run folder stores them: metric, labels as JSON, Unix milliseconds, value."""
    for sample in found:
        yield metric, json.dumps(dict(sample.labels), sort_keys=True), sample.t_ms, sample.value
