import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from gameday.errors import TrafficError
from gameday.store.requests import read
from gameday.timeline import Outcome, Requests
from loadgen.process import TrafficProcess
from loadgen.profile import Endpoint, LoadProfile
from loadgen.protocol import LoadPlan, Progress, check_totals


class Attempt(Protocol):
    """A request that arrived at conftest's server."""

    nth: int
    fresh: bool
    headers: dict[bytes, bytes]


class Server(Protocol):
    """What the tests use of conftest's server."""

    url: str
    attempts: list[Attempt]
    connections: int


def profile(*paths: str, rate: float = 20.0, duration: float = 30.0, **more: float) -> LoadProfile:
    """A profile of GET requests, or of others where the path starts with their method."""
    endpoints = []
    for path in paths:
        method, _, rest = ("GET " + path if path.startswith("/") else path).partition(" ")
        payload = {"title": "{n}"} if method == "POST" else None
        endpoint = {"name": path, "method": method, "path": rest, "weight": 1, "payload": payload}
        endpoints.append(Endpoint.model_validate(endpoint))
    usual = {"connect_timeout_s": 0.5, "response_timeout_s": 0.5, "max_in_flight": 1000}
    return LoadProfile(
        rate_per_s=rate,
        max_duration_s=duration,
        endpoints=tuple(endpoints),
        **{**usual, **more},  # type: ignore[arg-type]  # floats and an int
    )


def run_to_its_end(process: TrafficProcess, plan: LoadPlan) -> Requests:
    """All rows of a plan that ends by itself; nothing is missing from them."""
    process.wait_started()
    process._running().wait(20)
    assert process.died_early
    totals = process.stop()
    assert process.died == f"it ended by itself; max_duration_s of the load is {plan.profile.max_duration_s:g}"
    assert totals is not None
    rows = read([Path(plan.folder) / plan.requests_name])
    assert check_totals(totals, len(rows)) == []
    return rows


def of_endpoint(rows: Requests, index: int) -> list[tuple[str, int]]:
    """The distinct ends of one endpoint's requests."""
    chosen = rows.endpoint == index
    ends = zip(rows.outcome[chosen].tolist(), rows.status[chosen].tolist(), strict=True)
    return sorted({(Outcome(outcome).name, status) for outcome, status in ends})


EXPECTED = {
    "/ok": [("ANSWERED", 200)],
    "POST /ok": [("ANSWERED", 200)],
    "HEAD /redirect": [("ANSWERED", 302)],
    "/redirect": [("ANSWERED", 302)],
    "/binary-500": [("ANSWERED", 500)],
    "/chunked": [("ANSWERED", 200)],
    "/interim": [("ANSWERED", 204)],
    "/until-end": [("ANSWERED", 200)],
    "/cookie": [("ANSWERED", 200)],
    "/close-idle": [("ANSWERED", 200)],
    "/trickle": [("TIMEOUT", 0)],
    "/silent": [("TIMEOUT", 0)],
    "/half": [("RESET", 0)],
    "/rst": [("RESET", 0)],
    "POST /rst": [("RESET", 0)],
    "/garbage": [("BROKEN", 0)],
}


def test_every_end_of_a_request_is_one_attempt_and_one_row(
    trickster: Server, traffic: TrafficProcess, tmp_path: Path
) -> None:
    """Each kind of answer and failure has its outcome and status, and nothing is repeated behind our back."""
    plan = LoadPlan(url=trickster.url, profile=profile(*EXPECTED, rate=64.0, duration=1.0), folder=str(tmp_path))
    traffic.start(plan)
    rows = run_to_its_end(traffic, plan)
    assert {name: of_endpoint(rows, index) for index, name in enumerate(rows.endpoints)} == EXPECTED
    assert len(rows) == len(trickster.attempts) == 64
    slow = rows.outcome == Outcome.TIMEOUT
    assert (rows.end_ns - rows.start_ns)[slow].max() < 0.9e9
    assert (rows.end_ns - rows.start_ns)[~slow].max() < 0.5e9
    fresh = [attempt.nth for attempt in trickster.attempts if attempt.fresh]
    assert fresh == [1] * 32
    assert rows.fresh.sum() == 32
    assert any(attempt.nth > 1 for attempt in trickster.attempts)
    assert not any(b"cookie" in attempt.headers for attempt in trickster.attempts)


def test_a_kept_connection_closed_upon_its_second_request_is_a_reset(
    trickster: Server, traffic: TrafficProcess, tmp_path: Path
) -> None:
    """The library would send GET and PUT again and hide what the user saw: here each arrives exactly once."""
    methods = ("/second", "POST /second", "PUT /second")
    wanted = profile(*methods, rate=24.0, duration=1.0, fresh_share=0.0, keep_alive_connections=1)
    plan = LoadPlan(url=trickster.url, profile=wanted, folder=str(tmp_path))
    traffic.start(plan)
    rows = run_to_its_end(traffic, plan)
    assert rows.outcome.tolist() == [Outcome.ANSWERED, Outcome.RESET] * 12
    assert {of_endpoint(rows, index)[1] for index in range(3)} == {("RESET", 0)}
    assert len(trickster.attempts) == 24
    assert trickster.connections == 12


def test_a_refused_service_is_rows_of_refusals_and_no_crash(traffic: TrafficProcess, tmp_path: Path) -> None:
    """Locust's exit code 1 means failed requests, which is what a Game Day expects."""
    plan = LoadPlan(url="http://127.0.0.1:1", profile=profile("/", duration=0.5), folder=str(tmp_path))
    traffic.start(plan)
    rows = run_to_its_end(traffic, plan)
    assert rows.outcome.tolist() == [Outcome.REFUSED] * 10


