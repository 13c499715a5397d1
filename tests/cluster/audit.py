"""The API server's audit log as an independent witness: when a pod was deleted, and when its replacement was Ready."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


def entries(path: Path) -> Iterator[dict]:
    with path.open() as lines:
        for line in lines:
            yield json.loads(line)


@dataclass(frozen=True)
class Recovery:
    """A recovery by the API server's own clock.

    `seconds` runs from the response to the victim's delete to the response to the patch that made the replacement
    Ready. Each change really took effect somewhere between its request and its response, so the recovery lasted
    between `shortest_s` and `longest_s`.
    """

    seconds: float
    shortest_s: float
    longest_s: float


def recovery(path: Path, victim: str, replacement: str) -> Recovery:
    """The recovery from the loss of one pod to the readiness of another."""
    deleted = next(entry for entry in entries(path) if _is(entry, "delete", victim, ""))
    made_ready = next(
        entry
        for entry in entries(path)
        if _is(entry, "patch", replacement, "status") and _ready(entry.get("responseObject") or {})
    )
    return Recovery(
        seconds=(_at(made_ready) - _at(deleted)).total_seconds(),
        shortest_s=(_asked(made_ready) - _at(deleted)).total_seconds(),
        longest_s=(_at(made_ready) - _asked(deleted)).total_seconds(),
    )


def writes(path: Path, since: datetime) -> list[str]:
    """Everything that was written (not as a dry run) by this project's user agent since a moment."""
    verbs = {"create", "update", "patch", "delete", "deletecollection"}
    found = []
    for entry in entries(path):
        reference = entry.get("objectRef", {})
        harmless = "dryRun=" in entry["requestURI"] or reference.get("resource") == "selfsubjectaccessreviews"
        ours = entry.get("userAgent", "").startswith("gameday")
        if ours and entry["verb"] in verbs and not harmless and _at(entry) >= since:
            found.append(f"{entry['verb']} {reference.get('resource')} {reference.get('name')}")
    return found


def _is(entry: dict, verb: str, name: str, subresource: str) -> bool:
    reference = entry.get("objectRef", {})
    return (
        entry["verb"] == verb
        and reference.get("resource") == "pods"
        and reference.get("name") == name
        and reference.get("subresource", "") == subresource
        and entry.get("responseStatus", {}).get("code") == 200
    )


def _ready(pod: dict) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _at(entry: dict) -> datetime:
    return datetime.fromisoformat(entry["stageTimestamp"])


def _asked(entry: dict) -> datetime:
    return datetime.fromisoformat(entry["requestReceivedTimestamp"])
