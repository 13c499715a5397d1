"""The specification of a service: what it is, what it must stand, and where it may be hurt. Strict."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gameday import yamlfile
from gameday.target import Target

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _dns_label(text: str) -> str:
    if not DNS_LABEL.fullmatch(text):
        raise ValueError("must be a DNS label: lower-case letters, digits and '-', at most 63")
    return text


def _target(text: str) -> str:
    Target.parse(text)
    return text


DnsLabel = Annotated[str, AfterValidator(_dns_label)]
TargetText = Annotated[str, AfterValidator(_target)]


class Strict(BaseModel):
    """The base of everything that people write: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


DIMENSIONS: Mapping[str, str] = {
    "pods_without_cost_labels": "pods",
    "cost_of_team": "USD",
    "recommendation_age": "s",
    "backup_age": "s",
    "backup_retention": "s",
    "hook_failures": "hooks",
    "restore_time": "s",
    "pod_recovery": "s",
    "http_5xx": "requests",
    "p95_latency": "s",
    "unanswered": "ratio",
}
"""What can be asked for, and the dimension of its target."""

Measure = Literal[
    "pods_without_cost_labels",
    "cost_of_team",
    "recommendation_age",
    "backup_age",
    "backup_retention",
    "hook_failures",
    "restore_time",
    "pod_recovery",
    "http_5xx",
    "p95_latency",
    "unanswered",
]


class Objective(Strict):
    """One success criterion: a measure and the target that it must meet."""

    title: str = Field(min_length=1)
    measure: Measure
    target: TargetText

    @model_validator(mode="after")
    def _same_dimension(self) -> "Objective":
        target, expected = Target.parse(self.target), DIMENSIONS[self.measure]
        if target.dimension != expected:
            raise ValueError(f"{self.measure} is measured in {expected}, and the target {self.target!r} is not")
        return self

    @property
    def bound(self) -> Target:
        """The parsed target."""
        return Target.parse(self.target)


class Owner(Strict):
    """The four labels by which cost is attributed. Never part of a selector."""

    team: str = Field(min_length=1)
    app: str = Field(min_length=1)
    environment: str = Field(min_length=1)
    cost_center: str = Field(alias="cost-center", min_length=1)


class Staging(Strict):
    """The one place where chaos is allowed: a workload, its Service, its namespace, and who may be asked for it."""

    namespace: DnsLabel
    deployment: DnsLabel
    service: DnsLabel
    health_path: str = Field(default="/health", pattern=r"^/\S*$")
    contexts: tuple[str, ...] = Field(min_length=1)
    hosts: tuple[str, ...] = ()
    """Hosts that traffic may be sent to, besides loopback and the cluster's own nodes."""
    minimum_ready: int = Field(default=2, ge=2)


class Freeze(Strict):
    """A time in which nobody breaks things: from each time of the cron expression, for `hours`."""

    cron: str
    hours: float = Field(gt=0, le=24 * 366)
    timezone: str = "UTC"
    reason: str = Field(min_length=1)


class Prometheus(Strict):
    """Where the service's own metrics are, for the cross-check. The Service is looked up when no URL is given."""

    namespace: DnsLabel = "monitoring"
    service: DnsLabel = "prometheus"
    requests_metric: str = Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")
    status_label: str = Field(default="status", pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")
    scrape_interval_s: float = Field(default=15, gt=0, le=300)


class Backup(Strict):
    """What the backup must be (SC-004 to SC-006)."""

    schedule: str
    retention_hours: int = Field(gt=0)
    rpo_hours: float = Field(gt=0)
    hook_command: str
    hook_on_error: Literal["Fail", "Continue"]
    hook_timeout_s: int = Field(gt=0)


class RightSizing(Strict):
    """How the VerticalPodAutoscaler may act (SC-003): it recommends, and never evicts."""

    update_mode: Literal["Off"]


class Spec(Strict):
    """`spec.yaml`, whole."""

    version: Literal["gameday/spec/v1"]
    service: DnsLabel
    owner: Owner
    staging: Staging
    objectives: dict[Annotated[str, Field(pattern=r"^SC-\d{3}$")], Objective] = Field(min_length=1)
    prometheus: Prometheus | None = None
    freeze: tuple[Freeze, ...] = ()
    backup: Backup | None = None
    right_sizing: RightSizing | None = None


def load_spec(path: Path) -> Spec:
    """Read a specification.

    Raises:
        BadInputError: Names the file, the line, what stands there and what is allowed.
    """
    return yamlfile.load(path).parse(Spec)


def spec_schema() -> str:
    """The JSON Schema of `spec.yaml`, for editors and for CI."""
    return json.dumps(Spec.model_json_schema(), indent=2) + "\n"
