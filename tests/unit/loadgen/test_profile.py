from pathlib import Path

import pytest

from gameday.errors import BadInputError
from loadgen.prepared import PreparedRequest
from loadgen.profile import Endpoint, load_profile

GOOD = """
rate_per_s: 100
max_duration_s: 60
endpoints:
  - {name: list, method: GET, path: /tasks, weight: 4}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "load.yaml"
    path.write_text(text)
    return path


def test_the_task_api_profile_is_the_one_that_was_agreed() -> None:
    """GET /tasks four times for each POST /tasks, half of them on fresh connections."""
    profile = load_profile(Path(__file__).parents[3] / "experiments/task-api/load.yaml")
    assert [(e.method, e.path, e.weight) for e in profile.endpoints] == [
        ("GET", "/tasks", 4),
        ("POST", "/tasks", 1),
    ]
    assert profile.endpoints[1].payload == {"title": "game day {n}"}
    assert (profile.fresh_share, profile.max_in_flight) == (0.5, 10_000)


def test_defaults_fill_what_is_left_out(tmp_path: Path) -> None:
    """Only the rate, the longest duration and the endpoints have to be said."""
    profile = load_profile(write(tmp_path, GOOD))
    assert (profile.fresh_share, profile.connect_timeout_s, profile.response_timeout_s) == (0.5, 2.0, 5.0)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("rate_per_s: 100", "rate_per_s: fast", r"load.yaml:2: rate_per_s: .*number"),
        ("rate_per_s: 100", "rate_per_s: 0", r"load.yaml:2: rate_per_s: .*greater than 0"),
        ("rate_per_s: 100", "rate_per_s: 100\nspeed: 3", r"load.yaml:3: speed: Extra inputs"),
        ("rate_per_s: 100", "rate_per_s: 100\nrate_per_s: 200", "'rate_per_s' stands there twice"),
        ("max_duration_s: 60\n", "", "max_duration_s: Field required"),
        ("path: /tasks", "path: tasks", "path: String should match"),
        ("path: /tasks", "path: //elsewhere/x", "names another host"),
        ("path: /tasks", 'path: "/a b"', "path: String should match"),
        ("method: GET", "method: BREW", "method: Input should be"),
        ("weight: 4", "weight: 0", "weight: .*greater than or equal to 1"),
        ("rate_per_s: 100", "rate_per_s: 100\nconnect_timeout_s: 9", "longer than response_timeout_s"),
        (
            "weight: 4}",
            "weight: 4}\n  - {name: list, method: GET, path: /, weight: 1}",
            "the same name: list",
        ),
    ],
)
def test_wrong_files_are_refused_with_the_place_and_the_reason(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    """The message names the file, the line and the field."""
    with pytest.raises(BadInputError, match=complaint):
        load_profile(write(tmp_path, GOOD.replace(old, new)))


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    """No traceback, but a message."""
    with pytest.raises(BadInputError, match="No such file"):
        load_profile(tmp_path / "none.yaml")


def test_a_request_carries_the_number_of_its_arrival() -> None:
    """The placeholder is replaced in the path and in the payload, and JSON says so in its header."""
    endpoint = Endpoint(name="put", method="PUT", path="/tasks/{n}", weight=1, payload={"title": "day {n}"})
    request = PreparedRequest.of(endpoint)
    assert (request.path(7), request.body(7)) == ("/tasks/7", b'{"title": "day 7"}')
    assert request.headers(fresh=False)["Content-Type"] == "application/json"


def test_only_fresh_requests_ask_for_the_connection_to_be_closed() -> None:
    """Kept ones say nothing, which means keep-alive in HTTP/1.1."""
    request = PreparedRequest.of(Endpoint(name="get", method="GET", path="/", weight=1))
    assert "Connection" not in request.headers(fresh=False)
    assert request.headers(fresh=True)["Connection"] == "close"
    assert request.body(1) == b""


def test_own_headers_win_whatever_their_case() -> None:
    """A profile may ask for another format; the usual header is then left out, not doubled."""
    endpoint = Endpoint(name="get", method="GET", path="/", weight=1, headers={"accept": "text/csv"})
    headers = PreparedRequest.of(endpoint).headers(fresh=False)
    assert {name.lower(): value for name, value in headers.items()}["accept"] == "text/csv"
    assert "Accept" not in headers
