"""The semantics behind the verbs: creation, optimistic concurrency, generation, deletion.

Clients come here through HTTP, the stage's own controllers directly: both get the same rules.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from gameday.rehearsal.api import defaults, podchaos
from gameday.rehearsal.api.errors import already_exists, bad_request, conflict, forbidden, invalid, not_found
from gameday.rehearsal.api.resources import NAMESPACES, PODCHAOS, PODS, SERVICES, Resource
from gameday.rehearsal.api.store import Store
from gameday.rehearsal.api.validation import validate
from gameday.rehearsal.objects import (
    Key,
    Obj,
    clone,
    is_deleting,
    key_of,
    meta,
    name_of,
    namespace_of,
    new_uid,
    random_suffix,
    timestamp,
)

_SERVER_OWNED = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
)
_FINISHED = ("Succeeded", "Failed")
_GENERATE_LIMIT = 58  # leaves room for five random letters within 63


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete."""

    grace_s: int | None = None
    propagation: str = "Background"
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


type Allocator = Callable[[Obj, Obj | None], None]
"""Fills in what a new or changed Service needs from the stage: addresses and node ports."""


@dataclass
class Cluster:
    """All objects, and the rules for changing them."""

    store: Store
    allocate_service: Allocator = field(default=lambda _obj, _old: None)

    def get(self, resource: Resource, key: Key) -> Obj:
        """Return an object or raise 404."""
        found = self.store.get(resource, key)
        if found is None:
            raise not_found(resource, key[1])
        return found

    def create(self, resource: Resource, namespace: str, given: Obj, *, dry_run: bool = False) -> Obj:
        """Create an object and return it as stored."""
        obj = clone(given)
        _check_type(resource, obj)
        _check_place(resource, obj, namespace)
        self._check_namespace(resource, obj)
        _name(obj)
        metadata = meta(obj)
        if self.store.get(resource, key_of(obj)):
            raise already_exists(resource, name_of(obj))
        for server_field in (*_SERVER_OWNED, "resourceVersion"):
            metadata.pop(server_field, None)
        _drop_empty(metadata)
        metadata.update(uid=new_uid(), creationTimestamp=timestamp())
        if "spec" in obj:
            metadata["generation"] = 1
        if resource.has_status and resource.kind != "Node":  # the stage's own node comes with its status
            obj.pop("status", None)
        self._admit(resource, obj, None)
        return obj if dry_run else self.store.put(resource, obj)

    def _check_namespace(self, resource: Resource, obj: Obj) -> None:
        if not resource.namespaced:
            return
        namespace = self.get(NAMESPACES, ("", namespace_of(obj)))
        if is_deleting(namespace):
            why = f"unable to create new content in namespace {namespace_of(obj)}"
            raise forbidden(resource, name_of(obj), f"{why} because it is being terminated")

    def _admit(self, resource: Resource, obj: Obj, old: Obj | None) -> None:
        defaults.fill_in(obj)
        if resource == PODCHAOS:
            podchaos.prune(obj)
        if resource == SERVICES and isinstance(obj.get("spec"), dict):
            self.allocate_service(obj, old)
        validate(resource, obj, old)

    def update(self, resource: Resource, key: Key, given: Obj, *, subresource: str = "", dry_run: bool = False) -> Obj:
        """Replace an object (or its status) and return it as stored."""
        old = self.get(resource, key)
        _check_type(resource, given)
        _check_place(resource, given, key[0], key[1])
        _check_version(resource, old, given)
        new = _status_only(old, given) if subresource == "status" else _without_status(resource, old, given)
        _keep_metadata(resource, old, new)
        self._admit(resource, new, old)
        if new == old:
            return old  # a write that changes nothing makes no new version
        if not subresource and "spec" in new and _spec_part(new) != _spec_part(old):
            meta(new)["generation"] = int(old["metadata"].get("generation", 1)) + 1
        if dry_run:
            return new
        stored = self.store.put(resource, new)
        return self._finish(resource, stored)

    def modify(self, resource: Resource, key: Key, change: Callable[[Obj], None], *, subresource: str = "") -> Obj:
        """Change a copy of an object and store it: for the stage's own controllers."""
        new = clone(self.get(resource, key))
        change(new)
        return self.update(resource, key, new, subresource=subresource)

    def _finish(self, resource: Resource, obj: Obj) -> Obj:
        """Remove an object whose deletion waited for its last finalizer, or a pod for its grace period."""
        metadata = obj["metadata"]
        if not is_deleting(obj) or metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds", 0) > 0:
            return obj
        if resource == NAMESPACES and obj.get("spec", {}).get("finalizers"):
            return obj
        return self.store.remove(resource, key_of(obj))

    def delete(self, resource: Resource, key: Key, options: DeleteOptions = DeleteOptions()) -> Obj:
        """Begin, or complete, an object's deletion; return its last state."""
        old = self.get(resource, key)
        _check_preconditions(resource, old, options)
        grace = _grace(resource, old, options.grace_s)
        metadata = old["metadata"]
        if is_deleting(old) and grace >= metadata.get("deletionGracePeriodSeconds", 0):
            return self._finish(resource, old) if grace == 0 and not options.dry_run else old
        if options.dry_run:
            return old
        finalizers = _finalizers(metadata, options.propagation)
        if not finalizers and resource not in (PODS, NAMESPACES):
            return self.store.remove(resource, key)
        new = clone(old)
        meta(new).update(deletionTimestamp=timestamp(grace), deletionGracePeriodSeconds=grace)
        if finalizers:
            meta(new)["finalizers"] = finalizers
        if resource == NAMESPACES:
            new["status"]["phase"] = "Terminating"
        # A pod deleted without grace is seen as MODIFIED (deletionTimestamp set) and then as DELETED, as
        # measured on Kubernetes 1.34: the ReplicaSet replaces it at the first of the two.
        stored = self.store.put(resource, new)
        return self._finish(resource, stored) if self.store.get(resource, key) is stored else stored


