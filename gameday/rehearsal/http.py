"""A small HTTP/1.1 server on asyncio streams: keep-alive, bodies of either kind, streamed answers.

Written here because a web framework alone takes longer to import (0.3 to 0.6 s) than the whole stage may take
to start.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from socket import socket
from urllib.parse import parse_qsl, unquote, urlsplit

from gameday.rehearsal.objects import encode

_HEAD_LIMIT = 256 * 1024
_BODY_LIMIT = 8 * 1024 * 1024
_SLOW_READER = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read completely."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One answer with a known length."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Sender:
    """The open end of a streamed answer: one chunk a call, written at once."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._transport = writer.transport
        self.closed = asyncio.Event()

    def send(self, data: bytes) -> None:
        """Send a chunk now; a reader that is hopelessly behind is cut off: memory stays bounded."""
        if self.closed.is_set():
            return
        if self._transport.is_closing() or self._transport.get_write_buffer_size() > _SLOW_READER:
            self._transport.abort()
            self.closed.set()
            return
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer of unknown length; `run` sends chunks until it returns or `Sender.closed` is set."""

    run: Callable[[Sender], Awaitable[None]]
    content_type: str = "application/json"


type Handler = Callable[[Request], Awaitable[Response | Stream]]


def json_response(value: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(status, encode(value))


class _BadRequestError(Exception):
    """The bytes are not HTTP."""


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]] | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        return None
    except asyncio.LimitOverrunError as error:
        raise _BadRequestError("header too long") from error
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, _version = first.split(" ")
    except ValueError as error:
        raise _BadRequestError(f"got {first[:80]!r}, expected a request line") from error
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return method, target, {key.strip().lower(): value.strip() for key, value in pairs}


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    length = int(headers.get("content-length") or 0)
    if length > _BODY_LIMIT:
        raise _BadRequestError(f"body of {length} bytes, expected at most {_BODY_LIMIT}")
    return await reader.readexactly(length)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
        if len(body) > _BODY_LIMIT:
            raise _BadRequestError(f"body of more than {_BODY_LIMIT} bytes")
    while (await reader.readline()).strip():
        pass  # trailers
    return bytes(body)


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """Read the next request; None at the end of the connection."""
    head = await _read_head(reader)
    if head is None:
        return None
    method, target, headers = head
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _read_body(reader, headers)
    url = urlsplit(target)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return Request(method, unquote(url.path), query, headers, body)


def _head(status: int, content_type: str, extra: dict[str, str]) -> bytes:
    phrase = HTTPStatus(status).phrase
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        f"Content-Type: {content_type}",
        *(f"{k}: {v}" for k, v in extra.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: Stream) -> None:
    writer.write(
        _head(
            200,
            stream.content_type,
            {"Transfer-Encoding": "chunked", "Cache-Control": "no-cache", "Connection": "close"},
        )
    )
    sender = Sender(writer)
    producer = asyncio.ensure_future(stream.run(sender))
    gone = asyncio.ensure_future(reader.read(1))  # nothing more is expected from the client but its end
    try:
        await asyncio.wait({producer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if producer.done() and not sender.closed.is_set():
            producer.result()
            writer.write(b"0\r\n\r\n")
    finally:
        sender.closed.set()
        for task in (producer, gone):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError, ssl.SSLError):
                await task


async def _serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> bool:
    """Answer one request; return whether the connection stays open."""
    try:
        request = await read_request(reader, writer)
    except (_BadRequestError, ValueError) as error:
        writer.write(_head(400, "text/plain", {"Connection": "close"}) + str(error).encode())
        return False
    if request is None:
        return False
    answer = await handler(request)
    if isinstance(answer, Stream):
        await _stream(reader, writer, answer)
        return False
    closing = request.headers.get("connection", "").lower() == "close"
    extra = {
        "Content-Length": str(len(answer.body)),
        **answer.headers,
        **({"Connection": "close"} if closing else {}),
    }
    body = b"" if request.method == "HEAD" else answer.body
    writer.write(_head(answer.status, answer.content_type, extra) + body)
    await writer.drain()
    return not closing


async def serve(sock: socket, handler: Handler, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Serve HTTP on a bound socket."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await _serve_one(reader, writer, handler):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the client left
        except asyncio.CancelledError:
            return  # the stage stops
        finally:
            writer.close()

    return await asyncio.start_server(connection, sock=sock, ssl=tls, limit=_HEAD_LIMIT, backlog=512)
