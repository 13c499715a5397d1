"""Containers as processes: each in a process group of its own, none outliving the stage."""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when the stage dies, even by SIGKILL (prctl(2), PR_SET_PDEATHSIG).

    Runs between fork and exec; the stage has a single thread, so this is safe.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Guard:
    """Tells the guard (see `guard`) which process groups must not outlive the stage."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py"))]
        self._popen = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def tell(self, change: str, group: int) -> None:
        """Add ("+") or remove ("-") a group."""
        with contextlib.suppress(OSError):  # without a guard the stage goes on; PDEATHSIG still helps
            if self._popen.stdin and not self._popen.stdin.closed:
                os.write(self._popen.stdin.fileno(), f"{change}{group}\n".encode())

    def close(self) -> None:
        """Let the guard kill what is left, and wait for it."""
        if self._popen.stdin:
            self._popen.stdin.close()
        self._popen.wait()


class Process:
    """A running command."""

    guard: ClassVar[Guard | None] = None

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - single-threaded, see there
            )
        self.pid = self._popen.pid
        self._tell_guard("+")
        self._loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[int] = self._loop.create_future()
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._reap)

    def _reap(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        code = self._popen.wait()
        self._tell_guard("-")
        self._signal(signal.SIGKILL)  # whatever the command started ends with it, as in a container
        if not self._exit.done():
            self._exit.set_result(
                128 - code if code < 0 else code
            )  # a signal's exit code, as shells and runtimes count

    def _tell_guard(self, change: str) -> None:
        if self.guard is not None:
            self.guard.tell(change, self.pid)

    @property
    def running(self) -> bool:
        """Say whether the command still runs."""
        return not self._exit.done()

    async def wait(self) -> int:
        """Wait for the end and return the exit code."""
        return await asyncio.shield(self._exit)

    def terminate(self) -> None:
        """Send SIGTERM to the command."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the command and everything it started."""
        if self.running:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


async def run_briefly(command: Sequence[str], env: Mapping[str, str], log: Path, timeout_s: float) -> int:
    """Run a command (an exec probe, a preStop hook) to its end and return its exit code."""
    process = Process(command, env, log)
    try:
        async with asyncio.timeout(timeout_s):
            return await process.wait()
    finally:
        process.kill()
