"""Which pods a PodChaos hits: Chaos Mesh's selectors and modes (v2.8.3, pkg/selector)."""

import math
import random
from collections.abc import Iterable

from gameday.rehearsal.objects import Obj, annotations_of, name_of, namespace_of

_OPERATORS = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}


class SelectionError(Exception):
    """Nothing can be selected; the message is Chaos Mesh's."""


def label_query(selector: Obj) -> str:
    """Return the labelSelector of the request that lists the pods."""
    parts = [f"{key}={value}" for key, value in (selector.get("labelSelectors") or {}).items()]
    for expression in selector.get("expressionSelectors") or []:
        text = _OPERATORS[expression["operator"]]
        parts.append(text.format(key=expression["key"], values=",".join(expression.get("values") or [])))
    return ",".join(parts)


def field_query(selector: Obj) -> str:
    """Return the fieldSelector of the request that lists the pods."""
    return ",".join(f"{key}={value}" for key, value in (selector.get("fieldSelectors") or {}).items())


def matching(pods: Iterable[Obj], selector: Obj, nodes: frozenset[str] | None) -> list[Obj]:
    """Filter by what a list request cannot ask for.

    Without podPhaseSelectors every phase matches, Terminating pods too.
    """
    annotations = (selector.get("annotationSelectors") or {}).items()
    phases = selector.get("podPhaseSelectors") or []
    return [
        pod
        for pod in pods
        if annotations <= annotations_of(pod).items()
        and (not phases or pod.get("status", {}).get("phase") in phases)
        and (nodes is None or pod.get("spec", {}).get("nodeName") in nodes)
    ]


def _percentage(value: str, mode: str) -> int:
    if not value.isdigit() or int(value) > 100:  # noqa: PLR2004 - a percentage
        raise SelectionError(f"{mode} percentage value of {value} is invalid, must be between 0 and 100")
    return int(value)


def _how_many(count: int, mode: str, value: str, dice: random.Random) -> int:
    match mode:
        case "one":
            return 1
        case "all":
            return count
        case "fixed":
            return min(count, int(value or 0))
        case "fixed-percent":  # rounds up
            return math.ceil(count * _percentage(value, mode) / 100)
        case "random-max-percent":  # rounds down and may pick none
            return count * dice.randint(0, _percentage(value, mode)) // 100
    raise SelectionError(f"mode {mode} not supported")


def choose(pods: list[Obj], spec: Obj, dice: random.Random) -> list[Obj]:
    """Pick the victims by mode."""
    if not pods:
        raise SelectionError("no pod is selected")
    wanted = _how_many(len(pods), str(spec.get("mode")), str(spec.get("value") or ""), dice)
    chosen = dice.sample(pods, wanted)
    if not chosen:
        raise SelectionError("no target has been selected")
    return sorted(chosen, key=lambda pod: (namespace_of(pod), name_of(pod)))