def _check_type(resource: Resource, obj: Obj) -> None:
    got = (obj.get("apiVersion", resource.api_version), obj.get("kind", resource.kind))
    if got != (resource.api_version, resource.kind):
        expected = f"{resource.api_version}, Kind={resource.kind}"
        raise bad_request(f"the object is of another type: got {got[0]}, Kind={got[1]}, expected {expected}")
    obj.setdefault("apiVersion", resource.api_version)
    obj.setdefault("kind", resource.kind)


def _check_place(resource: Resource, obj: Obj, namespace: str, name: str = "") -> None:
    metadata = meta(obj)
    if not resource.namespaced:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", namespace) != namespace:
        got, expected = metadata["namespace"], namespace
        raise bad_request(
            f"the namespace of the object does not match the namespace of the request: {got} != {expected}"
        )
    if name and metadata.setdefault("name", name) != name:
        raise bad_request(f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})")


def _name(obj: Obj) -> None:
    metadata = meta(obj)
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = str(metadata["generateName"])[:_GENERATE_LIMIT] + random_suffix()


def _check_version(resource: Resource, old: Obj, given: Obj) -> None:
    metadata = given["metadata"]
    version = metadata.get("resourceVersion")
    if version not in (None, "", old["metadata"]["resourceVersion"]):
        why = "the object has been modified; please apply your changes to the latest version and try again"
        raise conflict(resource, name_of(old), why)
    if metadata.get("uid") not in (None, "", old["metadata"]["uid"]):
        expected, got = metadata["uid"], old["metadata"]["uid"]
        why = f"Precondition failed: UID in precondition: {expected}, UID in object meta: {got}"
        raise conflict(resource, name_of(old), why)


def _status_only(old: Obj, given: Obj) -> Obj:
    return clone({**old, "status": given.get("status", {})})


def _without_status(resource: Resource, old: Obj, given: Obj) -> Obj:
    if not resource.has_status:
        return clone(given)
    rest = {key: value for key, value in given.items() if key != "status"}
    return clone({**rest, "status": old["status"]} if "status" in old else rest)


def _keep_metadata(resource: Resource, old: Obj, new: Obj) -> None:
    metadata = meta(new)
    for server_field in (*_SERVER_OWNED, "resourceVersion", "name", "namespace", "generateName"):
        metadata.pop(server_field, None)
        if server_field in old["metadata"]:
            metadata[server_field] = old["metadata"][server_field]
    _drop_empty(metadata)
    added = set(metadata.get("finalizers") or []) - set(old["metadata"].get("finalizers") or [])
    if is_deleting(old) and added:
        why = "no new finalizers can be added if the object is being deleted"
        problem = f"Forbidden: {why}, found new finalizers {sorted(added)}"
        raise invalid(resource, name_of(old), [("metadata.finalizers", problem)])


def _drop_empty(metadata: Obj) -> None:
    for empty in [key for key, value in metadata.items() if value in (None, [], {})]:
        del metadata[empty]


def _spec_part(obj: Obj) -> Obj:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def _check_preconditions(resource: Resource, old: Obj, options: DeleteOptions) -> None:
    metadata = old["metadata"]
    for what, wanted, found in (
        ("UID", options.uid, metadata["uid"]),
        ("ResourceVersion", options.resource_version, metadata["resourceVersion"]),
    ):
        if wanted is not None and wanted != found:
            why = f"Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
            raise conflict(resource, name_of(old), why)


def _grace(resource: Resource, old: Obj, wanted: int | None) -> int:
    if resource != PODS or not old["spec"].get("nodeName") or old.get("status", {}).get("phase") in _FINISHED:
        return 0  # nothing runs that could use the time
    default: int = old["spec"].get("terminationGracePeriodSeconds", 30)
    return default if wanted is None else max(0, wanted)


def _finalizers(metadata: Obj, propagation: str) -> list[str]:
    finalizers = list(metadata.get("finalizers") or [])
    if propagation == "Foreground" and "foregroundDeletion" not in finalizers:
        finalizers.append("foregroundDeletion")
    if propagation == "Orphan" and "orphan" not in finalizers:
        finalizers.append("orphan")
    return finalizers
