"""A server on loopback that misbehaves in every way that a dying pod can, each under its own path.

And Locust processes made ready ahead of the tests that need them, because each takes seconds to import
Locust.
"""

import contextlib
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from loadgen.process import TrafficProcess

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"


@dataclass(frozen=True)
class Attempt:
    """A request that arrived: `nth` of its connection, from 1."""

    path: str
    nth: int
    headers: dict[bytes, bytes]

    @property
    def fresh(self) -> bool:
        """Whether it asked for its connection to be closed."""
        return self.headers.get(b"connection") == b"close"


class Trickster:
    """One thread a connection. `attempts` holds every request that arrived."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it, and every connection with it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            for nth in itertools.count(1):
                attempt = _read(stream, nth)
                if attempt is None:
                    return
                self.attempts.append(attempt)
                name = "do_" + attempt.path[1:].replace("-", "_")
                act: Callable[[socket.socket, int], bool] = getattr(self, name)
                if not act(connection, nth):
                    return

    def do_ok(self, connection: socket.socket, _: int) -> bool:
        """Answers."""
        connection.sendall(OK)
        return True

    def do_second(self, connection: socket.socket, nth: int) -> bool:
        """Answers the first request of a connection, and closes it when the second has arrived."""
        if nth == 1:
            connection.sendall(OK)
        return nth == 1

    def do_close_idle(self, connection: socket.socket, _: int) -> bool:
        """Closes the connection after the answer without a word."""
        connection.sendall(OK)
        return False

    def do_redirect(self, connection: socket.socket, _: int) -> bool:
        """Points to a path that would answer."""
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n")
        return True

    def do_binary_500(self, connection: socket.socket, _: int) -> bool:
        """An error page that is neither UTF-8 nor really compressed."""
        connection.sendall(b"HTTP/1.1 500 No\r\nContent-Encoding: zstd\r\nContent-Length: 2\r\n\r\n\xff\xfe")
        return True

    def do_trickle(self, connection: socket.socket, _: int) -> bool:
        """Never silent for long, never at the end."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while True:
            connection.sendall(b".")
            time.sleep(0.02)

    def do_silent(self, connection: socket.socket, _: int) -> bool:
        """Says nothing until the client goes away."""
        connection.recv(1)
        return False

    def do_half(self, connection: socket.socket, _: int) -> bool:
        """Dies in the middle of the answer."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        return False

    def do_rst(self, connection: socket.socket, _: int) -> bool:
        """Resets the connection."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def do_garbage(self, connection: socket.socket, _: int) -> bool:
        """Speaks another language."""
        connection.sendall(b"this is not HTTP\r\n\r\n")
        return False

    def do_chunked(self, connection: socket.socket, _: int) -> bool:
        """Answers in chunks."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n")
        return True

    def do_interim(self, connection: socket.socket, _: int) -> bool:
        """Answers with an interim answer first, and without a body."""
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        return True

    def do_until_end(self, connection: socket.socket, _: int) -> bool:
        """An answer whose length only its end tells."""
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n[]")
        return False

    def do_cookie(self, connection: socket.socket, _: int) -> bool:
        """Asks to be recognised."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: visitor=1\r\nContent-Length: 0\r\n\r\n")
        return True


def _read(stream: IO[bytes], nth: int) -> Attempt | None:
    """The next request, None at the end."""
    words = stream.readline().split()
    headers = {}
    while line := stream.readline().strip():
        name, _, value = line.lower().partition(b":")
        headers[name] = value.strip()
    stream.read(int(headers.get(b"content-length", 0)))
    return Attempt(words[1].decode(), nth, headers) if words else None


class Spares:
    """Locust processes: while one is in use, the next makes itself ready."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = self._made()

    def take(self) -> TrafficProcess:
        """One that is ready, or soon will be."""
        taken, self._next = self._next, self._made()
        return taken

    def close(self) -> None:
        """End the one that nobody took."""
        self._next.stop()

    def _made(self) -> TrafficProcess:
        process = TrafficProcess()
        process.prepare(self._folder)
        return process


@pytest.fixture(scope="module")
def spares(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spares]:
    made = Spares(tmp_path_factory.mktemp("locust"))
    yield made
    made.close()


@pytest.fixture
def traffic(spares: Spares) -> Iterator[TrafficProcess]:
    process = spares.take()
    yield process
    process.stop(0)


@pytest.fixture
def trickster() -> Iterator[Trickster]:
    server = Trickster()
    yield server
    server.close()
