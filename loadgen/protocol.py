"""What the harness and its Locust process say to each other: one plan in, lines of JSON out.

The plan goes in as the first line of the process's stdin (not a file or a variable: headers may hold
secrets); the end of stdin means stop. Out of its stdout come `Started`, a `Progress` every 200 ms and
`Totals` at the end, or `Failed`. All `*_ns` are nanoseconds of CLOCK_MONOTONIC.
"""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from gameday.errors import BadInputError
from loadgen.profile import LoadProfile


class Message(BaseModel):
    """The base of what passes between the two: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LoadPlan(Message):
    """Everything that a Locust process needs to know.

    `url` is the service's base; `folder` an absolute path; `worker` the number of the process, 0 when there
    is one.
    """

    url: str
    profile: LoadProfile
    folder: str
    requests_name: str = "requests.arrow"
    worker: int = Field(default=0, ge=0, le=65535)

    @model_validator(mode="after")
    def _http_only(self) -> Self:
        check_url(self.url)
        return self


class Started(Message):
    """The schedule began: arrival 0 is intended at `t0_ns`."""

    type: Literal["started"] = "started"
    t0_ns: int


class Progress(Message):
    """How it stands at `t_ns`. Counts are requests since the start.

    `p95_ms_recent` is over the requests that ended since the message before, from their intended start; None
    when none did, or when the 95th percentile was not answered. `late_ms_recent` is the greatest lateness of
    a start.
    """

    type: Literal["progress"] = "progress"
    t_ns: int
    scheduled: int
    finished: int
    http_5xx: int
    unanswered: int
    in_flight: int
    p95_ms_recent: float | None
    late_ms_recent: float


class Totals(Message):
    """The final counts.

    `scheduled`: arrivals that came due; `recorded`: rows written; `locust_requests`, `locust_failures`:
    Locust's own statistics, where every unanswered request is a failure and an HTTP 5xx is none;
    `unanswered`: the recorder's count of the same; `unsent`: those of them that never left this machine;
    `recorder_errors`: rows or measurements lost.
    """

    type: Literal["totals"] = "totals"
    scheduled: int
    recorded: int
    locust_requests: int
    locust_failures: int
    unanswered: int
    unsent: int
    recorder_errors: int


class Failed(Message):
    """The process cannot do its work and says why."""

    type: Literal["failed"] = "failed"
    reason: str


type AnyMessage = Started | Progress | Totals | Failed

MESSAGES: TypeAdapter[AnyMessage] = TypeAdapter(
    Annotated[Started | Progress | Totals | Failed, Field(discriminator="type")]
)


def check_url(url: str) -> None:
    """Let only a plain http or https URL with a host pass.

    Raises:
        BadInputError: It is something else.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is no number
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        usable = usable and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        usable = False
    if not usable:
        raise BadInputError(
            f"the service's URL {url!r}",
            "http://host:port or https://host:port, without user, query or fragment",
            "Correct the URL in the experiment's configuration.",
        )


def check_totals(totals: Totals, rows: int) -> list[str]:
    """What does not add up between schedule, recorder, file and Locust: one sentence each, none when fine.

    Args:
        totals: What the Locust process said at its end.
        rows: How many rows its file really holds.
    """
    pairs = [
        (totals.recorded, "recorded", totals.scheduled, "came due"),
        (rows, "stand in the file", totals.recorded, "were recorded"),
        (totals.locust_requests, "were counted by Locust", totals.recorded, "were recorded"),
        (totals.locust_failures, "failed for Locust", totals.unanswered, "are recorded as unanswered"),
    ]
    found = [f"{a} requests {said}, but {b} {other}." for a, said, b, other in pairs if a != b]
    if totals.recorder_errors:
        found.append(f"The recorder had {totals.recorder_errors} errors; see locust.log.")
    if totals.unsent:
        found.append(f"{totals.unsent} requests could not be sent: the load generator reached its own limits.")
    return found
