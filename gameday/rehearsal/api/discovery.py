"""What is not about objects: health, version, groups, resource lists, and the OpenAPI that kubectl needs."""

from gameday.rehearsal.api.resources import RESOURCES, REVIEWS, Resource, group_versions
from gameday.rehearsal.http import Request, Response, json_response
from gameday.rehearsal.objects import Obj, encode

GIT_VERSION = "v1.34.0+rehearsal"
"""What `/version` says; the suffix is how a client knows that this is a rehearsal."""

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_SUBRESOURCE_VERBS = {"log": ["get"], "eviction": ["create"], "binding": ["create"], "finalize": ["update"]}

# An OpenAPI v2 document without models, in protobuf: swagger "2.0", info {title, version}, paths {}. kubectl
# up to 1.26 insists on one before it applies anything, and skips its own validation of kinds that the
# document does not know.
_OPENAPI_V2 = b"\x0a\x032.0\x12\x14\x0a\x0aKubernetes\x12\x06v1.34.\x42\x00"
_OPENAPI_V2_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


def version() -> Obj:
    """Return what `/version` answers."""
    return {
        "major": "1",
        "minor": "34",
        "gitVersion": GIT_VERSION,
        "gitCommit": "rehearsal",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "none",
        "platform": "linux/amd64",
    }


def _group(group: str) -> Obj:
    versions = [{"groupVersion": f"{g}/{v}", "version": v} for g, v in group_versions() if g == group]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _groups() -> Obj:
    names = dict.fromkeys(group for group, _ in group_versions() if group)
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in names]}


def _entries(resource: Resource) -> list[Obj]:
    verbs = ["create"] if resource in REVIEWS else _VERBS
    entry: Obj = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": verbs,
        **({"shortNames": list(resource.short)} if resource.short else {}),
        **({"categories": ["all"]} if resource.plural in ("pods", "services", "deployments", "replicasets") else {}),
    }
    entries = [entry]
    for name in resource.subresources:
        scale = (
            {"kind": "Scale", "group": "autoscaling", "version": "v1"} if name == "scale" else {"kind": resource.kind}
        )
        subverbs = _SUBRESOURCE_VERBS.get(name, ["get", "patch", "update"])
        plain = {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "verbs": subverbs,
        }
        entries.append({**plain, **scale})
    return entries


def _resource_list(group: str, version_name: str) -> Obj | None:
    found = [r for r in RESOURCES + REVIEWS if (r.group, r.version) == (group, version_name)]
    if not found:
        return None
    group_version = f"{group}/{version_name}" if group else version_name
    listed = [entry for resource in found for entry in _entries(resource)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}


def _openapi_paths() -> Obj:
    paths = [f"apis/{g}/{v}" if g else f"api/{v}" for g, v in group_versions()]
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in paths}}


def _openapi_group(group: str, version_name: str) -> Obj:
    """Return just enough for kubectl's query parameter verifier to see that the server validates fields."""
    paths: Obj = {}
    for resource in (r for r in RESOURCES if (r.group, r.version) == (group, version_name)):
        root = f"/apis/{group}/{version_name}" if group else f"/api/{version_name}"
        scope = "/namespaces/{namespace}" if resource.namespaced else ""
        names = ("dryRun", "fieldManager", "fieldValidation", "force")
        paths[f"{root}{scope}/{resource.plural}/{{name}}"] = {
            "patch": {
                "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names],
                "responses": {"200": {"description": "OK"}},
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": {
                    "group": group,
                    "version": version_name,
                    "kind": resource.kind,
                },
            }
        }
    info = {"title": "Kubernetes", "version": GIT_VERSION}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def answer(request: Request) -> Response | None:
    """Answer a request about the server itself; None when the path is not one of those."""
    found: Obj | None = None
    match [part for part in request.path.split("/") if part]:
        case ["healthz" | "readyz" | "livez", *_]:
            return Response(200, b"ok", "text/plain; charset=utf-8")
        case ["version"]:
            found = version()
        case ["api"]:
            found = {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            found = _groups()
        case ["api", "v1"]:
            found = _resource_list("", "v1")
        case ["apis", group] if any(g == group for g, _ in group_versions()):
            found = {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
        case ["apis", group, version_name]:
            found = _resource_list(group, version_name)
        case ["openapi", *rest]:
            return _openapi(rest)
    return json_response(found) if found is not None else None


def _openapi(rest: list[str]) -> Response | None:
    match rest:
        case ["v2"]:
            return Response(200, _OPENAPI_V2, _OPENAPI_V2_TYPE)
        case ["v3"]:
            return json_response(_openapi_paths())
        case ["v3", "api", version_name]:
            return Response(200, encode(_openapi_group("", version_name)))
        case ["v3", "apis", group, version_name]:
            return Response(200, encode(_openapi_group(group, version_name)))
    return None
