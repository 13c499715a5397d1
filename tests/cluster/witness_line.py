"""One side of the witness's passage: a socket that can be watched while nothing is expected of it."""

import asyncio
import contextlib
import socket
import struct

BLOCK = 65_536


class Line:
    """One side of a passage: a socket with one reading under way at any time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._reading: asyncio.Task[bytes] | None = None

    def reading(self) -> asyncio.Task[bytes]:
        """The reading under way; its result is taken by `read`."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(self._sock, BLOCK))
        return self._reading

    async def read(self) -> bytes:
        """The next bytes, none at the end.

        Raises:
            OSError: The other side reset the connection.
        """
        try:
            return await self.reading()
        finally:
            self._reading = None

    async def write(self, data: bytes) -> None:
        """Hand bytes to the socket."""
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    def end(self) -> None:
        """Say that nothing more comes; go on reading."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    async def close(self, *, reset: bool = False) -> None:
        """Close the socket, on wish with a reset in place of the usual end."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if reset:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


async def first_of(*lines: Line) -> None:
    """Wait until one of them has something to say."""
    await asyncio.wait([line.reading() for line in lines], return_when=asyncio.FIRST_COMPLETED)
