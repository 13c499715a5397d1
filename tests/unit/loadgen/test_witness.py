import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from witness import Witness

from gameday.store.requests import read
from gameday.timeline import Outcome, Requests
from loadgen.process import TrafficProcess
from loadgen.profile import Endpoint, LoadProfile
from loadgen.protocol import LoadPlan, check_totals

HERE = Path(__file__).parent


@contextlib.contextmanager
def service(port: int, seed: int) -> Iterator[subprocess.Popen[str]]:
    """A service that dies in many ways, in a process that can be killed."""
    command = [sys.executable, str(HERE / "dying_service.py"), str(port), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        yield process
        process.kill()


def counted(rows: Requests) -> dict[str, int]:
    """The recorder's rows in the witness's terms."""
    hundreds = np.where(rows.outcome == Outcome.ANSWERED, rows.status // 100, 0)
    found = {"requests": len(rows)}
    for kind, first in (("2xx", 2), ("5xx", 5), ("unanswered", 0)):
        found[kind] = int((hundreds == first).sum())
    return found | {"other": len(rows) - found["2xx"] - found["5xx"] - found["unanswered"]}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def until(process: TrafficProcess, plan: LoadPlan) -> Callable[[int], None]:
    """Start the traffic; gives a function that waits until so many requests have ended."""
    changed = threading.Condition()

    def look(_: object) -> None:
        with changed:
            changed.notify_all()

    def wait(finished: int) -> None:
        with changed:
            assert changed.wait_for(lambda: process.latest is not None and process.latest.finished >= finished, 20)

    process.start(plan, look)
    process.wait_started()
    return wait


def test_recorder_and_witness_agree_to_the_request(traffic: TrafficProcess, tmp_path: Path) -> None:
    """At 500/s against a service that resets, cuts off, hangs, closes idle lines, is killed and comes back.

    Both count each request once and in the same way, though neither knows of the other.
    """
    profile = LoadProfile(
        rate_per_s=500.0,
        max_duration_s=20.0,
        connect_timeout_s=0.5,
        response_timeout_s=1.0,
        endpoints=(
            Endpoint(name="list", method="GET", path="/tasks", weight=4),
            Endpoint(name="create", method="POST", path="/tasks", weight=1, payload={"title": "{n}"}),
        ),
    )
    port = free_port()
    record = tmp_path / "witness.jsonl"
    with Witness("127.0.0.1", port, record) as witness:
        plan = LoadPlan(url=witness.url, profile=profile, folder=str(tmp_path))
        with service(port, seed=1) as first:
            wait = until(traffic, plan)
            wait(800)
            first.kill()
            first.wait()
            wait(1000)
        with service(port, seed=2):
            wait(2000)
            totals = traffic.stop()
        seen = witness.counts()
    rows = read([tmp_path / "requests.arrow"])
    assert totals is not None
    assert check_totals(totals, len(rows)) == []
    assert counted(rows) == seen
    assert min(seen.values()) > 10
    assert {Outcome.RESET, Outcome.TIMEOUT} < set(rows.outcome.tolist())
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert sorted(line["status"] for line in lines) == sorted(rows.status.tolist())
