"""The storage: all objects, one version counter, a bounded history, and who listens.

Everything is synchronous and in one thread: a write is seen by every listener before it returns, so a
controller or a watch never waits for a poll. Stored objects are never changed in place: old versions stay
valid for readers.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from gameday.rehearsal.api.errors import expired
from gameday.rehearsal.api.resources import Resource
from gameday.rehearsal.objects import Key, Obj, encode, key_of, meta

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"


@dataclass(frozen=True)
class Change:
    """One write."""

    version: int
    kind: str
    resource: Resource
    obj: Obj
    old: Obj | None

    @cached_property
    def line(self) -> bytes:
        """Return the watch event, encoded once for all watchers."""
        return encode({"type": self.kind, "object": self.obj}) + b"\n"


type Listener = Callable[[Change], None]


class Store:
    """All objects of the stage."""

    def __init__(self, history: int = 4000) -> None:
        self.version = 1000  # as if something had been there before: 0 and 1 have meanings of their own in a watch
        self._objects: dict[Resource, dict[Key, Obj]] = {}
        self._history: deque[Change] = deque(maxlen=history)
        self._listeners: dict[Resource | None, list[Listener]] = {}
        self._oldest = self.version

    def get(self, resource: Resource, key: Key) -> Obj | None:
        """Return an object; the caller must not change it."""
        return self._objects.get(resource, {}).get(key)

    def all(self, resource: Resource) -> dict[Key, Obj]:
        """Return all objects of a resource; the caller must not change them."""
        return self._objects.setdefault(resource, {})

    def put(self, resource: Resource, obj: Obj) -> Obj:
        """Store an object under the next version; the caller gives up the object."""
        old = self.get(resource, key_of(obj))
        self.version += 1
        meta(obj)["resourceVersion"] = str(self.version)
        self.all(resource)[key_of(obj)] = obj
        self._commit(Change(self.version, MODIFIED if old else ADDED, resource, obj, old))
        return obj

    def remove(self, resource: Resource, key: Key) -> Obj:
        """Remove an object; its last state carries the version of its removal, as etcd's watch has it."""
        old = self.all(resource).pop(key)
        self.version += 1
        last = {**old, "metadata": {**old["metadata"], "resourceVersion": str(self.version)}}
        self._commit(Change(self.version, DELETED, resource, last, old))
        return last

    def _commit(self, change: Change) -> None:
        if len(self._history) == self._history.maxlen:
            self._oldest = self._history[0].version
        self._history.append(change)
        for listener in (*self._listeners.get(change.resource, ()), *self._listeners.get(None, ())):
            listener(change)

    def subscribe(self, resource: Resource | None, listener: Listener) -> Callable[[], None]:
        """Tell a listener every change of a resource (None: of all) until the returned function is called."""
        listeners = self._listeners.setdefault(resource, [])
        listeners.append(listener)

        def unsubscribe() -> None:
            if listener in listeners:
                listeners.remove(listener)

        return unsubscribe

    def changes_since(self, resource: Resource, version: int) -> list[Change]:
        """Return a resource's changes after a version; 410 when the history no longer reaches so far back."""
        if version < self._oldest:
            raise expired(f"too old resource version: {version} ({self._oldest})")
        # Versions are consecutive, so a version's place in the history can be computed.
        begin = max(0, len(self._history) - (self.version - version))
        return [change for change in islice(self._history, begin, None) if change.resource == resource]

    def snapshot(self, resource: Resource, version: int) -> dict[Key, Obj]:
        """Return a resource's objects as they were at a version: later changes are undone."""
        objects = dict(self.all(resource))
        for change in reversed(self.changes_since(resource, version)):
            if change.old is None:
                objects.pop(key_of(change.obj), None)
            else:
                objects[key_of(change.obj)] = change.old
        return objects
