"""The shape of every controller: keys become dirty, and each dirty key is reconciled once, soon."""

import asyncio
import logging
from abc import ABC, abstractmethod

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.objects import Key

_log = logging.getLogger(__name__)
RETRY_S = 1.0


class Reconciler(ABC):
    """Collects dirty keys and reconciles them in the loop's next turn.

    The next turn, not at once: a listener must not write while the write that called it is still being told
    to others.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._dirty: dict[Key, None] = {}
        self._scheduled = False

    def enqueue(self, key: Key, after_s: float = 0.0) -> None:
        """Ask for a reconciliation."""
        loop = asyncio.get_running_loop()
        if after_s > 0:
            loop.call_later(after_s, self.enqueue, key)
            return
        self._dirty[key] = None
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._scheduled = False
        keys, self._dirty = list(self._dirty), {}
        for key in keys:
            try:
                self.reconcile(key)
            except Exception:  # noqa: BLE001 - logged and retried: the other objects need their turn
                _log.exception("%s: %s", type(self).__name__, "/".join(key))
                self.enqueue(key, RETRY_S)

    @abstractmethod
    def reconcile(self, key: Key) -> None:
        """Bring one object to what its spec asks for."""
