"""The Task API's stand-in behaves like the image that it stands in for."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from gameday.rehearsal import task_api

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT = 18473


@contextmanager
def running(**env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the stand-in on an address of its own."""
    command = [sys.executable, "-I", "-S", task_api.__file__]
    process = subprocess.Popen(command, env={"POD_IP": "127.1.2.3", "PORT": str(PORT), **env})
    try:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                ask("GET", "/health")
            except OSError:
                time.sleep(0.01)
            else:
                break
        yield process
    finally:
        process.kill()
        process.wait()


def ask(method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.1.2.3", PORT, timeout=5)
    connection.request(method, path, body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def test_it_keeps_tasks() -> None:
    """201 with an id, 422 for what is no task, and the list; other paths and methods as in Go."""
    with running():
        assert ask("GET", "/health") == (200, b'{"status":"healthy"}')
        assert ask("GET", "/tasks") == (200, b"[]\n")
        status, body = ask("POST", "/tasks", '{"title": "x"}')
        assert (status, json.loads(body)) == (201, {"id": 1, "title": "x"})
        assert ask("POST", "/tasks", "{")[0] == 422
        assert json.loads(ask("GET", "/tasks")[1]) == [{"id": 1, "title": "x"}]
        assert ask("DELETE", "/tasks")[0] == 405
        assert ask("GET", "/nowhere")[0] == 404
        text = ask("GET", "/metrics")[1].decode()
        assert 'task_api_requests_total{method="POST",path="/tasks",status="422"} 1' in text
        assert 'task_api_request_duration_seconds_bucket{method="GET",path="/tasks",le="+Inf"} 2' in text


def test_it_misbehaves_on_purpose() -> None:
    """STARTUP_DELAY makes /health 503, LATENCY slows tasks, ERROR_EVERY fails each n-th."""
    with running(STARTUP_DELAY="1h", LATENCY="50ms", ERROR_EVERY="2"):
        assert ask("GET", "/health")[0] == 503
        begun = time.monotonic()
        assert [ask("GET", "/tasks")[0] for _ in range(4)] == [200, 500, 200, 500]
        assert time.monotonic() - begun >= 0.2


def test_it_keeps_connections_alive_and_takes_pieces() -> None:
    """Several requests on one connection, also when they arrive byte by byte or all at once."""
    with running():
        connection = http.client.HTTPConnection("127.1.2.3", PORT, timeout=5)
        connection.connect()
        request = b"POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n" + b'{"title":"a"}'
        for at in range(len(request)):
            connection.sock.sendall(request[at : at + 1])
        connection.sock.sendall(request + request)
        received = b""
        while received.count(b"HTTP/1.1 201 Created") < 3:
            received += connection.sock.recv(4096)
        connection.close()


def test_it_finishes_what_it_began_when_told_to_stop() -> None:
    """SIGTERM: a request under way is answered, then the process ends with 0."""
    with running(LATENCY="400ms") as process:
        connection = http.client.HTTPConnection("127.1.2.3", PORT, timeout=5)
        connection.request("GET", "/tasks")
        time.sleep(0.1)  # the request must be read before the signal; nothing tells when
        process.send_signal(signal.SIGTERM)
        assert connection.getresponse().status == 200
        connection.close()
        assert process.wait(5) == 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 0), ("20ms", 0.02), ("1m30s", 90), ("1.5h", 5400), ("0", None), ("5", None)]
)
def test_durations_are_gos(text: str, seconds: float | None) -> None:
    """A duration without a unit is an error, as in Go (except for the empty text)."""
    if seconds is None:
        with pytest.raises(SystemExit):
            task_api.duration_s(text)
    else:
        assert task_api.duration_s(text) == pytest.approx(seconds)
