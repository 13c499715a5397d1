"""Prometheus's HTTP API, as far as prometheus-api-client needs it for raw samples."""

import math
import time
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from gameday.rehearsal.http import Request, Response, json_response
from gameday.rehearsal.prometheus.query import QueryError, duration_s, parse
from gameday.rehearsal.prometheus.samples import Sample, Samples

if TYPE_CHECKING:
    from collections.abc import Callable

_CONFIG = "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n- job_name: pods\n"
_MAX_POINTS = 11_000
_VERSION = "3.14.0+rehearsal"


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)  # noqa: PLR2004 - exact integers


def _pair(sample: Sample) -> list[float | str]:
    return [sample[0], _number(sample[1])]


def _success(data: object) -> Response:
    return json_response({"status": "success", "data": data})


def _time(text: str | None) -> float:
    if not text:
        return time.time()
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise QueryError(f'invalid parameter "time": cannot parse {text!r} to a valid timestamp') from error


def _step(text: str | None) -> float:
    try:
        seconds = float(text or "")
    except ValueError:
        seconds = duration_s(text or "")
    if seconds <= 0:
        raise QueryError('invalid parameter "step": zero or negative query resolution step widths are not accepted')
    return seconds


class PrometheusApi:
    """Answers queries about the samples."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        given = dict(request.query)
        if request.method == "POST":
            given.update(parse_qsl(request.body.decode("utf-8", "replace")))
        try:
            return self._answer(request.path.rstrip("/"), given)
        except QueryError as error:
            return json_response({"status": "error", "errorType": "bad_data", "error": str(error)}, 400)

    def _answer(self, path: str, given: dict[str, str]) -> Response:
        if path in ("", "/-/ready", "/-/healthy", "/graph"):
            return Response(200, b"Prometheus Server is Ready.\n", "text/plain; charset=utf-8")
        answers: dict[str, Callable[[], Response]] = {
            "/api/v1/query": lambda: self._query(given),
            "/api/v1/query_range": lambda: self._query_range(given),
            "/api/v1/label/__name__/values": lambda: _success(self._names()),
            "/api/v1/labels": lambda: _success(sorted({label for series in self._samples for label in series.labels})),
            "/api/v1/status/config": lambda: _success({"yaml": _CONFIG}),
            "/api/v1/status/buildinfo": lambda: _success({"version": _VERSION}),
        }
        answer = answers.get(path)
        return answer() if answer else Response(404, b"404 page not found\n", "text/plain; charset=utf-8")

    def _names(self) -> list[str]:
        return sorted({series.labels["__name__"] for series in self._samples})

    def _query(self, given: dict[str, str]) -> Response:
        selector, when = parse(given.get("query", "")), _time(given.get("time"))
        found = selector.series(self._samples)
        if selector.range_s is None:
            instants = [(series.labels, series.at(when)) for series in found]
            vector = [
                {"metric": labels, "value": _pair((when, value))} for labels, value in instants if value is not None
            ]
            return _success({"resultType": "vector", "result": vector})
        ranges = [(series.labels, series.between(when - selector.range_s, when)) for series in found]
        matrix = [{"metric": labels, "values": [_pair(s) for s in samples]} for labels, samples in ranges if samples]
        return _success({"resultType": "matrix", "result": matrix})

    def _query_range(self, given: dict[str, str]) -> Response:
        selector = parse(given.get("query", ""))
        if selector.range_s is not None:
            raise QueryError('invalid expression type "range vector" for range query, must be Scalar or instant Vector')
        start, end, step = _time(given.get("start")), _time(given.get("end")), _step(given.get("step"))
        count = int((end - start) / step) + 1
        if count > _MAX_POINTS:
            raise QueryError("exceeded maximum resolution of 11,000 points per timeseries")
        steps = [start + at * step for at in range(count)]
        matrix = []
        for series in selector.series(self._samples):
            values = [_pair((when, value)) for when in steps if (value := series.at(when)) is not None]
            if values:
                matrix.append({"metric": series.labels, "values": values})
        return _success({"resultType": "matrix", "result": matrix})
