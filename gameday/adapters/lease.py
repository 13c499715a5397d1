"""One run at a time: a Lease in the target namespace, with a heartbeat.

The heartbeat has a second use. Each renewal writes a time of its own into the Lease, and the run watches that Lease:
arrival of the event minus sending of the renewal is an upper bound on how late a watch event may be, measured all
through the run on the same connection, machine and process as the events that are timed.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from gameday import objects
from gameday.adapters.chaos_mesh import labels
from gameday.adapters.kubernetes import LEASES, ApiError, Cluster
from gameday.errors import GamedayError, RefusedError
from gameday.timeline import KubeObject

HEARTBEAT_S = 0.5
DURATION_S = 15
"""A Lease that was not renewed for this long is an orphan (Kubernetes: leaseDurationSeconds)."""


def lease_name(deployment: str) -> str:
    """The Lease that stands for chaos on one workload."""
    return f"gameday-{deployment}"[:63].rstrip("-")


def holder(lease: KubeObject | None, now: datetime) -> str:
    """Who holds a Lease that is not expired; empty when nobody does."""
    if lease is None:
        return ""
    renewed = objects.text(lease, "spec", "renewTime") or objects.text(lease, "spec", "acquireTime")
    duration = objects.number(lease, "spec", "leaseDurationSeconds")
    try:
        age_s = (now - datetime.fromisoformat(renewed)).total_seconds()
    except (ValueError, TypeError):  # no time, or one without a zone
        return objects.text(lease, "spec", "holderIdentity") or "somebody"
    return (objects.text(lease, "spec", "holderIdentity") or "somebody") if age_s < duration else ""


class HeldLease:
    """The Lease of this run: taken, renewed by a thread, given back."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, run: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._run = run
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self.trouble = ""
        self._version = ""
        """The Lease as this run wrote it last; empty while it is not, or no longer, this run's."""
        self._tried = False
        self._note: Callable[[str], object] = str

    def take(self) -> None:
        """Create the Lease, or take over an expired one; the API server lets only one taker win.

        Raises:
            RefusedError: Another run holds it, or was quicker.
        """
        found = self._cluster.get(LEASES, self._namespace, self._name)
        if current := holder(found, datetime.now(UTC)):
            raise _held(self._namespace, self._name, current)
        self._tried = True
        try:
            if found is None:
                taken = self._cluster.create(LEASES, self._namespace, body(self._namespace, self._name, self._run))
            else:
                version = objects.text(found, "metadata", "resourceVersion")
                renewed = body(self._namespace, self._name, self._run, version)
                taken = self._cluster.replace(LEASES, self._namespace, self._name, renewed)
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            self._tried = False
            raise _held(self._namespace, self._name, "another run, this very moment") from error
        self._version = objects.text(taken, "metadata", "resourceVersion")

    def start(self, note: Callable[[str], object]) -> None:
        """Begin the heartbeat; `note` is called with each renewal's time just before it is sent."""
        self._note = note
        self._thread.start()

    def give_back(self) -> None:
        """Stop the heartbeat and delete the Lease, if it is this run's: another run's stays."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        found = self._cluster.get(LEASES, self._namespace, self._name) if self._tried else None
        if found is not None and self._is_ours(found):
            self._cluster.delete(LEASES, self._namespace, self._name, objects.uid(found))

    def _beat(self) -> None:
        while not self._stopping.wait(HEARTBEAT_S):
            renewed = _micro_time()
            self._note(renewed)
            try:
                self._renew(renewed)
            except GamedayError as error:
                self.trouble = str(error)
            if not self._version:
                return

    def _renew(self, renewed: str) -> None:
        """Write a new time, unless somebody else has written the Lease meanwhile: then it is theirs."""
        change = {"metadata": {"resourceVersion": self._version}, "spec": {"renewTime": renewed}}
        try:
            patched = self._cluster.patch(LEASES, self._namespace, self._name, change)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                self._version = ""
            if error.status != HTTPStatus.CONFLICT:
                raise
            patched = self._cluster.get(LEASES, self._namespace, self._name) or {}
        self._version = objects.text(patched, "metadata", "resourceVersion") if self._is_ours(patched) else ""
        if not self._version:
            self.trouble = f"Lease {self._namespace}/{self._name} was taken by another"

    def _is_ours(self, lease: KubeObject) -> bool:
        return objects.text(lease, "spec", "holderIdentity") == self._run


def body(namespace: str, name: str, run: str, version: str = "") -> KubeObject:
    """The Lease as a run writes it, over the one of a resourceVersion if that is given."""
    now = _micro_time()
    metadata = {"name": name, "namespace": namespace, "labels": labels(run)}
    if version:
        metadata["resourceVersion"] = version
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": run,
            "leaseDurationSeconds": DURATION_S,
            "acquireTime": now,
            "renewTime": now,
        },
    }


def _micro_time() -> str:
    """A metav1.MicroTime: RFC 3339 with exactly six digits."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _held(namespace: str, name: str, current: str) -> RefusedError:
    return RefusedError(
        "one run at a time",
        f"Lease {namespace}/{name} is held by {current}",
        "no other Game Day on this workload",
        f"Wait until it ends; a dead run's Lease expires {DURATION_S} s after its last heartbeat.",
    )
