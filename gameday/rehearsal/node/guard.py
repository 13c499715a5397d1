"""The guard: kills every container's process group when the stage is gone, however it went.

PR_SET_PDEATHSIG reaches only the processes that the stage started itself; what those started would live on.
The guard is a process of its own that reads process groups (`+123`, `-123`, one a line) from a pipe and acts
at the pipe's end. Started by file name, without the package: it must be up before the first container, and
cost next to nothing.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Remember groups until the pipe ends, then kill those that are left."""
    groups: set[int] = set()
    for line in sys.stdin:
        change, group = line[0], int(line[1:])
        (groups.add if change == "+" else groups.discard)(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
