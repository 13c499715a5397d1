"""One port of one Service: its listeners, its endpoints, its connections."""

import asyncio
import itertools
import logging
import socket
from collections.abc import Sequence

from gameday.rehearsal.proxy.relay import Address, Relay

_log = logging.getLogger(__name__)
_BACKLOG = 4096
_REOPEN_S = 0.5


class Listener:
    """A listening address that can be closed, so that clients are truly refused, and opened again."""

    def __init__(self, address: Address, balancer: "Balancer") -> None:
        self.address, self._balancer = address, balancer
        self._sock: socket.socket | None = None

    def open(self) -> None:
        """Listen; an address that is taken for now is tried again later."""
        if self._sock is not None:
            return
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(0)
        try:
            sock.bind(self.address)
            sock.listen(_BACKLOG)
        except OSError as error:
            sock.close()
            _log.warning("cannot listen on %s:%d: %s", *self.address, error)
            asyncio.get_running_loop().call_later(_REOPEN_S, self._balancer.sync_listeners)
            return
        self._sock = sock
        asyncio.get_running_loop().add_reader(sock, self._acceptable)

    def _acceptable(self) -> None:
        while self._sock is not None:
            try:
                client, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                _log.warning("accept on %s:%d: %s", *self.address, error)
                return
            client.settimeout(0)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._balancer.accept(client)

    def close(self) -> None:
        """Stop listening; the kernel resets what waited in the queue."""
        if self._sock is not None:
            asyncio.get_running_loop().remove_reader(self._sock)
            self._sock.close()
            self._sock = None


class Balancer:
    """Spreads connections over a Service port's endpoints, round robin."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._listeners = [Listener(address, self) for address in addresses]
        self._endpoints: tuple[Address, ...] = ()
        self._turn = itertools.count()
        self._relays: set[Relay] = set()
        self._fault = ""
        self._closed = False

    @property
    def addresses(self) -> list[Address]:
        """Return where the port is served."""
        return [listener.address for listener in self._listeners]

    def set_endpoints(self, endpoints: Sequence[Address]) -> None:
        """Use other endpoints for connections from now on; the existing ones stay."""
        self._endpoints = tuple(endpoints)
        self.sync_listeners()

    def sync_listeners(self) -> None:
        """Listen if there are endpoints; otherwise clients must be refused."""
        wanted = bool(self._endpoints) and self._fault != "refuse" and not self._closed
        for listener in self._listeners:
            (listener.open if wanted else listener.close)()

    def _choose(self) -> Address | None:
        return self._endpoints[next(self._turn) % len(self._endpoints)] if self._endpoints else None

    def accept(self, client: socket.socket) -> None:
        """Take a new connection."""
        relay = Relay(client, self._choose, self._relays.discard)
        self._relays.add(relay)
        if self._fault == "error":
            relay.open_refusing()
            return
        if self._fault == "stall":
            relay.stall()
        relay.open()

    def reset_endpoint(self, ip: str) -> None:
        """Reset every connection to a pod that is being killed."""
        for relay in [relay for relay in self._relays if relay.endpoint and relay.endpoint[0] == ip]:
            relay.reset()

    def begin(self, fault: str) -> None:
        """Begin a fault."""
        self._fault = fault
        if fault == "refuse":
            self.sync_listeners()
        for relay in list(self._relays):
            {"refuse": relay.reset, "stall": relay.stall, "error": relay.refuse}[fault]()

    def end(self) -> None:
        """End the fault."""
        fault, self._fault = self._fault, ""
        self.sync_listeners()
        for relay in list(self._relays):
            if fault == "stall":
                relay.flow()
            elif fault == "error":
                relay.accept()

    def close(self) -> None:
        """Stop for good: the Service is gone."""
        self._closed = True
        self.sync_listeners()
        for relay in list(self._relays):
            relay.reset()
