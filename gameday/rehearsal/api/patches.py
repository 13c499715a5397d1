"""JSON patch (RFC 6902), JSON merge patch (RFC 7386) and the strategic merge of Kubernetes."""

from collections.abc import Callable

from gameday.rehearsal.api.errors import ApiError, bad_request
from gameday.rehearsal.objects import Obj, clone

type Json = object

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "conditions": "type",
    "ownerReferences": "uid",
    "tolerations": "key",
    "hostAliases": "ip",
}
"""Lists that strategic merge patches match element by element (the struct tags of k8s.io/api)."""


def merge(target: Json, patch: Json) -> Json:
    """Apply a JSON merge patch: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return clone(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def _list_key(field: str, items: list[Json]) -> str | None:
    if field == "ports":  # a container's ports and a Service's have different keys
        return "containerPort" if any(isinstance(item, dict) and "containerPort" in item for item in items) else "port"
    return _MERGE_KEYS.get(field)


def _merge_list(target: list[Json], patch: list[Json], key: str) -> list[Json]:
    result = list(target)
    for item in patch:
        if not isinstance(item, dict):
            return clone(patch)
        if item.get("$patch") == "replace":
            return [clone(other) for other in patch if other is not item]
        at = next(
            (i for i, other in enumerate(result) if isinstance(other, dict) and other.get(key) == item.get(key)),
            None,
        )
        if item.get("$patch") == "delete":
            result = [other for i, other in enumerate(result) if i != at]
        elif at is None:
            result.append(strategic({}, item))
        else:
            result[at] = strategic(result[at], item)
    return result


def _without_from_list(target: Json, values: list[Json]) -> list[Json]:
    return [item for item in target if item not in values] if isinstance(target, list) else []


def strategic(target: Json, patch: Json) -> Json:
    """Apply a strategic merge patch: a merge patch that merges known lists by their key.

    An approximation: `$setElementOrder` is ignored, and finalizers merge as a set.
    """
    if not isinstance(patch, dict):
        return clone(patch)
    if patch.get("$patch") == "replace":
        return {key: clone(value) for key, value in patch.items() if key != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            result[field] = _without_from_list(result.get(field), value)
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = _strategic_value(key, result.get(key), value)
    return result


def _strategic_value(field: str, old: Json, new: Json) -> Json:
    if isinstance(new, list) and isinstance(old, list):
        if field == "finalizers":
            return old + [item for item in new if item not in old]
        key = _list_key(field, old + new)
        return _merge_list(old, new, key) if key else clone(new)
    return strategic(old, new)


def _steps(pointer: str) -> list[str]:
    if not pointer:
        return []
    if not pointer.startswith("/"):
        raise bad_request(f"json patch: got path {pointer!r}, expected it to start with '/'")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _index(container: list[Json], step: str, *, adding: bool) -> int:
    if step == "-" and adding:
        return len(container)
    limit = len(container) + (1 if adding else 0)
    if not step.isdigit() or int(step) >= limit:
        raise _unprocessable(f"index {step!r} is out of bounds")
    return int(step)


def _unprocessable(message: str) -> ApiError:
    return ApiError(
        422,
        "Invalid",
        f"the server rejected our request due to an error in our request: json patch: {message}",
    )


def _child(container: Json, step: str) -> Json:
    if isinstance(container, list):
        return container[_index(container, step, adding=False)]
    if isinstance(container, dict) and step in container:
        return container[step]
    raise _unprocessable(f"no value at {step!r}")


def _find(document: Json, pointer: str) -> Json:
    for step in _steps(pointer):
        document = _child(document, step)
    return document


def _add(document: Json, pointer: str, value: Json) -> Json:
    steps = _steps(pointer)
    if not steps:
        return value
    parent = document
    for step in steps[:-1]:
        parent = _child(parent, step)
    if isinstance(parent, list):
        parent.insert(_index(parent, steps[-1], adding=True), value)
    elif isinstance(parent, dict):
        parent[steps[-1]] = value
    else:
        raise _unprocessable(f"{pointer!r} has no container")
    return document


def _remove(document: Json, pointer: str) -> Json:
    *init, last = _steps(pointer)
    parent = document
    for step in init:
        parent = _child(parent, step)
    _child(parent, last)  # it must exist
    if isinstance(parent, list):
        del parent[int(last)]
    elif isinstance(parent, dict):
        del parent[last]
    return document


def _replace(document: Json, pointer: str, value: Json) -> Json:
    _find(document, pointer)
    return _add(_remove(document, pointer) if pointer else document, pointer, value)


def _test(document: Json, pointer: str, value: Json) -> Json:
    found = _find(document, pointer)
    if found != value:
        raise _unprocessable(f"test failed at {pointer!r}: got {found!r}, expected {value!r}")
    return document


def _move(document: Json, source: str, target: str) -> Json:
    value = _find(document, source)
    return _add(_remove(document, source), target, value)


_OPERATIONS: dict[str, Callable[[Json, Obj], Json]] = {
    "add": lambda doc, op: _add(doc, op["path"], clone(op["value"])),
    "remove": lambda doc, op: _remove(doc, op["path"]),
    "replace": lambda doc, op: _replace(doc, op["path"], clone(op["value"])),
    "test": lambda doc, op: _test(doc, op["path"], op["value"]),
    "copy": lambda doc, op: _add(doc, op["path"], clone(_find(doc, op["from"]))),
    "move": lambda doc, op: _move(doc, op["from"], op["path"]),
}


def json_patch(target: Json, operations: Json) -> Json:
    """Apply a JSON patch to a copy of the target."""
    if not isinstance(operations, list):
        raise bad_request("json patch: expected a list of operations")
    document = clone(target)
    for operation in operations:
        apply = _OPERATIONS.get(operation.get("op", "")) if isinstance(operation, dict) else None
        if apply is None:
            raise bad_request(f"json patch: got operation {operation!r}, expected one of {', '.join(_OPERATIONS)}")
        try:
            document = apply(document, operation)
        except KeyError as missing:
            raise bad_request(f"json patch: {operation!r} lacks {missing}") from missing
    return document
