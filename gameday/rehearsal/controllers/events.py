"""Events: written as client-go's recorder writes them, repeated ones counted, old ones dropped."""

import contextlib
from collections import OrderedDict

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.errors import ApiError
from gameday.rehearsal.api.resources import EVENTS
from gameday.rehearsal.api.store import ADDED, DELETED, Change
from gameday.rehearsal.objects import (
    Key,
    Obj,
    hex_nanos,
    key_of,
    micro_time,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)

MAX_EVENTS = 2000
"""Kubernetes keeps Events for an hour; the stage keeps the latest ones, so that its memory stays flat."""


class Events:
    """Records Events about objects."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: OrderedDict[tuple[str, ...], Key] = OrderedDict()
        self._kept: OrderedDict[Key, None] = OrderedDict()
        cluster.store.subscribe(EVENTS, self._watch)

    def _watch(self, change: Change) -> None:
        key = key_of(change.obj)
        if change.kind == ADDED:
            self._kept[key] = None
        elif change.kind == DELETED:
            self._kept.pop(key, None)

    def record(
        self, obj: Obj, reason: str, message: str, component: str, *, warning: bool = False, field: str = ""
    ) -> None:
        """Write an Event; the same again only counts up. The scheduler's carry an eventTime."""
        identity = (uid_of(obj), reason, message, component, field)
        known = self._known.get(identity)
        with contextlib.suppress(ApiError):  # its namespace may be going away: nobody waits for an Event
            if known and self._cluster.store.get(EVENTS, known):
                self._cluster.modify(EVENTS, known, _count_up)
            else:
                self._known[identity] = key_of(
                    self._create(obj, reason, message, component, warning=warning, field=field)
                )
        self._prune()

    def _create(self, obj: Obj, reason: str, message: str, component: str, *, warning: bool, field: str) -> Obj:
        namespace, now = namespace_of(obj) or "default", timestamp()
        precise = component == "default-scheduler"
        involved = {
            "kind": obj["kind"],
            "namespace": namespace_of(obj),
            "name": name_of(obj),
            "uid": uid_of(obj),
            "apiVersion": obj["apiVersion"],
            "resourceVersion": obj["metadata"].get("resourceVersion", ""),
            **({"fieldPath": field} if field else {}),
        }
        event: Obj = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name_of(obj)}.{hex_nanos()}", "namespace": namespace},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": "Warning" if warning else "Normal",
            "source": {} if precise else {"component": component},
            "firstTimestamp": None if precise else now,
            "lastTimestamp": None if precise else now,
            "eventTime": micro_time() if precise else None,
            "reportingComponent": component,
            "reportingInstance": f"{component}-rehearsal-1" if precise else "",
            **({"action": "Binding"} if precise else {"count": 1}),
        }
        return self._cluster.create(EVENTS, namespace, event)

    def _prune(self) -> None:
        while len(self._known) > MAX_EVENTS:
            self._known.popitem(last=False)
        while len(self._kept) > MAX_EVENTS:
            oldest, _ = self._kept.popitem(last=False)
            if self._cluster.store.get(EVENTS, oldest):
                self._cluster.store.remove(EVENTS, oldest)


def _count_up(event: Obj) -> None:
    event["count"] = int(event.get("count", 1)) + 1
    event["lastTimestamp"] = timestamp()
