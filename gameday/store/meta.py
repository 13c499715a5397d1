"""`run.json`: what was planned, where, by whom, with which versions, on which clock. Written before anything starts."""

from typing import Literal

from gameday.timeline import Anchor
from gameday.verdict import Record


class Clock(Record):
    """`timeline.Anchor`, stored."""

    wall_ns: int
    monotonic_ns: int
    uncertainty_ns: int

    @property
    def anchor(self) -> Anchor:
        """The record that computes."""
        return Anchor(self.wall_ns, self.monotonic_ns, self.uncertainty_ns)


class Check(Record):
    """One check of the guard, and what it saw."""

    name: str
    saw: str


class Workload(Record):
    """What was under test."""

    namespace: str
    deployment: str
    deployment_uid: str
    service: str
    desired_pods: int
    images: tuple[str, ...]
    image_digests: tuple[str, ...]


class RunMeta(Record):
    """`run.json`, whole."""

    schema_version: Literal["gameday/run/v1"] = "gameday/run/v1"
    run: str
    title: str
    service: str
    clock: Clock
    started_at: str
    stage: Literal["REHEARSAL", "CLUSTER"]
    context: str
    server_version: str
    workload: Workload
    podchaos: str
    service_url: str
    prometheus_url: str
    baseline_s: float
    settle_s: float
    recovery_timeout_s: float
    rate_per_s: float
    user: str
    host: str
    approved_by: str
    git_commit: str
    versions: dict[str, str]
    guard: tuple[Check, ...]
