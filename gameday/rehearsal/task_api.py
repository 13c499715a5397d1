"""The stand-in for the image `ghcr.io/panaversity/task-api:1.0.0`: a small task store over HTTP/1.1.

Standard library only, and few of its modules: a replacement pod should be limited by its probes, not by
imports. It serves GET /health, GET and POST /tasks and GET /metrics on $POD_IP:8000. These variables make it
misbehave on purpose, so that a measurement can be checked against a known fault (durations as in Go: "20ms",
"1m30s"):

    STARTUP_DELAY   how long /health answers 503 after the start
    LATENCY         how long every task request takes
    SHUTDOWN_DELAY  how long it keeps serving after SIGTERM
    ERROR_EVERY     every n-th task request answers 500 (0: never)
"""

import asyncio
import json
import os
import re
import signal
import sys
import time

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_PHRASES = {
    200: "OK",
    201: "Created",
    404: "Not Found",
    405: "Method Not Allowed",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_KEPT, _LISTED = 1000, 20
_DRAIN_S = 10.0


def duration_s(text: str) -> float:
    """Read a Go duration."""
    parts = re.findall(r"([0-9.]+)(ns|us|µs|ms|s|m|h)", text)
    if "".join(number + unit for number, unit in parts) != text.lstrip("+"):
        sys.exit(f"duration: got {text!r}, expected e.g. '20ms' or '1m30s'")
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)


class TaskApi:
    """The service's state and its answers."""

    def __init__(self, env: dict[str, str]) -> None:
        self.latency_s = duration_s(env.get("LATENCY", ""))
        self.healthy_at = time.monotonic() + duration_s(env.get("STARTUP_DELAY", ""))
        self.error_every = int(env.get("ERROR_EVERY", "") or 0)
        self.tasks: dict[int, bytes] = {}
        self.last_id = 0
        self.served = 0
        self.counts: dict[tuple[str, str, int], int] = {}
        self.durations: dict[tuple[str, str], list[float]] = {}  # one cell a bucket, then the sum and the count

    def answer_at_once(self, method: str, path: str) -> tuple[int, str, bytes]:
        """Answer everything but the task requests."""
        if path not in ("/health", "/metrics", "/tasks"):
            return 404, "text/plain", b"404 page not found\n"
        if method != "GET":
            return 405, "text/plain", b"Method Not Allowed\n"
        if path == "/metrics":
            return 200, "text/plain; version=0.0.4; charset=utf-8", self.metrics()
        if time.monotonic() < self.healthy_at:
            return 503, "text/plain", b"starting\n"
        return 200, "text/plain; charset=utf-8", b'{"status":"healthy"}'

    def answer_task(self, method: str, body: bytes) -> tuple[int, bytes]:
        """Answer a task request."""
        status, content = self._create(body) if method == "POST" else (200, self._list())
        self.served += 1
        if self.error_every and self.served % self.error_every == 0:
            return 500, b'{"detail":"failed on purpose"}\n'
        return status, content

    def _create(self, body: bytes) -> tuple[int, bytes]:
        try:
            given = json.loads(body)
            title = given.get("title", "")
            if not isinstance(title, str):
                raise TypeError("title: expected a string")  # noqa: TRY301 - one way out for all bad bodies
        except (ValueError, TypeError, AttributeError) as error:
            return 422, json.dumps({"detail": str(error)}).encode() + b"\n"
        self.last_id += 1
        content = json.dumps({"id": self.last_id, "title": title}, separators=(",", ":")).encode()
        self.tasks[self.last_id % _KEPT] = content
        return 201, content + b"\n"

    def _list(self) -> bytes:
        first = [content for content, _ in zip(self.tasks.values(), range(_LISTED), strict=False)]
        return b"[" + b",".join(first) + b"]\n"

    def observe(self, method: str, path: str, status: int, taken_s: float) -> None:
        """Count a task request."""
        self.counts[method, path, status] = self.counts.get((method, path, status), 0) + 1
        cells = self.durations.setdefault((method, path), [0.0] * (len(_BUCKETS_S) + 2))
        for at, bound in enumerate(_BUCKETS_S):
            if taken_s <= bound:
                cells[at] += 1
                break
        cells[-2] += taken_s
        cells[-1] += 1

    def metrics(self) -> bytes:
        """Return the counters in Prometheus's text format."""
        name = "task_api_request_duration_seconds"
        lines = [f"# HELP {name} Request durations.", f"# TYPE {name} histogram"]
        for (method, path), cells in self.durations.items():
            labels, running = f'method="{method}",path="{path}"', 0.0
            for bound, cell in zip(_BUCKETS_S, cells, strict=False):
                running += cell
                lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {running:.0f}')
            lines.append(f'{name}_bucket{{{labels},le="+Inf"}} {cells[-1]:.0f}')
            lines += [f"{name}_sum{{{labels}}} {cells[-2]!r}", f"{name}_count{{{labels}}} {cells[-1]:.0f}"]
        lines += [
            "# HELP task_api_requests_total Requests by method, path and status.",
            "# TYPE task_api_requests_total counter",
        ]
        for (method, path, status), count in self.counts.items():
            lines.append(f'task_api_requests_total{{method="{method}",path="{path}",status="{status}"}} {count}')
        return "\n".join(lines).encode() + b"\n"


