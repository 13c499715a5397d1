"""The verbs on objects: get, list, create, update, patch, delete, deletecollection, and the subresources."""

import base64
import json
from collections.abc import Callable

from gameday.rehearsal.api import patches, podchaos, tables
from gameday.rehearsal.api.cluster import Cluster, DeleteOptions
from gameday.rehearsal.api.errors import (
    ApiError,
    bad_request,
    expired,
    not_allowed,
    not_found,
    unsupported_media,
)
from gameday.rehearsal.api.requests import Info, body_of, is_dry_run, object_of, whole_number
from gameday.rehearsal.api.resources import PODCHAOS, PODS
from gameday.rehearsal.api.scale import rescaled, scale_of
from gameday.rehearsal.api.selectors import parse
from gameday.rehearsal.http import Request, Response, json_response
from gameday.rehearsal.objects import Key, Obj, is_deleting, key_of, name_of, namespace_of

_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_APPLY = ("application/apply-patch+yaml", "application/apply-patch+json")
_PATCH_TYPES = (_MERGE, _STRATEGIC, _JSON_PATCH, *_APPLY)


class Verbs:
    """Carries out requests on a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._verbs: dict[str, Callable[[Request, Info], Response]] = {
            "get": self.get,
            "list": self.list_objects,
            "create": self.create,
            "update": self.update,
            "patch": self.patch,
            "delete": self.delete,
            "deletecollection": self.deletecollection,
        }

    def carry_out(self, request: Request, info: Info) -> Response:
        """Carry out one request."""
        return self._verbs[info.verb](request, info)

    def get(self, request: Request, info: Info) -> Response:
        """Answer with one object, or a part of it."""
        obj = self._cluster.get(info.resource, info.key)
        if info.subresource == "scale":
            return json_response(scale_of(obj))
        return self._shown(request, info, obj)

    def list_objects(self, request: Request, info: Info) -> Response:
        """Answer with the objects that the selectors select, in pages if asked."""
        version, after = self._page_start(request)
        limit = whole_number(request, "limit")
        selected = self._select(request, info, version)
        rest = [obj for obj in selected if key_of(obj) > after] if after else selected
        page = rest[:limit] if limit else rest
        metadata: Obj = {"resourceVersion": str(version)}
        if len(page) < len(rest):
            metadata["continue"] = base64.b64encode(json.dumps([version, key_of(page[-1])]).encode()).decode()
            metadata["remainingItemCount"] = len(rest) - len(page)
        if tables.wanted(request.headers.get("accept", "")):
            include = request.query.get("includeObject", "Metadata")
            return json_response(tables.table(info.resource.kind, page, metadata, include=include))
        kind, api_version = f"{info.resource.kind}List", info.resource.api_version
        return json_response({"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": page})

    def _page_start(self, request: Request) -> tuple[int, Key | None]:
        """Return the version to list at and the last key already seen."""
        now = self._cluster.store.version
        token = request.query.get("continue")
        if token:
            try:
                version, (namespace, name) = json.loads(base64.b64decode(token))
            except (ValueError, TypeError) as error:
                raise bad_request("continue key is not valid") from error
            return int(version), (str(namespace), str(name))
        wanted = whole_number(request, "resourceVersion")
        if wanted > now:
            details: Obj = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}
            raise ApiError(
                504,
                "Timeout",
                f"Too large resource version: {wanted}, current: {now}",
                {**details, "retryAfterSeconds": 1},
            )
        return (wanted if request.query.get("resourceVersionMatch") == "Exact" else now), None

    def _select(self, request: Request, info: Info, version: int) -> list[Obj]:
        store = self._cluster.store
        try:
            found = store.all(info.resource) if version == store.version else store.snapshot(info.resource, version)
        except ApiError as error:
            raise expired(f"The provided continue parameter is too old: {error.message}") from error
        matches = parse(request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))
        namespace = info.namespace if info.resource.namespaced else ""
        ordered = (obj for key, obj in sorted(found.items()) if not namespace or key[0] == namespace)
        return [obj for obj in ordered if matches is None or matches(obj)]

    def create(self, request: Request, info: Info) -> Response:
        """Create an object."""
        if info.name:
            return self._create_subresource(request, info)
        obj = object_of(request)
        warnings = _check_fields(request, info, obj)
        created = self._cluster.create(info.resource, info.namespace, obj, dry_run=is_dry_run(request))
        return self._shown(request, info, created, 201, warnings)

    def _create_subresource(self, request: Request, info: Info) -> Response:
        if info.resource != PODS or info.subresource != "eviction":
            raise not_allowed()
        options = object_of(request).get("deleteOptions") or {}
        dry_run = is_dry_run(request) or bool(options.get("dryRun"))
        self._cluster.delete(PODS, info.key, DeleteOptions(options.get("gracePeriodSeconds"), dry_run=dry_run))
        return json_response(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201
        )

    def update(self, request: Request, info: Info) -> Response:
        """Replace an object."""
        given = object_of(request)
        if info.subresource == "scale":
            return self._rescale(request, info, lambda _: given)
        warnings = _check_fields(request, info, given)
        if info.subresource == "finalize":
            return self._finalize(request, info, given)
        dry_run = is_dry_run(request)
        updated = self._cluster.update(info.resource, info.key, given, subresource=info.subresource, dry_run=dry_run)
        return self._shown(request, info, updated, 200, warnings)

    def _finalize(self, request: Request, info: Info, given: Obj) -> Response:
        old = self._cluster.get(info.resource, info.key)
        new = {**old, "spec": given.get("spec", {})}
        return self._shown(request, info, self._cluster.update(info.resource, info.key, new))

    def patch(self, request: Request, info: Info) -> Response:
        """Change a part of an object, or apply it."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind not in _PATCH_TYPES:
            raise unsupported_media(kind)
        if kind in _APPLY:
            return self._apply(request, info)
        change = body_of(request, (kind,))
        if info.subresource == "scale":
            return self._rescale(request, info, lambda scale: _patched(kind, info, scale, change))
        new = _patched(kind, info, self._cluster.get(info.resource, info.key), change)
        return self._store_patched(request, info, new)

    def _store_patched(self, request: Request, info: Info, new: Obj) -> Response:
        warnings = _check_fields(request, info, new)
        dry_run = is_dry_run(request)
        updated = self._cluster.update(info.resource, info.key, new, subresource=info.subresource, dry_run=dry_run)
        return self._shown(request, info, updated, 200, warnings)

    def _apply(self, request: Request, info: Info) -> Response:
        """Apply server-side: create, or merge; who manages which field is not tracked."""
        given = object_of(request)
        if not request.query.get("fieldManager"):
            raise bad_request("fieldManager: Required value: is required for apply patch")
        old = self._cluster.store.get(info.resource, info.key)
        if old is not None:
            return self._store_patched(request, info, _as_object(patches.strategic(old, given)))
        if info.subresource:
            raise not_found(info.resource, info.name)
        given.setdefault("metadata", {}).setdefault("name", info.name)
        warnings = _check_fields(request, info, given)
        created = self._cluster.create(info.resource, info.namespace, given, dry_run=is_dry_run(request))
        return self._shown(request, info, created, 201, warnings)

    def _rescale(self, request: Request, info: Info, change: Callable[[Obj], Obj]) -> Response:
        old = self._cluster.get(info.resource, info.key)
        new = rescaled(old, change(scale_of(old)))
        updated = self._cluster.update(info.resource, info.key, new, dry_run=is_dry_run(request))
        return json_response(scale_of(updated))

    def delete(self, request: Request, info: Info) -> Response:
        """Delete an object; answer with the object while it lives on, with a Status when it is gone."""
        options = _delete_options(request)
        last = self._cluster.delete(info.resource, info.key, options)
        remains = self._cluster.store.get(info.resource, info.key) is not None and not options.dry_run
        if remains or info.resource.kind in ("Pod", "Service", "PersistentVolumeClaim", "ServiceAccount"):
            return self._shown(request, info, last)
        details = {
            "name": name_of(last),
            "group": info.resource.group,
            "kind": info.resource.plural,
            "uid": last["metadata"]["uid"],
        }
        return json_response(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        )

    def deletecollection(self, request: Request, info: Info) -> Response:
        """Delete everything that the selectors select."""
        options = _delete_options(request)
        doomed = self._select(request, info, self._cluster.store.version)
        for obj in doomed:
            if self._cluster.store.get(info.resource, key_of(obj)) and not (is_deleting(obj) and options.dry_run):
                self._cluster.delete(info.resource, (namespace_of(obj), name_of(obj)), options)
        kind = f"{info.resource.kind}List"
        metadata = {"resourceVersion": str(self._cluster.store.version)}
        return json_response(
            {"kind": kind, "apiVersion": info.resource.api_version, "metadata": metadata, "items": doomed}
        )

    def _shown(
        self, request: Request, info: Info, obj: Obj, code: int = 200, warnings: list[str] | None = None
    ) -> Response:
        if tables.wanted(request.headers.get("accept", "")):
            include = request.query.get("includeObject", "Metadata")
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            return json_response(tables.table(info.resource.kind, [obj], metadata, include=include), code)
        answer = json_response(obj, code)
        if warnings:
            answer.headers["Warning"] = ", ".join(f'299 - "{text}"' for text in warnings)
        return answer


