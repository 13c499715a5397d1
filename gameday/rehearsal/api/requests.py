"""What Kubernetes calls request info: a request's verb, resource, namespace, name and subresource."""

import json
from dataclasses import dataclass
from typing import cast

import yaml

from gameday.rehearsal.api.errors import bad_request, no_such_path, not_allowed, unsupported_media
from gameday.rehearsal.api.resources import NAMESPACES, Resource, by_path
from gameday.rehearsal.http import Request
from gameday.rehearsal.objects import Key, Obj

_NAMED_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
    "POST": "create",
}
_LIST_VERBS = {"GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection"}
_JSON_TYPES = ("application/json", "application/yaml", "application/apply-patch+yaml", "")


@dataclass(frozen=True, slots=True)
class Info:
    """What a request is about."""

    verb: str
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> Key:
        """Return where the object is stored."""
        return (self.namespace if self.resource.namespaced else "", self.name)


def _split(path: str) -> tuple[str, str, list[str]] | None:
    match [part for part in path.split("/") if part]:
        case ["api", "v1", *rest] if rest:
            return "", "v1", rest
        case ["apis", group, version, *rest] if rest:
            return group, version, rest
    return None


def parse(request: Request) -> Info | None:
    """Read the request's path; None when it is not about a resource."""
    split = _split(request.path)
    if split is None:
        return None
    group, version, parts = split
    namespace = ""
    if parts[0] == "namespaces" and not group and len(parts) > 2 and by_path(group, version, parts[2]):  # noqa: PLR2004
        namespace, parts = parts[1], parts[2:]
    elif parts[0] == "namespaces" and group:
        namespace, parts = (parts[1] if len(parts) > 1 else ""), parts[2:]
    resource = by_path(group, version, parts[0]) if parts else None
    if resource is None or len(parts) > 3:  # noqa: PLR2004 - resource, name, subresource
        raise no_such_path()
    name, subresource = (*parts[1:], "", "")[:2]
    if subresource and subresource not in resource.subresources:
        raise no_such_path()
    if resource == NAMESPACES:
        namespace = name  # as request info has it
    return Info(_verb(request, name), resource, namespace, name, subresource)


def _verb(request: Request, name: str) -> str:
    verb = (_NAMED_VERBS if name else _LIST_VERBS).get(request.method)
    if verb is None:
        raise not_allowed()
    watching = request.query.get("watch", "") in ("1", "true", "True")
    return "watch" if watching and verb == "list" else verb


def body_of(request: Request, kinds: tuple[str, ...] = _JSON_TYPES) -> object:
    """Read the body as JSON, or as YAML where the API allows it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind not in kinds:
        raise unsupported_media(kind)
    try:
        if kind.endswith("yaml"):
            return cast("object", yaml.safe_load(request.body))
        return cast("object", json.loads(request.body)) if request.body.strip() else {}
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def object_of(request: Request) -> Obj:
    """Read the body as one object."""
    body = body_of(request)
    if not isinstance(body, dict):
        raise bad_request(f"the object provided is unrecognized: got {type(body).__name__}, expected an object")
    for field in ("metadata", "spec"):
        if field in body and body[field] is None:
            del body[field]
    if not isinstance(body.get("metadata", {}), dict):
        raise bad_request("metadata: expected an object")
    return body


def is_dry_run(request: Request) -> bool:
    """Say whether nothing may be written."""
    value = request.query.get("dryRun", "")
    if value not in ("", "All"):
        raise bad_request(f'Invalid value: "{value}": dryRun: supported values: "All"')
    return value == "All"


def whole_number(request: Request, field: str, default: int = 0) -> int:
    """Read a whole number from the query."""
    text = request.query.get(field) or str(default)
    if not text.isdigit():
        raise bad_request(f"{field}: got {text!r}, expected a whole number")
    return int(text)
