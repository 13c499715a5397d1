"""One end of a relayed connection: a non-blocking socket with an outgoing buffer.

Not asyncio's streams, for two reasons: a relay must be able to end a connection by a reset (SO_LINGER with
time 0), and connecting on loopback completes at once, so a new connection needs no task at all (1,000 a
second fit easily).
"""

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 64 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Wire:
    """A socket that tells its owner about data, the peer's end and breakage."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._pending = bytearray()
        self._finish_when_sent = False
        self._reading = False
        self.closed = False
        self.on_data: Callable[[bytes], None] = lambda _: None
        self.on_end: Callable[[], None] = lambda: None
        self.on_broken: Callable[[], None] = lambda: None
        self.on_backlog: Callable[[], None] = lambda: None
        self.on_relief: Callable[[], None] = lambda: None

    def read(self) -> None:
        """Begin reading, or go on."""
        if not self.closed and not self._reading:
            self._reading = True
            self._loop.add_reader(self._sock, self._readable)

    def pause(self) -> None:
        """Stop reading for now."""
        if not self.closed and self._reading:
            self._reading = False
            self._loop.remove_reader(self._sock)

    def _readable(self) -> None:
        try:
            data = self._sock.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.on_broken()
            return
        if data:
            self.on_data(data)
        else:
            self.pause()
            self.on_end()

    def write(self, data: bytes) -> None:
        """Send, or keep what the peer does not take yet (`on_backlog` says so to the other side)."""
        if self.closed:
            return
        sent = 0
        if not self._pending:
            try:
                sent = self._sock.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self.on_broken()
                return
        if sent < len(data):
            if not self._pending:
                self._loop.add_writer(self._sock, self._writable)
                self.on_backlog()
            self._pending += data[sent:]

    def _writable(self) -> None:
        try:
            sent = self._sock.send(self._pending)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.on_broken()
            return
        del self._pending[:sent]
        if not self._pending:
            self._loop.remove_writer(self._sock)
            self.on_relief()
            if self._finish_when_sent:
                self.finish()

    def finish(self) -> None:
        """Say that nothing more comes (FIN), after what is pending."""
        if self.closed:
            return
        if self._pending:
            self._finish_when_sent = True
            return
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def close(self, *, reset: bool) -> None:
        """Close, by a reset (RST) or in order."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        if reset:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._sock.close()