def _patched(kind: str, info: Info, old: Obj, change: object) -> Obj:
    if kind == _JSON_PATCH:
        return _as_object(patches.json_patch(old, change))
    if kind == _STRATEGIC and info.resource.crd:
        raise unsupported_media(kind)  # custom resources have no struct tags to merge by, as in real life
    return _as_object((patches.strategic if kind == _STRATEGIC else patches.merge)(old, change))


def _as_object(patched: object) -> Obj:
    if not isinstance(patched, dict) or not isinstance(patched.get("metadata"), dict):
        raise bad_request("the patch does not leave an object")
    return patched


def _check_fields(request: Request, info: Info, obj: Obj) -> list[str]:
    """Refuse unknown fields under strict validation, warn otherwise (only PodChaos has a schema here)."""
    unknown = podchaos.unknown_fields(obj) if info.resource == PODCHAOS else []
    texts = [f'unknown field "{path}"' for path in unknown]
    mode = request.query.get("fieldValidation", "Warn")
    if texts and mode == "Strict":
        which = f"{info.resource.kind} in version {info.resource.version!r}"
        raise bad_request(f"{which} cannot be handled: strict decoding error: {', '.join(texts)}")
    return [text.replace('"', r"\"") for text in texts] if mode == "Warn" else []


def _delete_options(request: Request) -> DeleteOptions:
    body = object_of(request) if request.body.strip() else {}
    grace = request.query.get("gracePeriodSeconds", body.get("gracePeriodSeconds"))
    propagation = request.query.get("propagationPolicy") or body.get("propagationPolicy") or "Background"
    if propagation not in ("Background", "Foreground", "Orphan"):
        raise bad_request(f"propagationPolicy: got {propagation!r}, expected Background, Foreground or Orphan")
    orphan = str(request.query.get("orphanDependents", body.get("orphanDependents") or "")).lower() == "true"
    conditions = body.get("preconditions") or {}
    return DeleteOptions(
        grace_s=None if grace is None else int(grace),
        propagation="Orphan" if orphan else propagation,
        uid=conditions.get("uid"),
        resource_version=conditions.get("resourceVersion"),
        dry_run=is_dry_run(request) or body.get("dryRun") == ["All"],
    )
