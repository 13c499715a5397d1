"""A server on loopback that answers every request with the same two bytes, as fast as asyncio can.

Prints its port; ends with its stdin.
"""

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
END = b"\r\n\r\n"


class Answerer(asyncio.Protocol):
    """Answers each head; bodies are not expected."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """One answer for each end of a head."""
        *heads, self._rest = (self._rest + data).split(END)
        if heads and isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(ANSWER * len(heads))


async def main() -> None:
    """Serve until stdin ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answerer, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
