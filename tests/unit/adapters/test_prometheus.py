"""Raw samples of Prometheus: asked for plainly, and every failure in words."""

import json
from typing import Any

import pytest

from gameday.adapters import prometheus
from gameday.adapters.prometheus import Sample, check, rows, samples
from gameday.errors import BadInputError, ClusterError

URL = "http://127.0.0.1:9400"


class FakePrometheus:
    """Answers with what it was given, or raises it."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.asked: list[tuple[str, object]] = []

    def custom_query(self, query: str, params: object = None) -> Any:
        self.asked.append((query, params))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the connection answer, and gives the fake."""

    def make(answer: object) -> FakePrometheus:
        fake = FakePrometheus(answer)
        monkeypatch.setattr(prometheus, "_connect", lambda _: fake)
        return fake

    return make


def test_one_that_answers_is_fine(answering: Any) -> None:
    """With a result, or with a refusal of the query: it speaks the API."""
    answering([])
    check(URL)
    answering(RuntimeError("HTTP Status Code 400 (b'bad query')"))
    check(URL)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("HTTPConnectionPool(host='127.0.0.1', port=9400): refused"),
        RuntimeError("HTTP Status Code 404 (b'port 400')"),
        RuntimeError("HTTP Status Code 502 (b'')"),
    ],
)
def test_one_that_does_not_answer_is_bad_input(answering: Any, error: Exception) -> None:
    """Whatever digits stand in the error: a port is no status."""
    answering(error)
    with pytest.raises(BadInputError, match=rf"Prometheus at {URL}: .*leave it out to go without"):
        check(URL)


@pytest.mark.parametrize(
    "url", ["http://ada:hunter2@prometheus:9090", "prometheus:9090", "http://p:9090/?token=hunter2"]
)
def test_a_url_that_would_be_stored_with_a_secret_is_refused(answering: Any, url: str) -> None:
    """It goes into run.json and the report; nothing is asked there."""
    fake = answering([])
    with pytest.raises(BadInputError, match="http://host:port"):
        check(url)
    assert fake.asked == []


def test_samples_are_the_raw_ones(answering: Any) -> None:
    """An instant query of a range, at an explicit time; each value in milliseconds, its labels in order."""
    values = {"metric": {"status": "200", "__name__": "m"}, "values": [[1.5, "3"], [2.25, "NaN"]]}
    fake = answering([values])
    found = samples(URL, "m", "staging", 90, 1_760_000_000.5)
    assert fake.asked == [('m{namespace="staging"}[90s]', {"time": "1760000000.500"})]
    labels = (("__name__", "m"), ("status", "200"))
    assert found[0] == Sample(labels, 1500, 3.0)
    assert (found[1].t_ms, found[1].value != found[1].value) == (2250, True)
    assert [json.loads(row[1]) for row in rows("m", found)] == [{"__name__": "m", "status": "200"}] * 2


@pytest.mark.parametrize(
    "answer",
    [
        ConnectionResetError("reset"),
        [{"metric": {}}],
        [{"metric": [], "values": []}],
        [{"metric": {}, "values": [["soon", "1"]]}],
        [{"metric": {}, "values": [[1, "many"]]}],
    ],
)
def test_an_answer_of_another_form_is_an_error(answering: Any, answer: object) -> None:
    """The cross-check is left out, and says why."""
    answering(answer)
    with pytest.raises(ClusterError, match="the cross-check is left out"):
        samples(URL, "m", "staging", 90, 1.0)
