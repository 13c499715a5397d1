"""A tiny HTTP/1.1 client for probes and scrapes: one GET a connection, the whole answer in memory."""

import asyncio
from dataclasses import dataclass

_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    body: bytes


async def get(address: str, port: int, path: str, *, timeout_s: float, headers: dict[str, str] | None = None) -> Answer:
    """GET a path; raises OSError, TimeoutError or ValueError when no answer comes."""
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(address, port, limit=_LIMIT)
        try:
            lines = {"Host": f"{address}:{port}", "Connection": "close", **(headers or {})}
            head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
            writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
            return await _answer(reader)
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    raw = await reader.read(-1)
    head, separator, body = raw.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("malformed HTTP response" if raw else "EOF")
    status = int(head.split(b" ", 2)[1])
    if b"transfer-encoding: chunked" in head.lower():
        body = _unchunk(body)
    return Answer(status, body)


def _unchunk(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if not length:
            break
        parts.append(body[:length])
        body = body[length + 2 :]
    return b"".join(parts)
