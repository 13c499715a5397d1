"""Garbage collection: dependants go with their owners, and namespaces with all that they hold."""

from gameday.rehearsal.api.cluster import Cluster, DeleteOptions
from gameday.rehearsal.api.resources import NAMESPACES, PODS, RESOURCES, Resource
from gameday.rehearsal.api.store import DELETED, Change
from gameday.rehearsal.controllers.reconciler import Reconciler
from gameday.rehearsal.objects import Key, Obj, is_deleting, key_of, name_of, owner_uids, uid_of

type Dependant = tuple[Resource, Key]


class GarbageCollector(Reconciler):
    """Deletes dependants; its keys are ("", uid of the owner)."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self._dependants: dict[str, dict[Dependant, None]] = {}
        self._living: dict[str, tuple[Resource, Key]] = {}
        cluster.store.subscribe(None, self._changed)

    def _changed(self, change: Change) -> None:
        obj, uid = change.obj, uid_of(change.obj)
        place = (change.resource, key_of(obj))
        for owner in owner_uids(obj):
            self._dependants.setdefault(owner, {})[place] = None
            if change.kind == DELETED:
                self._forget(owner, place)
                self.enqueue(("", owner))  # it may wait in the foreground for this one
            elif owner not in self._living:
                self.enqueue(("", owner))
        if change.kind == DELETED:
            self._living.pop(uid, None)
            if uid in self._dependants:
                self.enqueue(("", uid))
        else:
            self._living[uid] = place
            if is_deleting(obj) and {"orphan", "foregroundDeletion"} & set(obj["metadata"].get("finalizers") or []):
                self.enqueue(("", uid))

    def _forget(self, owner: str, place: Dependant) -> None:
        self._dependants[owner].pop(place, None)
        if not self._dependants[owner]:
            del self._dependants[owner]

    def reconcile(self, key: Key) -> None:
        """Act on one owner: gone, or waiting for its dependants."""
        uid = key[1]
        places = list(self._dependants.get(uid, ()))
        place = self._living.get(uid)
        owner = self.cluster.store.get(*place) if place else None
        if owner is None:
            self._delete_all(places, uid)
            return
        finalizers = owner["metadata"].get("finalizers") or []
        if not is_deleting(owner) or place is None:
            return
        if "orphan" in finalizers:
            self._orphan_all(places, uid)
            self.cluster.modify(*place, lambda obj: _without(obj, "orphan"))
        elif "foregroundDeletion" in finalizers and places:
            self._delete_all(places, uid, "Foreground")
        elif "foregroundDeletion" in finalizers:
            self.cluster.modify(*place, lambda obj: _without(obj, "foregroundDeletion"))

    def _delete_all(self, places: list[Dependant], owner: str, propagation: str = "Background") -> None:
        for resource, key in places:
            obj = self.cluster.store.get(resource, key)
            if obj is None or owner not in owner_uids(obj) or is_deleting(obj):
                continue
            if any(other in self._living for other in owner_uids(obj) if other != owner):
                continue  # another owner still holds it
            self.cluster.delete(
                resource, key, DeleteOptions(propagation="Background" if resource == PODS else propagation)
            )

    def _orphan_all(self, places: list[Dependant], owner: str) -> None:
        def release(obj: Obj) -> None:
            kept = [ref for ref in obj["metadata"]["ownerReferences"] if ref.get("uid") != owner]
            obj["metadata"]["ownerReferences"] = kept

        for resource, key in places:
            if self.cluster.store.get(resource, key):
                self.cluster.modify(resource, key, release)
        self._dependants.pop(owner, None)


def _without(obj: Obj, finalizer: str) -> None:
    obj["metadata"]["finalizers"] = [other for other in obj["metadata"]["finalizers"] if other != finalizer]


class Namespaces(Reconciler):
    """Empties and removes namespaces that are being deleted."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        cluster.store.subscribe(None, self._changed)

    def _changed(self, change: Change) -> None:
        if change.resource == NAMESPACES:
            self.enqueue(("", name_of(change.obj)))
        elif change.kind == DELETED and change.resource.namespaced:
            self.enqueue(("", key_of(change.obj)[0]))

    def reconcile(self, key: Key) -> None:
        """Delete what a terminating namespace holds; when it is empty, let it go."""
        namespace = self.cluster.store.get(NAMESPACES, key)
        if namespace is None or not is_deleting(namespace):
            return
        held = [
            (resource, place)
            for resource in RESOURCES
            if resource.namespaced
            for place in list(self.cluster.store.all(resource))
            if place[0] == key[1]
        ]
        for resource, place in held:
            obj = self.cluster.store.get(resource, place)
            if obj is not None and not is_deleting(obj):
                self.cluster.delete(resource, place)
        if not held:
            self.cluster.modify(NAMESPACES, key, lambda obj: obj["spec"].update(finalizers=[]))
