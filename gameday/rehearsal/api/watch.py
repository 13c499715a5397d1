"""Watches: what happened since a version, then what happens, as a stream of JSON lines."""

import asyncio
from collections.abc import Callable

from gameday.rehearsal.api.errors import ApiError, bad_request
from gameday.rehearsal.api.requests import Info, whole_number
from gameday.rehearsal.api.selectors import Predicate, parse
from gameday.rehearsal.api.store import ADDED, DELETED, MODIFIED, Change, Store
from gameday.rehearsal.http import Request, Sender, Stream
from gameday.rehearsal.objects import Obj, encode, namespace_of

DEFAULT_TIMEOUT_S = 1800
BOOKMARK_EVERY_S = 10.0

type RowMaker = Callable[[Obj], Obj]
"""Turns an object into the Table that `kubectl get -w` asks for."""


class Watch:
    """One client's watch."""

    def __init__(self, store: Store, request: Request, info: Info, to_table: RowMaker | None) -> None:
        self._store, self._info, self._to_table = store, info, to_table
        self._matches = _scope(
            info, parse(request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))
        )
        self._bookmarks = request.query.get("allowWatchBookmarks") in ("true", "1", "True")
        self._initial = request.query.get("sendInitialEvents") == "true"
        self._timeout_s = whole_number(request, "timeoutSeconds", DEFAULT_TIMEOUT_S) or DEFAULT_TIMEOUT_S
        version = request.query.get("resourceVersion", "")
        if version and not version.isdigit():
            raise bad_request(f"invalid resourceVersion: got {version!r}, expected a whole number")
        self._since = int(version or 0)

    def stream(self) -> Stream:
        """Return the answer."""
        return Stream(self._run)

    async def _run(self, sender: Sender) -> None:
        # No await between reading the past and subscribing to the future: nothing can fall between them.
        try:
            self._send_past(sender)
        except ApiError as error:
            sender.send(encode({"type": "ERROR", "object": error.status()}) + b"\n")
            return
        unsubscribe = self._store.subscribe(self._info.resource, lambda change: self._send(sender, change))
        try:
            await self._until_timeout(sender)
        finally:
            unsubscribe()

    async def _until_timeout(self, sender: Sender) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._timeout_s
        while (left := end - loop.time()) > 0:
            try:
                await asyncio.wait_for(sender.closed.wait(), min(left, BOOKMARK_EVERY_S))
            except TimeoutError:
                self._bookmark(sender)
            else:
                return

    def _send_past(self, sender: Sender) -> None:
        if self._since == 0 or self._initial:
            for obj in list(self._store.all(self._info.resource).values()):
                if self._matches(obj):
                    self._emit(sender, ADDED, obj)
            if self._initial:
                self._bookmark(sender, {"k8s.io/initial-events-end": "true"})
            return
        for change in self._store.changes_since(self._info.resource, self._since):
            self._send(sender, change)

    def _send(self, sender: Sender, change: Change) -> None:
        """Send a change as this watcher sees it: an object that begins to match, appears."""
        before = change.old is not None and self._matches(change.old)
        after = change.kind != DELETED and self._matches(change.obj)
        if not before and not after:
            return
        kind = MODIFIED if before and after else ADDED if after else DELETED
        if kind == change.kind and self._to_table is None:
            sender.send(change.line)
        else:
            self._emit(sender, kind, change.obj)

    def _emit(self, sender: Sender, kind: str, obj: Obj) -> None:
        shown = self._to_table(obj) if self._to_table else obj
        sender.send(encode({"type": kind, "object": shown}) + b"\n")

    def _bookmark(self, sender: Sender, annotations: Obj | None = None) -> None:
        if not self._bookmarks:
            return
        metadata: Obj = {"resourceVersion": str(self._store.version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        resource = self._info.resource
        obj: Obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        if self._to_table:
            obj = {
                "kind": "Table",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata,
                "columnDefinitions": [],
                "rows": [],
            }
        sender.send(encode({"type": "BOOKMARK", "object": obj}) + b"\n")


def _scope(info: Info, selected: Predicate | None) -> Predicate:
    namespace = info.namespace if info.resource.namespaced else ""

    def matches(obj: Obj) -> bool:
        return (not namespace or namespace_of(obj) == namespace) and (selected is None or selected(obj))

    return matches
