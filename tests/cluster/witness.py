"""An independent witness of what users saw: a recording pass-through on loopback, in front of the service.

It shares no code with the load generator and its recorder: its own process, its own HTTP framing, its own
counts. Each connection of a client gets one connection to the service. A request counts as answered when its
whole answer was handed to the client's socket; in every other case it counts as unanswered, and the client's
connection is reset, so that the client cannot see an answer either. No request gets lost between two chairs:

- The service refuses or dies: the request that comes, or has come, on the client's connection is unanswered.
- The service closes an idle connection: the close is passed on, and the client's side is read on to its end.
  A request that was under way towards us at that moment is unanswered for the client, and is counted here.
- The client gives up: unanswered. Also when it closes without having read the answer, which Linux tells by a
  reset.

`python witness.py HOST PORT FILE` prints its port, serves until stdin ends, prints the counts. FILE gets a
line of JSON for each request: `{"t_ns": when it began, "end_ns", "method", "path", "status": 0 when
unanswered, "end": how it ended}`.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from witness_http import Answer, Question
from witness_line import Line, first_of

CONNECT_TIMEOUT_S = 5.0
LONGEST_REQUEST_S = 120.0
LAST_WAIT_S = 3.0


KINDS = ("2xx", "5xx", "other", "unanswered")


class Witness:
    """The witness's process, as a context manager. `url` is what to point the client at.

    Args:
        host: Where the service is.
        port: Its port.
        record: A file for one line a request, if wanted.
    """

    def __init__(self, host: str, port: int, record: Path | None = None) -> None:
        self._command = [sys.executable, __file__, host, str(port), str(record or os.devnull)]
        self._counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._process.stdout is None:
            raise AssertionError("no pipe")
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def counts(self) -> dict[str, int]:
        """End the witness and return its counts: "requests", and "2xx", "5xx", "other", "unanswered" of them.

        The client must have ended before.
        """
        if not self._counts:
            out, _ = self._process.communicate(timeout=LAST_WAIT_S + 5)
            self._counts = json.loads(out)
        return self._counts

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._counts:
            self._process.kill()
            self._process.communicate()


class Recording:
    """The counts and the file."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._by_kind: Counter[str] = Counter()

    def note(self, begun_ns: int, ended_ns: int, question: Question, status: int, end: str) -> None:
        """One request is over; the status is 0 when it is unanswered."""
        self._by_kind[_kind(status)] += 1
        line = {
            "t_ns": begun_ns,
            "end_ns": ended_ns,
            "method": question.method,
            "path": question.path,
            "status": status,
            "end": end,
        }
        self._file.write(json.dumps(line) + "\n")

    def counts(self) -> dict[str, int]:
        """So far."""
        return {"requests": self._by_kind.total()} | {kind: self._by_kind[kind] for kind in KINDS}


def _kind(status: int) -> str:
    return {0: "unanswered", 2: "2xx", 5: "5xx"}.get(status // 100, "other")


class UnansweredError(Exception):
    """The client will see no answer; the argument says why."""


class Passage:
    """One connection of a client, and its connection to the service while there is one."""

    def __init__(self, client: Line, recording: Recording, address: tuple[str, int]) -> None:
        self._client = client
        self._recording = recording
        self._address = address
        self._service: Line | None = None
        self._why_no_service = ""
        self._unread: tuple[int, int, Question, int] | None = None

    async def run(self) -> None:
        """Pass on request after request until the client leaves or does not get its answer."""
        await self._connect()
        answered = True
        try:
            while answered and (first := await self._next_question()):
                self._settle()
                answered = await self._one(first)
        finally:
            self._settle()
            await self._leave("")
            await self._client.close(reset=not answered)

    async def _connect(self) -> None:
        sock = socket.socket()
        sock.setblocking(False)  # noqa: FBT003 - the standard library's
        self._service = Line(sock)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(sock, self._address)
        except OSError as error:  # a time-out is one, too
            await self._leave(f"the service took no connection: {error!r}")

    async def _leave(self, why: str) -> None:
        """Close the connection to the service."""
        if self._service is not None:
            await self._service.close()
            self._service = None
            self._why_no_service = why

    async def _next_question(self) -> bytes:
        """The first bytes of a request, none when the client has left. A service that leaves is passed on."""
        if self._service is not None:
            await first_of(self._client, self._service)
            if not self._client.reading().done():
                # No request is under way, as far as can be seen here: the end of the connection, not of an
                # answer.
                await self._leave("the service had closed the connection")
                self._client.end()
        try:
            return await self._client.read()
        except OSError:
            self._was_not_read()
            return b""

    async def _one(self, first: bytes) -> bool:
        """One request from its first bytes on; False when the client gets no answer."""
        begun_ns, question = time.monotonic_ns(), Question()
        try:
            async with asyncio.timeout(LONGEST_REQUEST_S):
                answer = await self._exchange(first, question)
                await self._client.write(answer.raw)
        except (UnansweredError, OSError, ValueError, IndexError) as error:
            self._recording.note(begun_ns, time.monotonic_ns(), question, 0, repr(error))
            return False
        self._unread = (begun_ns, time.monotonic_ns(), question, answer.status)
        if self._service is None:
            self._client.end()
        return True

    def _settle(self) -> None:
        """The answer before this was read: the client went on to its next request, or left in peace."""
        if self._unread is not None:
            self._recording.note(*self._unread, "answered")
            self._unread = None

    def _was_not_read(self) -> None:
        """The client reset the connection with an answer in it: it gave up before it read it."""
        if self._unread is not None:
            begun_ns, ended_ns, question, status = self._unread
            self._recording.note(begun_ns, ended_ns, question, 0, f"the client did not read the {status}")
            self._unread = None

    async def _exchange(self, first: bytes, question: Question) -> Answer:
        """Pass the request on, and collect the whole answer.

        Raises:
            UnansweredError, OSError, ValueError, IndexError: There is none.
        """
        data = first
        while True:
            question.feed(data)
            if self._service is None:
                raise UnansweredError(self._why_no_service)
            await self._service.write(data)
            if question.whole:
                break
            if not (data := await self._client.read()):
                raise UnansweredError("the client left in the middle of its request")
        return await self._answer(Answer(question.method), self._service)

    async def _answer(self, answer: Answer, service: Line) -> Answer:
        while not answer.whole:
            await first_of(self._client, service)
            if not service.reading().done():
                raise UnansweredError("the client gave up")
            data = await service.read()
            answer.feed(data)
            if not data and not answer.whole:
                raise UnansweredError("the service closed the connection before the end of its answer")
            if not data:
                await self._leave("the service ended its answer with the connection")
        return answer


async def serve(address: tuple[str, int], recording: Recording) -> None:
    """Pass on every connection until stdin ends; then wait for those that are left."""
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)  # noqa: FBT003 - the standard library's
    passages: set[asyncio.Task[None]] = set()

    async def accept() -> None:
        while True:
            sock, _ = await loop.sock_accept(listener)
            passage = asyncio.ensure_future(Passage(Line(sock), recording, address).run())
            passages.add(passage)
            passage.add_done_callback(passages.discard)

    accepting = asyncio.ensure_future(accept())
    print(listener.getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    accepting.cancel()
    if passages:
        await asyncio.wait(passages, timeout=LAST_WAIT_S)
    listener.close()


def main() -> None:
    """Serve, then print the counts."""
    host, port, path = sys.argv[1:]
    with Path(path).open("a", encoding="utf-8") as file:
        recording = Recording(file)
        asyncio.run(serve((socket.gethostbyname(host), int(port)), recording))
    print(json.dumps(recording.counts()))


if __name__ == "__main__":
    main()
