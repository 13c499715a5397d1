"""What can go wrong, as one exception a kind: each says what was seen, what was expected and what to do."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What `gameday` tells its caller; CI relies on these numbers."""

    PASS = 0
    FAIL = 1
    BAD_INPUT = 2
    UNKNOWN = 3
    REFUSED = 4
    INTERRUPTED = 130


class GamedayError(Exception):
    """The base of every error that a user can do something about.

    Args:
        seen: What was found, quoted.
        expected: What would have been right.
        todo: The next step for the reader.
    """

    exit_code = ExitCode.UNKNOWN

    def __init__(self, seen: str, expected: str, todo: str) -> None:
        super().__init__(seen, expected, todo)
        self.seen = seen
        self.expected = expected
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.seen}; expected {self.expected}. {self.todo}"


class BadInputError(GamedayError):
    """A file, option or environment that cannot be used as it is."""

    exit_code = ExitCode.BAD_INPUT


class RefusedError(GamedayError):
    """The guard says no: nothing was written and nothing was hurt.

    Args:
        check: The name of the check that refused.
    """

    exit_code = ExitCode.REFUSED

    def __init__(self, check: str, seen: str, expected: str, todo: str) -> None:
        super().__init__(seen, expected, todo)
        self.check = check

    def __str__(self) -> str:
        return f"refused by the guard ({self.check}): {super().__str__()}"


class ClusterError(GamedayError):
    """The cluster, Chaos Mesh or Prometheus did not do what a run needs: the verdict is UNKNOWN."""


class TrafficError(GamedayError):
    """The load generator did not do what a run needs: the verdict is UNKNOWN."""
