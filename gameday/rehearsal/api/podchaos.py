"""PodChaos as its CRD describes it (chaos-mesh v2.8.3, config/crd/bases/chaos-mesh.org_podchaos.yaml)."""

from collections.abc import Iterator

from gameday.rehearsal.objects import Obj

SPEC_FIELDS = frozenset(
    {"action", "mode", "value", "selector", "duration", "gracePeriod", "containerNames", "remoteCluster"}
)  # fmt: skip
SELECTOR_FIELDS = frozenset(
    {
        "namespaces",
        "fieldSelectors",
        "labelSelectors",
        "expressionSelectors",
        "annotationSelectors",
        "nodes",
        "nodeSelectors",
        "pods",
        "podPhaseSelectors",
    }
)
ACTIONS = ("pod-kill", "pod-failure", "container-kill")
MODES = ("one", "all", "fixed", "fixed-percent", "random-max-percent")
_MAPS = ("fieldSelectors", "labelSelectors", "annotationSelectors", "nodeSelectors", "pods")
_LISTS = ("namespaces", "expressionSelectors", "nodes", "podPhaseSelectors")


def unknown_fields(obj: Obj) -> list[str]:
    """Return the fields that the CRD's schema does not know: pruned, or refused under strict validation."""
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return []
    selector = spec.get("selector")
    inner = selector if isinstance(selector, dict) else {}
    unknown = [f"spec.{field}" for field in spec if field not in SPEC_FIELDS]
    return unknown + [f"spec.selector.{field}" for field in inner if field not in SELECTOR_FIELDS]


def prune(obj: Obj) -> None:
    """Drop what `unknown_fields` lists."""
    for path in unknown_fields(obj):
        *parents, last = path.split(".")
        holder = obj
        for parent in parents:
            holder = holder[parent]
        del holder[last]


def _choice(field: str, value: object, allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if value is None:
        yield field, "Required value"
    elif value not in allowed:
        listed = ", ".join(f'"{choice}"' for choice in allowed)
        yield field, f'Unsupported value: "{value}": supported values: {listed}'


def problems(obj: Obj) -> Iterator[tuple[str, str]]:
    """Yield what the schema and the validating webhook refuse."""
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        yield "spec", "Required value"
        return
    yield from _choice("spec.action", spec.get("action"), ACTIONS)
    yield from _choice("spec.mode", spec.get("mode"), MODES)
    selector = spec.get("selector")
    if selector is None:
        yield "spec.selector", "Required value"
    elif not isinstance(selector, dict):
        yield "spec.selector", f"Invalid value: {selector!r}: must be an object"
    else:
        yield from _shapes(selector)
    grace = spec.get("gracePeriod", 0)
    if not isinstance(grace, int) or grace < 0:
        yield "spec.gracePeriod", f"Invalid value: {grace!r}: must be greater than or equal to 0"
    yield from _value(spec)


def _shapes(selector: Obj) -> Iterator[tuple[str, str]]:
    for fields, kind, word in ((_MAPS, dict, "object"), (_LISTS, list, "list")):
        for field in fields:
            if field in selector and not isinstance(selector[field], kind):
                yield f"spec.selector.{field}", f"Invalid value: {selector[field]!r}: must be of type {word}"


def _value(spec: Obj) -> Iterator[tuple[str, str]]:
    mode, value = spec.get("mode"), spec.get("value")
    if mode in ("one", "all", None):
        return
    if not isinstance(value, str) or not value.isdigit():
        yield "spec.value", f"Invalid value: {value!r}: mode {mode} needs a whole number as a string"
    elif mode != "fixed" and int(value) > 100:  # noqa: PLR2004 - a percentage
        yield "spec.value", f'Invalid value: "{value}": must be between 0 and 100'
