"""What the API server refuses with 422: names, labels, and the fields that the stage itself acts on."""

import re
from collections.abc import Callable, Iterator

from gameday.rehearsal.api import podchaos
from gameday.rehearsal.api.errors import ApiError, invalid
from gameday.rehearsal.api.resources import Resource
from gameday.rehearsal.api.selectors import selector_test
from gameday.rehearsal.objects import Obj, labels_of, name_of

type Problem = tuple[str, str]
type Problems = Iterator[Problem]

_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_LABEL_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
_LABEL_KEY = re.compile(r"^([a-z0-9A-Z.-]+/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")
_MAX_NAME, _MAX_LABEL, _MAX_PORT = 253, 63, 65535
_LABEL_NAMED = ("Namespace", "Service")
_FREE_NAMED = (
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
)  # these allow "system:node" and the like


def _metadata(resource: Resource, obj: Obj) -> Problems:
    name = name_of(obj)
    pattern, limit = (_LABEL, _MAX_LABEL) if resource.kind in _LABEL_NAMED else (_SUBDOMAIN, _MAX_NAME)
    if not name:
        yield "metadata.name", "Required value: name or generateName is required"
    elif resource.kind not in _FREE_NAMED and (len(name) > limit or not pattern.match(name)):
        yield (
            "metadata.name",
            (
                f'Invalid value: "{name}": a lowercase RFC 1123 name must consist of lower case alphanumeric '
                f"characters, '-' or '.', and be at most {limit} characters long"
            ),
        )
    for field in ("labels", "annotations"):
        yield from _string_map(f"metadata.{field}", obj.get("metadata", {}).get(field))
    yield from _labels("metadata.labels", labels_of(obj))


def _string_map(field: str, values: object) -> Problems:
    if values is not None and not isinstance(values, dict):
        yield field, f"Invalid value: {values!r}: must be an object"
    elif isinstance(values, dict):
        for key, value in values.items():
            if not isinstance(value, str):
                yield f"{field}.{key}", f"Invalid value: {value!r}: must be a string"


def _labels(field: str, labels: object) -> Problems:
    for key, value in labels.items() if isinstance(labels, dict) else ():
        if not _LABEL_KEY.match(key):
            yield field, f'Invalid value: "{key}": not a valid label key'
        if isinstance(value, str) and (len(value) > _MAX_LABEL or not _LABEL_VALUE.match(value)):
            yield (
                field,
                f'Invalid value: "{value}": a valid label is empty or consists of alphanumeric characters',
            )


def _containers(field: str, containers: object) -> Problems:
    if not isinstance(containers, list):
        yield field, f"Invalid value: {containers!r}: must be a list"
        return
    seen: set[str] = set()
    for at, container in enumerate(containers):
        where = f"{field}[{at}]"
        if not isinstance(container, dict):
            yield where, "Invalid value: must be an object"
            continue
        name = str(container.get("name") or "")
        if not name:
            yield f"{where}.name", "Required value"
        if name in seen:
            yield f"{where}.name", f'Duplicate value: "{name}"'
        seen.add(name)
        if not container.get("image"):
            yield f"{where}.image", "Required value"
        yield from _probes(where, container)


def _probes(where: str, container: Obj) -> Problems:
    for kind in ("readinessProbe", "livenessProbe", "startupProbe"):
        probe = container.get(kind)
        if probe is None:
            continue
        if not any(handler in probe for handler in ("httpGet", "tcpSocket", "exec", "grpc")):
            yield f"{where}.{kind}", "Required value: must specify a handler type"
        for field in (
            "initialDelaySeconds",
            "periodSeconds",
            "timeoutSeconds",
            "failureThreshold",
            "successThreshold",
        ):
            value = probe.get(field, 0)
            if not isinstance(value, int) or value < 0:
                yield (
                    f"{where}.{kind}.{field}",
                    f"Invalid value: {value!r}: must be greater than or equal to 0",
                )


def _pod_spec(field: str, spec: object) -> Problems:
    if not isinstance(spec, dict) or not spec.get("containers"):
        yield f"{field}.containers", "Required value"
        return
    yield from _containers(f"{field}.containers", spec["containers"])
    yield from _containers(f"{field}.initContainers", spec.get("initContainers") or [])


_POD_MUTABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates")


def _frozen(spec: Obj) -> Obj:
    containers = [{**c, "image": ""} for c in (spec.get("containers") or []) + (spec.get("initContainers") or [])]
    rest = {k: v for k, v in spec.items() if k not in (*_POD_MUTABLE, "containers", "initContainers", "nodeName")}
    return {**rest, "containers": containers}


def _pod(obj: Obj, old: Obj | None) -> Problems:
    yield from _pod_spec("spec", obj.get("spec"))
    if old and isinstance(obj.get("spec"), dict) and _frozen(obj["spec"]) != _frozen(old["spec"]):
        yield (
            "spec",
            "Forbidden: pod updates may not change fields other than image, tolerations and a few others",
        )


def _workload(obj: Obj, old: Obj | None) -> Problems:
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        yield "spec", "Required value"
        return
    replicas = spec.get("replicas", 1)
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        yield "spec.replicas", f"Invalid value: {replicas!r}: must be greater than or equal to 0"
    selector, template = spec.get("selector"), spec.get("template") or {}
    if not isinstance(selector, dict) or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        yield "spec.selector", "Required value"
    elif not selector_test(selector)(labels_of(template)):
        yield (
            "spec.template.metadata.labels",
            f"Invalid value: {labels_of(template)}: `selector` does not match template `labels`",
        )
    if old and selector != old["spec"].get("selector"):
        yield "spec.selector", f"Invalid value: {selector}: field is immutable"
    yield from _pod_spec("spec.template.spec", template.get("spec"))


def _service(obj: Obj, old: Obj | None) -> Problems:
    spec = obj.get("spec")
    ports = spec.get("ports") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or (not ports and spec.get("type") != "ExternalName"):
        yield "spec.ports", "Required value"
        return
    for at, port in enumerate(ports or []):
        for field in ("port", "nodePort"):
            value = port.get(field, 1)
            if not isinstance(value, int) or not 0 < value <= _MAX_PORT:
                yield (
                    f"spec.ports[{at}].{field}",
                    f"Invalid value: {value!r}: must be between 1 and 65535, inclusive",
                )
        if len(ports or []) > 1 and not port.get("name"):
            yield f"spec.ports[{at}].name", "Required value"
    if old and spec.get("clusterIP") != old["spec"].get("clusterIP"):
        yield "spec.clusterIP", f"Invalid value: {spec.get('clusterIP')!r}: field is immutable"


def _podchaos(obj: Obj, old: Obj | None) -> Problems:
    yield from podchaos.problems(obj)
    if old and obj.get("spec") != old.get("spec"):
        yield "spec", "Forbidden: spec is immutable: chaos experiments cannot be updated"


_VALIDATORS: dict[str, Callable[[Obj, Obj | None], Problems]] = {
    "Pod": _pod,
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "StatefulSet": _workload,
    "Service": _service,
    "PodChaos": _podchaos,
}


def validate(resource: Resource, obj: Obj, old: Obj | None = None) -> None:
    """Raise 422 with every problem found."""
    validator = _VALIDATORS.get(resource.kind)
    try:
        found = [*_metadata(resource, obj), *(validator(obj, old) if validator else ())]
    except ApiError as error:  # a broken selector inside the object
        found = [("spec.selector", f"Invalid value: {error.message}")]
    if found:
        raise invalid(resource, name_of(obj), found)
