"""The answer of a run, as it stands in `verdict.json`: measurements, criteria, findings.

Plain frozen records: nothing here computes. Times named `*_s` are seconds since the run's clock anchor.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Number = Annotated[float, Field(allow_inf_nan=True)]
"""A number that may be infinite ("slower than any answer"); JSON holds it as the string "Infinity"."""


class Record(BaseModel):
    """The base of what is stored: frozen, strict about its fields, infinities as strings."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Status(StrEnum):
    """Three values and one for what this run does not look at."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_RUN = "NOT RUN"


class Measurement(Record):
    """A number with its bounds: the truth lies in [low, high].

    `value` is None when nothing could be measured; `note` then says why. `evidence` points into the run folder.
    """

    name: str
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    unit: str
    sample_size: int = Field(default=0, ge=0)
    evidence: str = ""
    note: str = ""


class Criterion(Record):
    """One objective of the specification against its measurement."""

    id: str
    title: str
    target: str
    status: Status
    actual: str
    measurement: Measurement | None = None
    reason: str = ""


class Finding(Record):
    """Something a reader should know that no criterion says."""

    id: str
    severity: Literal["info", "warning", "error"]
    text: str


class Proof(Record):
    """The proof of injection: a named victim, gone by UID, and a replacement of the same owner."""

    holds: bool
    reason: str
    victim: str = ""
    victim_uid: str = ""
    replacement: str = ""
    replacement_uid: str = ""


class Phase(Record):
    """One stretch of the recovery, from `start_s` to `end_s`; `end_s` None: never seen to end."""

    name: str
    start_s: float
    end_s: float | None
    source: str


class Window(Record):
    """The stretch that the criteria look at: the start of the fault to the recovery (None: not seen)."""

    fault_s: float | None
    recovered_s: float | None
    watch_lag_s: float
    end_s: float


class Traffic(Record):
    """What users saw in one stretch of the run. Counts are requests; latencies milliseconds from the intended start."""

    name: str
    start_s: float
    end_s: float
    requests: int
    http_5xx: int
    unanswered: int
    p50_ms: Number | None
    p95_ms: Number | None
    p99_ms: Number | None


class EndpointTraffic(Traffic):
    """The same for one endpoint and kind of connection."""

    endpoint: str
    connection: Literal["fresh", "keep-alive"]


class Verdict(Record):
    """`verdict.json`, whole."""

    schema_version: Literal["gameday/verdict/v1"] = "gameday/verdict/v1"
    run: str
    status: Status
    headline: str
    stage: Literal["REHEARSAL", "CLUSTER"]
    service: str
    experiment: str
    started_at: str
    proof: Proof
    window: Window
    criteria: tuple[Criterion, ...]
    measurements: tuple[Measurement, ...]
    phases: tuple[Phase, ...]
    traffic: tuple[Traffic, ...]
    endpoints: tuple[EndpointTraffic, ...]
    findings: tuple[Finding, ...]
