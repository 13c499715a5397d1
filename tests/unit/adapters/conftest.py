"""A cluster in memory: as much of the adapter's connection as the tests of the other adapters need."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import pytest

from gameday import objects
from gameday.adapters.kubernetes import ApiError, Resource
from gameday.timeline import KubeObject


class MemoryCluster:
    """Objects by (plural, namespace, name), with resourceVersions, UIDs and the answers 404 and 409.

    `calls` notes every request; `failures` maps a method to errors that its next calls raise first.
    """

    def __init__(self) -> None:
        self.context = "gameday"
        self.server_host = "https://127.0.0.1:6443"
        self.stored: dict[tuple[str, str, str], dict[str, object]] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.failures: dict[str, list[Exception]] = {}
        self.bodies: list[KubeObject] = []
        self._versions = itertools.count(1)

    def put(self, resource: Resource, namespace: str, thing: Mapping[str, object]) -> dict[str, object]:
        """Store an object as it is, under a new resourceVersion; it keeps its UID if it has one."""
        name = objects.name(thing)
        version = str(next(self._versions))
        metadata = {"uid": f"uid-{version}", **objects.child(thing, "metadata"), "resourceVersion": version}
        stored = {**thing, "metadata": metadata}
        self.stored[resource.plural, namespace, name] = stored
        return stored

    def get(self, resource: Resource, namespace: str, name: str) -> KubeObject | None:
        self._called("get", resource, name)
        return self.stored.get((resource.plural, namespace, name))

    def list(
        self, resource: Resource, namespace: str = "", labels: str = "", fields: str = ""
    ) -> tuple[Sequence[KubeObject], str]:
        self._called("list", resource, labels or fields)
        found = [thing for key, thing in self.stored.items() if key[:2] == (resource.plural, namespace)]
        return found, "1"

    def create(self, resource: Resource, namespace: str, body: KubeObject, *, dry_run: bool = False) -> KubeObject:
        name = objects.name(body)
        self._called("dry-run" if dry_run else "create", resource, name)
        self.bodies.append(body)
        if (resource.plural, namespace, name) in self.stored:
            raise ApiError(409, "POST", resource.path(namespace), f'{resource.plural} "{name}" already exists')
        return body if dry_run else self.put(resource, namespace, body)

    def replace(self, resource: Resource, namespace: str, name: str, body: KubeObject) -> KubeObject:
        self._called("replace", resource, name)
        return self._change(resource, namespace, name, body, dict(body))

    def patch(self, resource: Resource, namespace: str, name: str, body: KubeObject) -> KubeObject:
        self._called("patch", resource, name)
        old = self.stored.get((resource.plural, namespace, name), {})
        merged = {**old, "spec": {**objects.child(old, "spec"), **objects.child(body, "spec")}}
        return self._change(resource, namespace, name, body, merged)

    def delete(self, resource: Resource, namespace: str, name: str, uid: str = "") -> bool:
        self._called("delete", resource, name)
        found = self.stored.get((resource.plural, namespace, name))
        if found is None:
            return False
        if uid not in {"", objects.uid(found)}:
            raise ApiError(409, "DELETE", resource.path(namespace, name), "Precondition failed")
        if not objects.value(found, "metadata", "finalizers"):
            del self.stored[resource.plural, namespace, name]
        return True

    def allowed(self, verb: str, resource: Resource, namespace: str, subresource: str = "") -> bool:
        self._called("allowed", resource, f"{verb} {namespace}{subresource}")
        return True

    def fail(self, method: str, errors: Iterable[Exception]) -> None:
        """Have the next calls of a method raise these."""
        self.failures.setdefault(method, []).extend(errors)

    def _change(
        self, resource: Resource, namespace: str, name: str, body: KubeObject, new: Mapping[str, object]
    ) -> KubeObject:
        old = self.stored.get((resource.plural, namespace, name))
        if old is None:
            raise ApiError(404, "PATCH", resource.path(namespace, name), "not found")
        wanted = objects.text(body, "metadata", "resourceVersion")
        if wanted not in {"", objects.text(old, "metadata", "resourceVersion")}:
            raise ApiError(409, "PATCH", resource.path(namespace, name), "the object has been modified")
        metadata = {**objects.child(new, "metadata"), "uid": objects.uid(old), "name": name}
        return self.put(resource, namespace, {**new, "metadata": metadata})

    def _called(self, method: str, resource: Resource, what: str) -> None:
        self.calls.append((method, resource.plural, what))
        if self.failures.get(method):
            raise self.failures[method].pop(0)


@pytest.fixture
def cluster() -> MemoryCluster:
    """An empty cluster."""
    return MemoryCluster()
