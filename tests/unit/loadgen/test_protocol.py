import pytest

from gameday.errors import BadInputError
from loadgen.profile import Endpoint, LoadProfile
from loadgen.protocol import LoadPlan, Totals, check_totals, check_url

PROFILE = LoadProfile(
    rate_per_s=1.0, max_duration_s=1.0, endpoints=(Endpoint(name="a", method="GET", path="/", weight=1),)
)


def totals(**changed: int) -> Totals:
    fields = {
        "scheduled": 100,
        "recorded": 100,
        "locust_requests": 100,
        "locust_failures": 3,
        "unanswered": 3,
        "unsent": 0,
        "recorder_errors": 0,
    }
    return Totals(**{**fields, **changed})  # type: ignore[arg-type]  # `type` has its default


def test_totals_that_agree_give_no_complaint() -> None:
    """Schedule, recorder, file and Locust all have the same hundred."""
    assert check_totals(totals(), 100) == []


@pytest.mark.parametrize(
    ("changed", "rows", "sentence"),
    [
        ({"scheduled": 101}, 100, "100 requests recorded, but 101 came due."),
        ({}, 99, "99 requests stand in the file, but 100 were recorded."),
        ({"locust_requests": 102}, 100, "102 requests were counted by Locust, but 100 were recorded."),
        ({"locust_failures": 2}, 100, "2 requests failed for Locust, but 3 are recorded as unanswered."),
        ({"recorder_errors": 1}, 100, "The recorder had 1 errors; see locust.log."),
        ({"unsent": 1}, 100, "1 requests could not be sent: the load generator reached its own limits."),
    ],
)
def test_each_mismatch_has_its_sentence(changed: dict[str, int], rows: int, sentence: str) -> None:
    """Exactly what does not add up is said, with both numbers."""
    assert check_totals(totals(**changed), rows) == [sentence]


@pytest.mark.parametrize("url", ["http://127.0.0.1:30080", "https://tasks.staging.example/api/"])
def test_http_and_https_urls_pass(url: str) -> None:
    """With or without a port and a base path."""
    assert LoadPlan(url=url, profile=PROFILE, folder="/run").url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "tasks:80",
        "ftp://x/",
        "file:///etc/passwd",
        "http://",
        "http://h:port/",
        "http://u:p@h/",
        "http://h/?q",
    ],
)
def test_other_urls_are_bad_input(url: str) -> None:
    """The message quotes the URL; a password in it would end up in the run folder."""
    with pytest.raises(BadInputError, match="the service's URL"):
        check_url(url)
