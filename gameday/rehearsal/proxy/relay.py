"""One client's connection through the proxy: its bytes go to an endpoint and back, unchanged."""

import asyncio
import errno
import socket
from collections.abc import Callable

from gameday.rehearsal.proxy.refusal import Refusal
from gameday.rehearsal.proxy.wire import Wire

type Address = tuple[str, int]
_CONNECTING = (errno.EINPROGRESS, errno.EWOULDBLOCK)


class Relay:
    """A pair of wires."""

    def __init__(
        self, sock: socket.socket, choose: Callable[[], Address | None], forget: Callable[["Relay"], None]
    ) -> None:
        self._choose, self._forget = choose, forget
        self.client = Wire(sock)
        self.client.on_data = self._from_client
        self.client.on_end = self._client_ended
        self.client.on_broken = self.reset
        self.client.on_backlog = self._pause_upstream
        self.client.on_relief = self._read_upstream
        self.upstream: Wire | None = None
        self.endpoint: Address | None = None
        self._refusal: Refusal | None = None
        self._refusing = False
        self._stalled = False
        self._client_done = self._upstream_done = False

    def open(self) -> None:
        """Connect to an endpoint and begin to relay; a refused endpoint resets the client."""
        if self._connect():
            self.client.read()

    def open_refusing(self) -> None:
        """Begin without an endpoint: the proxy answers itself for now."""
        self.refuse()
        self.client.read()

    def _connect(self) -> bool:
        self.endpoint = self._choose()
        if self.endpoint is None:
            self.reset()
            return False
        sock = socket.socket()
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        result = sock.connect_ex(self.endpoint)
        if result and result not in _CONNECTING:
            sock.close()
            self.reset()
            return False
        self._attach(Wire(sock))
        if result:  # the endpoint's queue is full: reading begins, and writing is kept back, until it is connected
            self._await_connection(sock)
        else:
            self._read_upstream()
        return True

    def _attach(self, wire: Wire) -> None:
        wire.on_data = self.client.write
        wire.on_end = self._upstream_ended
        wire.on_broken = self.reset
        wire.on_backlog = self.client.pause
        wire.on_relief = self.client.read
        self.upstream = wire

    def _await_connection(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()

        def connected() -> None:
            loop.remove_writer(sock)
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.reset()
            elif self.upstream and not self.upstream.closed:
                self.client.read()
                self._read_upstream()

        self.client.pause()
        loop.add_writer(sock, connected)

    def _read_upstream(self) -> None:
        if self.upstream and not self._stalled and not self._upstream_done:
            self.upstream.read()

    def _pause_upstream(self) -> None:
        if self.upstream:
            self.upstream.pause()

    def _from_client(self, data: bytes) -> None:
        if self._refusal is not None:
            answers, closing = self._refusal.feed(data)
            self.client.write(answers)
            if closing:
                self._close_in_order()
            else:
                self._resume_if_possible()
        elif self.upstream is not None:
            self.upstream.write(data)

    def _client_ended(self) -> None:
        self._client_done = True
        if self.upstream is None or self._refusal is not None:
            self._close_in_order()
            return
        self.upstream.finish()
        if self._upstream_done:
            self._close_in_order()

    def _upstream_ended(self) -> None:
        self._upstream_done = True
        if self._refusal is not None:  # the proxy goes on answering without the endpoint
            if self.upstream is not None:
                self.upstream.close(reset=False)
                self.upstream = None
            return
        self.client.finish()
        if self._client_done:
            self._close_in_order()

    def _close_in_order(self) -> None:
        self.client.finish()
        self.client.close(reset=False)
        self._drop_upstream()

    def _drop_upstream(self) -> None:
        if self.upstream is not None:
            self.upstream.close(reset=not self._upstream_done)
        self._forget(self)

    def reset(self) -> None:
        """End the client's connection by a reset."""
        self.client.close(reset=True)
        self._drop_upstream()

    def stall(self) -> None:
        """Go on taking the client's bytes, but let none through to it."""
        self._stalled = True
        self._pause_upstream()

    def flow(self) -> None:
        """End a stall: what the endpoint sent meanwhile goes to the client."""
        self._stalled = False
        self._read_upstream()

    def refuse(self) -> None:
        """Answer the client's next requests with 503; an answer that is under way still comes through."""
        self._refusing = True
        self._refusal = self._refusal or Refusal()

    def accept(self) -> None:
        """End the refusals as soon as no request is half read."""
        self._refusing = False
        self._resume_if_possible()

    def _resume_if_possible(self) -> None:
        if self._refusing or self._refusal is None or not self._refusal.between_requests or self.client.closed:
            return
        self._refusal = None
        if self.upstream is None:
            self._upstream_done = False
            self._connect()