def test_stop_waits_for_answers_under_way_and_turns_none_away_silently(
    trickster: Server, traffic: TrafficProcess, tmp_path: Path
) -> None:
    """With three places and no answer, three requests time out; every later arrival is a row too: UNSENT."""
    wanted = profile("/silent", rate=50.0, response_timeout_s=1.5, max_in_flight=3)
    plan = LoadPlan(url=trickster.url, profile=wanted, folder=str(tmp_path))
    seen: list[Progress] = []
    enough = threading.Event()

    def look(progress: Progress) -> None:
        seen.append(progress)
        if progress.finished >= 10:
            enough.set()

    traffic.start(plan, look)
    traffic.wait_started()
    assert enough.wait(10)
    totals = traffic.stop()
    rows = read([tmp_path / "requests.arrow"])
    assert totals is not None
    assert rows.outcome[:3].tolist() == [Outcome.TIMEOUT] * 3
    assert set(rows.outcome[3:].tolist()) == {Outcome.UNSENT}
    assert check_totals(totals, len(rows)) == [
        f"{len(rows) - 3} requests could not be sent: the load generator reached its own limits."
    ]
    assert seen[-1].in_flight == 3
    assert seen[-1].unanswered == seen[-1].finished
    assert seen[-1].p95_ms_recent is None
    assert traffic.latest == seen[-1]
    assert (traffic.died, traffic.died_early) == ("", False)
    assert traffic.stop() == totals


def test_a_stalled_generator_makes_up_for_every_arrival(
    trickster: Server, traffic: TrafficProcess, tmp_path: Path
) -> None:
    """A generator that stood still for half a second sends what came due meanwhile, late but in full.

    Killed afterwards, it leaves a readable file, and the harness learns that it died.
    """
    plan = LoadPlan(url=trickster.url, profile=profile("/ok", rate=100.0), folder=str(tmp_path))
    finished = threading.Event()
    traffic.start(plan, lambda progress: finished.set() if progress.finished >= 150 else None)
    traffic.wait_started()
    pid = traffic._running().pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.5)  # the stall itself
    os.kill(pid, signal.SIGCONT)
    assert finished.wait(10)
    assert not traffic.died_early
    os.kill(pid, signal.SIGKILL)
    assert traffic.stop() is None
    assert traffic.died_early
    assert traffic.died.startswith("Locust ended by SIGKILL")
    rows = read([tmp_path / "requests.arrow"])
    assert len(rows) >= 150
    assert set(np.diff(rows.intended_ns).tolist()) == {10_000_000}
    assert (rows.start_ns - rows.intended_ns).max() > 0.4e9


def test_a_generator_that_hangs_is_killed(
    trickster: Server, traffic: TrafficProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not answer to the end of its stdin, nor to SIGTERM: SIGKILL, and no totals."""
    monkeypatch.setattr("loadgen.process.KILL_WAIT_S", 0.2)
    traffic.start(LoadPlan(url=trickster.url, profile=profile("/ok"), folder=str(tmp_path)))
    traffic.wait_started()
    os.kill(traffic._running().pid, signal.SIGSTOP)
    assert traffic.stop(0.2) is None
    assert traffic.died.startswith("Locust ended by SIGKILL")


@pytest.mark.parametrize(
    ("url", "requests_name", "reason"),
    [
        ("http://a..b", "requests.arrow", "http://a..b: .*label"),
        ("http://127.0.0.1:1", "none/requests.arrow", "No such file"),
    ],
)
def test_what_cannot_start_says_why(
    traffic: TrafficProcess, tmp_path: Path, url: str, requests_name: str, reason: str
) -> None:
    """One message, with the reason that the process gave."""
    plan = LoadPlan(url=url, profile=profile("/"), folder=str(tmp_path), requests_name=requests_name)
    traffic.start(plan)
    with pytest.raises(TrafficError, match=f"(?s)did not start: Locust ended with exit code .*{reason}"):
        traffic.wait_started()
    assert traffic.died_early


def test_a_prepared_process_that_is_not_needed_goes_away(traffic: TrafficProcess) -> None:
    """Stopped before a plan came, it is no failure."""
    assert traffic.alive
    assert traffic.stop() is None
    assert (traffic.alive, traffic.died) == (False, "")


HARNESS = """
import sys
from pathlib import Path
from loadgen.process import TrafficProcess
from loadgen.protocol import LoadPlan
assert not {"locust", "gevent", "pyarrow", "numpy"} & set(sys.modules)
process = TrafficProcess()
process.start(LoadPlan.model_validate_json(sys.argv[1]))
process.wait_started()
print(process._running().pid, flush=True)
process._reader.join()
"""


def test_traffic_ends_with_its_harness(trickster: Server, tmp_path: Path) -> None:
    """After a SIGKILL of the harness the generator ends in good order by itself."""
    plan = LoadPlan(url=trickster.url, profile=profile("/ok"), folder=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", HARNESS, plan.model_dump_json()], stdout=subprocess.PIPE, text=True
    ) as harness:
        assert harness.stdout is not None
        pid = int(harness.stdout.readline())
        descriptor = os.pidfd_open(pid)
        harness.kill()
    ended = select.select([descriptor], [], [], 10)[0]  # a pidfd is readable when its process has ended
    os.close(descriptor)
    assert ended
    assert (tmp_path / "requests.arrow").read_bytes().endswith(b"\xff\xff\xff\xff\x00\x00\x00\x00")
