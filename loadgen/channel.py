"""The Locust process's side of the protocol: the plan and the end of it on stdin, messages on stdout.

Runs only inside the Locust process (gevent).
"""

import ctypes
import os
import signal
from collections.abc import Callable

import gevent
from gevent.socket import wait_read
from pydantic import BaseModel

from loadgen.protocol import LoadPlan

STDIN, STDOUT = 0, 1
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def read_plan() -> LoadPlan:
    """The plan: the first line of stdin. Blocks until the harness sends it.

    Raises:
        ValidationError: The line is no plan.
        EOFError: The harness went away first.
    """
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(STDIN, 1)  # one at a time, so that nothing behind the line is taken
        if not byte:
            raise EOFError("stdin ended before the plan")
        line += byte
    return LoadPlan.model_validate_json(bytes(line))


def wait_for_end() -> None:
    """Return when stdin ends: the harness closed it, or died."""
    os.set_blocking(STDIN, False)
    while True:
        wait_read(STDIN)
        try:
            if not os.read(STDIN, 4096):
                return
        except BlockingIOError:
            continue


def say(message: BaseModel, *, droppable: bool = False) -> None:
    """Send one message; a droppable one is left out when the harness does not read.

    A pipe takes a line below 4096 bytes (PIPE_BUF) whole or not at all.
    """
    os.set_blocking(STDOUT, not droppable)
    try:
        os.write(STDOUT, message.model_dump_json().encode() + b"\n")
    except BlockingIOError:
        pass
    except BrokenPipeError:
        pass  # the harness is gone, and `wait_for_end` knows


def call_at_orphaning(act: Callable[[], None]) -> None:
    """Call `act` when the parent process dies, even if something else holds the other end of stdin.

    The kernel sends its signal when the *thread* that started this process ends, too: hence the look at the
    parent.
    """
    parent = os.getppid()

    def look() -> None:
        if os.getppid() != parent:
            act()

    gevent.signal_handler(signal.SIGUSR1, look)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
