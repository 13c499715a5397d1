"""A service that dies in all the ways a pod can, at random but with a seed.

`python dying_service.py PORT SEED` serves until its stdin ends. Prints a line when it listens.
"""

import asyncio
import contextlib
import random
import socket
import struct
import sys

ANSWERS = {
    200: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    201: b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    404: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    503: b"HTTP/1.1 503 Unavailable\r\nContent-Length: 4\r\n\r\nbusy",
}
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
UNTIL_END = b"HTTP/1.1 200 OK\r\n\r\n[]"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> None:
    """One connection, until it dies."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            _, _, length = head.partition(b"content-length: ")
            await reader.readexactly(int(length.split(b"\r\n")[0] or b"0") if length else 0)
            if not await act(chance.random(), writer, chance):
                break
    writer.close()


async def act(dice: float, writer: asyncio.StreamWriter, chance: random.Random) -> bool:
    """Do one of the things that can happen; False when the connection ends with it."""
    if dice < 0.88:
        status = chance.choices(list(ANSWERS), [70, 20, 4, 6])[0]
        writer.write(ANSWERS[status])
        await writer.drain()
        return True
    if dice < 0.90:  # resets
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    elif dice < 0.92:  # half an answer
        writer.write(HALF)
    elif dice < 0.94:  # an answer that its end ends
        writer.write(UNTIL_END)
    elif dice < 0.98:  # answers, and closes a moment later, just when another request may come
        writer.write(ANSWERS[200])
        await writer.drain()
        await asyncio.sleep(chance.random() * 0.04)
    elif dice < 0.985:  # hangs
        await asyncio.sleep(60)
    return False  # else: closes without a word


async def main(port: int, seed: int) -> None:
    """Serve until stdin ends."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, chance), "127.0.0.1", port, backlog=512
    )
    print("listening", flush=True)
    async with server:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
