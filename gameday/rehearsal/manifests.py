"""Manifests: read from files and folders, applied as they are."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import yaml

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.errors import ApiError
from gameday.rehearsal.api.resources import NAMESPACES, SERVICES, Resource, by_kind
from gameday.rehearsal.objects import Key, Obj, clone, name_of
from gameday.rehearsal.proxy.ports import is_free

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ManifestError(Exception):
    """A manifest that cannot be applied."""


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob("*.yaml"))
        elif path.is_file():
            yield path
        else:
            raise ManifestError(f"{path}: no such file or folder; expected manifests in YAML")


def _documents(path: Path) -> Iterator[Obj]:
    try:
        documents = list(yaml.load_all(path.read_text(), Loader=_Loader))
    except yaml.YAMLError as error:
        raise ManifestError(f"{path}: not YAML: {error}") from error
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
            raise ManifestError(f"{path}: got {str(document)[:80]!r}, expected an object with apiVersion and kind")
        yield from (document["items"] if document["kind"] == "List" else [cast("Obj", document)])


def load(paths: Sequence[Path]) -> list[tuple[Path, Resource, Obj]]:
    """Read all objects, Namespaces first, the rest in the order of the files."""
    found = []
    for path in _files(paths):
        for obj in _documents(path):
            resource = by_kind(str(obj.get("apiVersion")), str(obj["kind"]))
            if resource is None:
                raise ManifestError(f"{path}: the stage does not serve {obj.get('apiVersion')} {obj['kind']}")
            found.append((path, resource, obj))
    return sorted(found, key=lambda item: item[1] != NAMESPACES)


def apply(cluster: Cluster, path: Path, resource: Resource, given: Obj) -> Key:
    """Create one object; a node port that is taken on this machine is replaced by a free one."""
    obj = clone(given)
    obj.pop("status", None)
    namespace = str(obj.get("metadata", {}).get("namespace") or "default") if resource.namespaced else ""
    if resource == SERVICES:
        _free_node_ports(obj)
    if resource == NAMESPACES and cluster.store.get(resource, ("", name_of(obj))):
        cluster.modify(resource, ("", name_of(obj)), lambda old: _add_metadata(old, obj))  # one of the standard ones
        return "", name_of(obj)
    try:
        created = cluster.create(resource, namespace, obj)
    except ApiError as error:
        missing = error.code == 404  # noqa: PLR2004 - the HTTP status
        hint = f"; add a manifest with the Namespace {namespace!r}" if missing else ""
        raise ManifestError(f"{path}: {resource.kind} {name_of(obj)!r}: {error.message}{hint}") from error
    return namespace, name_of(created)


def _add_metadata(old: Obj, given: Obj) -> None:
    for field in ("labels", "annotations"):
        old["metadata"].setdefault(field, {}).update(given["metadata"].get(field) or {})


def _free_node_ports(service: Obj) -> None:
    """Drop node ports that something else holds, such as another stage; a free one is then allocated."""
    for port in service.get("spec", {}).get("ports") or []:
        if isinstance(port.get("nodePort"), int) and not is_free(port["nodePort"]):
            del port["nodePort"]
