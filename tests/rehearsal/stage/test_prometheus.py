"""The small Prometheus: raw samples, selectors, and errors for everything else."""

from __future__ import annotations

import http.client
import json
import time
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from gameday.rehearsal.prometheus.exposition import parse as parse_text
from gameday.rehearsal.prometheus.query import QueryError, parse
from gameday.rehearsal.prometheus.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Api

    from gameday.rehearsal.objects import Obj


def ask(port: int, query: str, at: float | None = None) -> tuple[int, Obj]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    when = "" if at is None else f"&time={at}"
    connection.request("GET", f"/api/v1/query?query={quote(query)}{when}", headers={"Connection": "close"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body


def test_a_kubeconfig_leads_to_raw_samples(api: Api, eventually: Callable[..., object]) -> None:
    """The Service `prometheus` says where; a range selector returns what was scraped, a second apart."""
    (service,) = api.send("GET", "/api/v1/services?labelSelector=app.kubernetes.io%2Fname%3Dprometheus")[1]["items"]
    port = service["spec"]["ports"][0]["nodePort"]
    pod = api.pods("app=task-api")[0]["metadata"]["name"]
    query = f'up{{namespace="staging",pod="{pod}"}}[10s]'
    eventually(lambda: any(len(series["values"]) > 2 for series in ask(port, query)[1]["data"]["result"]))
    _, body = ask(port, query)
    assert body["data"]["resultType"] == "matrix"
    for series in body["data"]["result"]:
        assert {"namespace", "pod", "instance", "job"} <= series["metric"].keys()
        assert series["metric"]["job"] == "pods"
        times = [at for at, _ in series["values"]]
        assert all(0.5 < later - earlier < 3 for earlier, later in pairwise(times))


def test_counters_agree_with_what_was_asked(api: Api, eventually: Callable[..., object]) -> None:
    """After the next scrape the sum over the pods counts every request that was made."""
    (service,) = api.send("GET", "/api/v1/services?labelSelector=app.kubernetes.io%2Fname%3Dprometheus")[1]["items"]
    prometheus = service["spec"]["ports"][0]["nodePort"]
    query = 'task_api_requests_total{namespace="staging",pod=~"task-api.*",method="GET",status="200"}'

    def total() -> int:
        return sum(int(series["value"][1]) for series in ask(prometheus, query)[1]["data"]["result"])

    eventually(
        lambda: (
            api.send("GET", "/apis/apps/v1/namespaces/staging/deployments/task-api")[1]["status"].get("readyReplicas")
            == 3
        )
    )
    time.sleep(1.2)  # two scrapes: there is no event for them
    before = total()
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", api.node_port(), timeout=5)
        connection.request("GET", "/tasks", headers={"Connection": "close"})
        assert connection.getresponse().status == 200
        connection.close()
    eventually(lambda: total() == before + 5, within_s=4)


def test_everything_but_a_selector_is_refused_in_prometheuss_words(api: Api) -> None:
    """Functions and operators answer 400 with Prometheus's error shape."""
    (service,) = api.send("GET", "/api/v1/services?labelSelector=app.kubernetes.io%2Fname%3Dprometheus")[1]["items"]
    for query in ("rate(up[5m])", "up + 1", "sum(up)", "{}", "up{a=b}", "up[soon]"):
        code, body = ask(service["spec"]["ports"][0]["nodePort"], query)
        assert (code, body["status"], body["errorType"]) == (400, "error", "bad_data"), query


def samples() -> Samples:
    made = Samples()
    for second in range(5):
        made.add({"__name__": "m", "pod": "a"}, (100.0 + second, float(second)))
        made.add({"__name__": "m", "pod": "b"}, (100.0 + second, float(second * 2)))
    return made


@pytest.mark.parametrize(
    ("query", "pods"),
    [
        ("m", ["a", "b"]),
        ('m{pod="a"}', ["a"]),
        ('m{pod!="a"}', ["b"]),
        ('m{pod=~"a|b"}', ["a", "b"]),
        ('m{pod=~"."}', ["a", "b"]),
        ('m{pod!~"b.*"}', ["a"]),
        ('{__name__="m", pod="b"}', ["b"]),
        ('m{missing=""}', ["a", "b"]),
        ("n", []),
    ],
)
def test_matchers(query: str, pods: list[str]) -> None:
    """The four operators; regular expressions are anchored, a missing label is empty."""
    assert [series.labels["pod"] for series in parse(query).series(samples())] == pods


def test_a_range_excludes_its_beginning_and_includes_its_end() -> None:
    """As Prometheus 3: (time - range, time]."""
    (series,) = parse('m{pod="a"}').series(samples())
    assert series.between(101.0, 103.0) == [(102.0, 2.0), (103.0, 3.0)]


def test_a_series_that_ended_leaves_the_instant_vector() -> None:
    """Its samples stay for range selectors."""
    made = samples()
    made.end({"pod": "a"}, 104.5)
    (series,) = parse('m{pod="a"}').series(made)
    assert (series.at(104.2), series.at(105.0)) == (4.0, None)
    assert len(series.between(0, 200)) == 5


def test_the_text_format_is_read() -> None:
    """Comments, labels with escapes, special values and time stamps; what is no sample is skipped."""
    text = '# HELP m x\nm{a="b\\"c,\\n",le="+Inf"} 3\nplain 1e-3 1700000000\nbroken{\nm_bad x\nnan NaN\n'
    read = list(parse_text(text))
    assert read[0] == ({"__name__": "m", "a": 'b"c,\n', "le": "+Inf"}, 3.0)
    assert read[1] == ({"__name__": "plain"}, 0.001)
    assert [labels["__name__"] for labels, _ in read] == ["m", "plain", "nan"]


def test_a_bad_duration_is_an_error() -> None:
    """A range that cannot be read is refused with the text that was seen."""
    with pytest.raises(QueryError, match="invalid duration: got '5x'"):
        parse("m[5x]")
