"""The fault `error`: the proxy itself answers HTTP 503 to each request."""

_BODY = b'{"detail":"the rehearsal answers 503 on purpose"}\n'
_HEAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"


class Refusal:
    """Reads requests off one connection, just enough to keep it alive, and answers each with 503."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body_left = 0

    @property
    def between_requests(self) -> bool:
        """Say whether no request is half read: only then may the connection go back to its server."""
        return not self._buffer and not self._body_left

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Take in bytes; return what to send and whether to close afterwards."""
        self._buffer += data
        answers = bytearray()
        closing = False
        while not closing:
            if self._body_left:
                skipped = min(self._body_left, len(self._buffer))
                del self._buffer[:skipped]
                self._body_left -= skipped
                if self._body_left:
                    break
                answers += self._answer(closing=False)
                continue
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                break
            head = bytes(self._buffer[:end]).lower()
            del self._buffer[: end + 4]
            closing = b"connection: close" in head or b"transfer-encoding" in head
            self._body_left = 0 if closing else _content_length(head)
            if not self._body_left:
                answers += self._answer(closing=closing)
        return bytes(answers), closing

    @staticmethod
    def _answer(*, closing: bool) -> bytes:
        return _HEAD % (len(_BODY), b"Connection: close\r\n" if closing else b"") + _BODY


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return int(value)
    return 0
