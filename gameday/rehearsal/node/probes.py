"""Probes: httpGet, tcpSocket and exec, with the manifest's numbers.

A probe never runs before initialDelaySeconds after the container's start, then every periodSeconds: these
numbers alone put a floor under every recovery time (kubelet, pkg/kubelet/prober/worker.go).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from gameday.rehearsal import http_client
from gameday.rehearsal.node.processes import run_briefly
from gameday.rehearsal.objects import Obj

_OK = range(200, 400)


@dataclass(frozen=True, slots=True)
class Target:
    """What a probe needs to know of its container."""

    address: str
    ports: dict[str, int]
    env: dict[str, str]
    log: Path


@dataclass(frozen=True, slots=True)
class Result:
    """What one probe found."""

    passed: bool
    message: str = ""


def _port(target: Target, wanted: int | str) -> int:
    return wanted if isinstance(wanted, int) else target.ports[wanted]


async def _http(spec: Obj, target: Target, timeout_s: float) -> Result:
    port, path = _port(target, spec["port"]), str(spec.get("path", "/"))
    address = str(spec.get("host") or target.address)
    headers = {str(h["name"]): str(h["value"]) for h in spec.get("httpHeaders") or []}
    try:
        answer = await http_client.get(
            address, port, path, timeout_s=timeout_s, headers={"User-Agent": "kube-probe/1.34", **headers}
        )
    except (OSError, ValueError) as error:
        return Result(passed=False, message=f'Get "http://{address}:{port}{path}": {_words(error)}')
    return Result(answer.status in _OK, f"HTTP probe failed with statuscode: {answer.status}")


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    if isinstance(error, ConnectionRefusedError):
        return "connect: connection refused"
    return str(error) or type(error).__name__


async def _tcp(spec: Obj, target: Target, timeout_s: float) -> Result:
    address, port = str(spec.get("host") or target.address), _port(target, spec["port"])
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(address, port)
    except OSError as error:
        return Result(passed=False, message=f"dial tcp {address}:{port}: {_words(error)}")
    writer.close()
    return Result(passed=True)


async def _exec(spec: Obj, target: Target, timeout_s: float) -> Result:
    command = list(spec["command"])
    try:
        code = await run_briefly(command, target.env, target.log, timeout_s)
    except TimeoutError:
        return Result(passed=False, message=f"command {command} timed out after {timeout_s} s")
    except OSError as error:
        return Result(passed=False, message=f"command {command}: {error}")
    return Result(code == 0, f"command {command} exited with {code}")


_HANDLERS: dict[str, Callable[[Obj, Target, float], Awaitable[Result]]] = {
    "httpGet": _http,
    "tcpSocket": _tcp,
    "exec": _exec,
}


async def probe_once(probe: Obj, target: Target) -> Result:
    """Run a probe once."""
    for kind, handler in _HANDLERS.items():
        if kind in probe:
            return await handler(probe[kind], target, float(probe["timeoutSeconds"]))
    return Result(
        passed=False,
        message=f"no probe of this kind here: got {sorted(probe)}, expected httpGet, tcpSocket or exec",
    )


async def probe_forever(
    probe: Obj,
    target: Target,
    started: float,
    decided: Callable[[bool], None],
    failed: Callable[[str], None],
) -> None:
    """Probe from the container's start (loop time) on.

    `decided` hears each time a threshold is reached, `failed` hears every single failure.
    """
    loop = asyncio.get_running_loop()
    due = started + probe.get("initialDelaySeconds", 0)
    in_a_row, last = 0, None
    while True:
        await asyncio.sleep(max(0.0, due - loop.time()))
        result = await probe_once(probe, target)
        in_a_row = in_a_row + 1 if result.passed is last else 1
        last = result.passed
        if not result.passed:
            failed(result.message)
        if in_a_row >= probe["successThreshold" if result.passed else "failureThreshold"]:
            decided(result.passed)
        due = max(due + probe["periodSeconds"], loop.time())
