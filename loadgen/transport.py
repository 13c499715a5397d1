"""How a request travels: exactly one attempt, on a new TCP connection or a kept one, and never a hidden wait.

geventhttpclient's own `HTTPClient.request` sends an idempotent request again, up to pool size + 1 times, when
a connection closes before the answer (its client.py, `attempts_left`), and its pool makes requests wait for a
free connection. Both would hide what users saw. `OneShotClient` keeps the building of the request and the
parser (llhttp), and replaces the way between them. Every request of Locust's FastHttpSession goes through
this one seam.

Runs only inside the Locust process (gevent).
"""

import select
from collections.abc import Mapping
from urllib.parse import SplitResult

import gevent.socket
from gevent import Timeout
from gevent.monkey import get_original
from gevent.ssl import SSLContext
from geventhttpclient.client import HTTPClient
from geventhttpclient.response import HTTPParseError, HTTPResponse
from geventhttpclient.useragent import ConnectionError as UserAgentError

from gameday.timeline import Outcome
from loadgen.connections import Connections, Socket
from loadgen.outcomes import outcome_of

BLOCK = 65_536


class UnansweredError(UserAgentError):  # type: ignore[misc]  # an untyped library's class
    """An attempt without a whole HTTP answer.

    Of the one family that geventhttpclient's UserAgent neither retries nor wraps and that Locust reports as a
    failure.
    """

    def __init__(self, outcome: Outcome) -> None:
        # Nothing that varies: Locust keeps one entry of its statistics for each distinct text.
        super().__init__(None, outcome.name.lower())
        self.outcome = outcome


class Connector:
    """Makes TCP (and TLS) connections to one service, whose name is looked up once.

    One look-up for the whole run: the run measures the service, and gevent's resolver has a queue of its own.

    Raises:
        OSError: The name cannot be resolved.
        UnicodeError: It is no host name.
    """

    def __init__(self, url: SplitResult, timeout_s: float, tls: SSLContext | None) -> None:
        self.host = url.hostname or ""
        self.port = url.port or (443 if url.scheme == "https" else 80)
        found = gevent.socket.getaddrinfo(self.host, self.port, type=gevent.socket.SOCK_STREAM)
        self._addresses = [(family, address) for family, _, _, _, address in found]
        self._timeout_s = timeout_s
        self._tls = tls

    def connect(self) -> Socket:
        """A new connection to the first address that takes it; the time-out is for all of them together.

        Raises:
            OSError: None took it; the first one's reason.
        """
        first_error: OSError | None = None
        with Timeout(self._timeout_s, TimeoutError("no connection in time")):
            for family, address in self._addresses:
                try:
                    return self._connect_to(family, address)
                except TimeoutError:
                    raise  # the time is up for the other addresses too
                except OSError as error:
                    first_error = first_error or error
        raise first_error or OSError("the name has no address")

    def _connect_to(self, family: int, address: object) -> Socket:
        connection = gevent.socket.socket(family, gevent.socket.SOCK_STREAM)
        try:
            connection.connect(address)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_hostname=self.host)
        except BaseException:
            connection.close()
            raise
        return connection  # type: ignore[no-any-return]  # an untyped library's


def is_quiet(connection: Socket) -> bool:
    """Whether an idle connection has nothing to say: no end, no error, no stray bytes.

    By the original `poll`: gevent's would let other greenlets run between the look and the sending.
    """
    poll = get_original("select", "poll")()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


class Answer(HTTPResponse):  # type: ignore[misc]  # an untyped library's class
    """A response that is read to its end before anyone sees it, as Locust's FastResponse takes it."""

    def read(self, length: int | None = None) -> bytes:
        """The next `length` bytes of the body, or all that is left."""
        end = len(self._body_buffer) if length is None else length
        data = bytes(self._body_buffer[:end])
        del self._body_buffer[:end]
        return data

    def release(self) -> None:
        """Nothing to release: the connection went back when the last byte came."""

    @property
    def whole(self) -> bool:
        """Whether the final answer (not an interim 1xx) is complete."""
        return bool(self.message_complete) and self.get_code() >= 200  # noqa: PLR2004 - RFC 9110, section 15

    def receive(self, connection: Socket) -> None:
        """Read until it is whole.

        Raises:
            ConnectionResetError: The connection ended before that.
            HTTPParseError: What came is no HTTP.
        """
        while not self.whole:
            data = connection.recv(BLOCK)
            if data:
                self.feed(data)
            else:
                self._end()

    def _end(self) -> None:
        """The end of the stream, which completes an answer without a length and cuts off every other."""
        try:
            self.feed(b"")
        except HTTPParseError as error:
            raise ConnectionResetError("closed in the middle of the answer") from error
        if not self.whole:
            raise ConnectionResetError("closed before the answer")


class OneShotClient(HTTPClient):  # type: ignore[misc]  # an untyped library's class
    """Sends each request once and reads the whole answer, `timeout_s` at most, connecting included."""

    def __init__(self, connector: Connector, connections: Connections, timeout_s: float) -> None:
        # `ssl` stays off: it would only build a TLS context for the pool that is never used here.
        super().__init__(connector.host, port=connector.port)
        self._connections = connections
        self._timeout_s = timeout_s

    def request(
        self,
        method: str,
        request_uri: str,
        body: bytes | None = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one attempt.

        Raises:
            UnansweredError: There was none, or only a part of one.
        """
        body = body or b""
        head = self._build_request(method, request_uri, body=body, headers=headers)
        try:
            with Timeout(self._timeout_s, TimeoutError("no whole answer in time")):
                answer = self._exchange(Answer(method), head.encode("latin-1") + body)
        except (OSError, HTTPParseError) as error:
            raise UnansweredError(outcome_of(error)) from error
        answer._sent_request = head  # noqa: SLF001 - where Locust's agent looks for it
        return answer

    def _exchange(self, answer: Answer, request: bytes) -> Answer:
        connection = self._connections.take()
        try:
            connection.sendall(request)
            answer.receive(connection)
        except BaseException:
            self._connections.drop(connection)
            raise
        if answer.should_close():
            self._connections.drop(connection)
        else:
            self._connections.keep(connection)
        return answer


class OneClientPool:
    """What FastHttpUser calls a client pool: here, always the same client, for the one service of the run."""

    def __init__(self, client: OneShotClient) -> None:
        self._client = client

    def get_client(self, url: object) -> OneShotClient:  # noqa: ARG002 - the interface of geventhttpclient
        """The client, whatever the URL."""
        return self._client