class Connection(asyncio.Protocol):
    """One client's connection: one request after the other, kept alive unless either side objects."""

    open: "set[Connection]" = set()  # noqa: RUF012 - typing would cost 10 ms of the start
    stopping = False

    def __init__(self, api: TaskApi) -> None:
        self.api = api
        self.buffer = b""
        self.busy = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a type, not a check
        self.transport = transport
        self.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Forget the connection."""
        self.open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Take in bytes; serve as many whole requests as there are."""
        self.buffer += data
        while not self.busy and self._serve_next():
            pass

    def _serve_next(self) -> bool:
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return False
        first, _, headers = head.lower().partition(b"\r\n")
        found = re.search(rb"content-length:\s*(\d+)", headers)
        length = int(found[1]) if found else 0
        if len(rest) < length:
            return False
        self.buffer = rest[length:]
        method, path = head.split(b" ", 2)[:2]
        closing = b"connection: close" in headers or first.endswith(b"http/1.0")
        self._serve(
            method.decode("latin-1"),
            path.partition(b"?")[0].decode("latin-1"),
            rest[:length],
            closing=closing,
        )
        return True

    def _serve(self, method: str, path: str, body: bytes, *, closing: bool) -> None:
        if path != "/tasks" or method not in ("GET", "POST"):
            self._write(*self.api.answer_at_once(method, path), closing=closing)
            return
        begun = time.perf_counter()
        self.busy = True
        if self.api.latency_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self.api.latency_s, self._finish, method, path, body, begun, closing)
        else:
            self._finish(method, path, body, begun, closing)

    def _finish(self, method: str, path: str, body: bytes, begun: float, closing: bool) -> None:  # noqa: FBT001 - call_later
        status, content = self.api.answer_task(method, body)
        self.busy = False
        self._write(status, "application/json", content, closing=closing)
        self.api.observe(method, path, status, time.perf_counter() - begun)
        if self.api.latency_s:
            self.data_received(b"")  # a pipelined request may wait

    def _write(self, status: int, kind: str, content: bytes, *, closing: bool) -> None:
        closing = closing or Connection.stopping
        end = "\r\nConnection: close" if closing else ""
        first = f"HTTP/1.1 {status} {_PHRASES[status]}"
        head = f"{first}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}{end}\r\n\r\n"
        self.transport.write(head.encode() + content)
        if closing:
            self.transport.close()


async def serve(env: dict[str, str]) -> None:
    """Serve until SIGTERM; then, as Go's http.Server.Shutdown, refuse connections and end what runs."""
    loop = asyncio.get_running_loop()
    api = TaskApi(env)
    shutdown_delay_s = duration_s(env.get("SHUTDOWN_DELAY", ""))
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(
        lambda: Connection(api), env.get("POD_IP", "127.0.0.1"), int(env.get("PORT", "8000")), backlog=1024
    )
    await stop.wait()
    await asyncio.sleep(shutdown_delay_s)
    server.close()
    Connection.stopping = True
    for connection in list(Connection.open):
        if not connection.busy:
            connection.transport.close()
    deadline = loop.time() + _DRAIN_S
    while Connection.open and loop.time() < deadline:
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    asyncio.run(serve(dict(os.environ)))
