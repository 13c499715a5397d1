"""Where a request gets its connection from: a new one each time, or kept ones that take turns. No gevent."""

from collections import deque
from collections.abc import Callable
from typing import Protocol


class Socket(Protocol):
    """The few methods of a socket, plain or TLS, that are used here."""

    def fileno(self) -> int:
        """The descriptor."""

    def sendall(self, data: bytes, /) -> object:
        """Send it all."""

    def recv(self, size: int, /) -> bytes:
        """The next bytes, none at the end."""

    def close(self) -> None:
        """Close it."""


class Connections(Protocol):
    """Gives each request its connection and takes it back. No request waits for another one's connection."""

    def take(self) -> Socket:
        """An open connection."""

    def keep(self, connection: Socket) -> None:
        """Take one back that could carry another request."""

    def drop(self, connection: Socket) -> None:
        """Take one back that could not."""


class FreshConnections:
    """A connection of its own for each request."""

    def __init__(self, connect: Callable[[], Socket]) -> None:
        self._connect = connect

    def take(self) -> Socket:
        """A new one."""
        return self._connect()

    def keep(self, connection: Socket) -> None:
        """Close it all the same."""
        connection.close()

    drop = keep


class KeptConnections:
    """Keep-alive connections that take turns.

    New ones are made until there are `wanted`; from then on the one that was idle longest is used, so that
    all of them, and the pods behind them, carry traffic (the usual pool, last in first out, would send nearly
    everything down one connection). When all are busy a further one is made, and closed afterwards.

    A connection that the server closed while it was idle is not used, as in browsers and HTTP libraries. One
    that the server closes after that look is a reset, for the user as for us.
    """

    def __init__(self, connect: Callable[[], Socket], is_quiet: Callable[[Socket], bool], wanted: int) -> None:
        self._connect = connect
        self._is_quiet = is_quiet
        self._wanted = wanted
        self._idle: deque[Socket] = deque()
        self._busy = 0

    def take(self) -> Socket:
        """The one that was idle longest and is still open, or a new one."""
        connection = self._reusable() if self._busy + len(self._idle) >= self._wanted else None
        self._busy += 1  # before the connecting, during which others come here
        try:
            return connection or self._connect()
        except BaseException:
            self._busy -= 1
            raise

    def keep(self, connection: Socket) -> None:
        """Let it rest, unless there are enough without it."""
        self._busy -= 1
        if self._busy + len(self._idle) < self._wanted:
            self._idle.append(connection)
        else:
            connection.close()

    def drop(self, connection: Socket) -> None:
        """Close it."""
        self._busy -= 1
        connection.close()

    def _reusable(self) -> Socket | None:
        while self._idle:
            connection = self._idle.popleft()
            if self._is_quiet(connection):
                return connection
            connection.close()
        return None
