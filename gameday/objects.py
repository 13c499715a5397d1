"""Reading Kubernetes objects as the API gives them (parsed JSON) without trusting that any field is there. Pure."""

from collections.abc import Mapping

from gameday.timeline import KubeObject


def child(parent: object, *keys: str) -> Mapping[str, object]:
    """The mapping below a path of keys; empty where there is none."""
    found = value(parent, *keys)
    return found if isinstance(found, Mapping) else {}


def value(parent: object, *keys: str) -> object:
    """What stands below a path of keys; None where nothing does."""
    for key in keys:
        if not isinstance(parent, Mapping):
            return None
        parent = parent.get(key)
    return parent


def text(parent: object, *keys: str) -> str:
    """The text below a path of keys; empty where there is none."""
    found = value(parent, *keys)
    return found if isinstance(found, str) else ""


def number(parent: object, *keys: str) -> int:
    """The whole number below a path of keys; 0 where there is none."""
    found = value(parent, *keys)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def children(parent: object, *keys: str) -> list[Mapping[str, object]]:
    """The mappings in the list below a path of keys."""
    found = value(parent, *keys)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def name(thing: KubeObject) -> str:
    """`metadata.name`."""
    return text(thing, "metadata", "name")


def uid(thing: KubeObject) -> str:
    """`metadata.uid`."""
    return text(thing, "metadata", "uid")


def labels(thing: object) -> dict[str, str]:
    """`metadata.labels`."""
    return {key: found for key, found in child(thing, "metadata", "labels").items() if isinstance(found, str)}


def condition(thing: object, kind: str) -> bool:
    """Whether a condition of `status.conditions` is True."""
    return any(
        item.get("type") == kind and item.get("status") == "True" for item in children(thing, "status", "conditions")
    )


def controller_uid(thing: object) -> str:
    """The UID of the owner that controls it (of a pod: its ReplicaSet); empty without one."""
    owners = children(thing, "metadata", "ownerReferences")
    return next((text(owner, "uid") for owner in owners if owner.get("controller") is True), "")


def terminating(thing: object) -> bool:
    """Whether it has a deletionTimestamp."""
    return bool(text(thing, "metadata", "deletionTimestamp"))


def ready(pod: object) -> bool:
    """Ready, and not terminating: a pod that counts."""
    return condition(pod, "Ready") and not terminating(pod)


def selector_text(match_labels: Mapping[str, object]) -> str:
    """A label selector as the API takes it in a query."""
    return ",".join(f"{key}={found}" for key, found in sorted(match_labels.items()))
