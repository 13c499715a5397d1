"""Just enough HTTP/1.1 for the witness to know where a request and an answer end. RFC 9112, section 6.3."""

FINAL = 200
"""Statuses below are interim: the real answer follows."""


class Answer:
    """An answer, fed piece by piece. `raw` is all of it, `status` 0 until it is known."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._left = b""
        self._body = ""
        self._length = 0
        self.raw = b""
        self.status = 0
        self.whole = False

    def feed(self, data: bytes) -> None:
        """Take bytes in; none is the end of the stream.

        Raises:
            ValueError: This is no HTTP answer.
        """
        self.raw += data
        self._left += data
        while not self.whole and self._step():
            pass
        if not data and self._body == "until the end":
            self.whole = True

    def _step(self) -> bool:
        """One head, or one body, or one chunk; False when more bytes are needed."""
        if not self._body:
            return self._head()
        if self._body == "chunks":
            return self._chunk()
        if self._body == "length" and len(self._left) >= self._length:
            self.whole = True
        return False

    def _head(self) -> bool:
        head, end, rest = self._left.partition(b"\r\n\r\n")
        if not end:
            if not b"HTTP/1.".startswith(self._left[:7]):
                raise ValueError(f"no HTTP: {self._left[:40]!r}")
            return False
        first, *lines = head.split(b"\r\n")
        status, headers = int(first.split(b" ")[1]), _headers(lines)
        self._left = rest
        if status < FINAL:
            return True
        self.status = status
        self._frame(headers)
        return True

    def _frame(self, headers: dict[bytes, bytes]) -> None:
        if self._method == "HEAD" or self.status in {204, 304}:
            self.whole = True
        elif b"chunked" in headers.get(b"transfer-encoding", b""):
            self._body = "chunks"
        elif b"content-length" in headers:
            self._body, self._length = "length", int(headers[b"content-length"])
        else:
            self._body = "until the end"

    def _chunk(self) -> bool:
        size_line, end, rest = self._left.partition(b"\r\n")
        if not end:
            return False
        size = int(size_line.split(b";")[0], 16)
        if size == 0:
            # The trailers end with an empty line; usually there are none before it.
            self.whole = rest.startswith(b"\r\n") or b"\r\n\r\n" in rest
            return False
        if len(rest) < size + 2:
            return False
        self._left = rest[size + 2 :]
        return True


class Question:
    """A request, fed piece by piece."""

    def __init__(self) -> None:
        self._raw = b""
        self.method = "?"
        self.path = "?"
        self.whole = False

    def feed(self, data: bytes) -> None:
        """Take bytes in."""
        self._raw += data
        head, end, body = self._raw.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.split(b"\r\n")
        method, path, _ = first.decode("latin-1").split(" ")
        self.method, self.path = method, path
        self.whole = len(body) >= int(_headers(lines).get(b"content-length", b"0"))


def _headers(lines: list[bytes]) -> dict[bytes, bytes]:
    pairs = (line.lower().partition(b":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}
