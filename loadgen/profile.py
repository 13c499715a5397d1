"""The load profile: what traffic a Game Day puts on a service (`experiments/<service>/load.yaml`). Strict."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from gameday import yamlfile

MAX_CYCLE = 10_000
"""The longest cycle of endpoints, which is the sum of their weights: it is held as a list."""


class Strict(BaseModel):
    """The base of what people write here: frozen, no unknown fields, no converted types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Endpoint(Strict):
    """One kind of request. `{n}` in the path or the payload becomes the number of the arrival, from 0."""

    name: str = Field(min_length=1, max_length=100)
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    path: str = Field(pattern=r"^/[^\x00-\x20\x7f]*$")
    weight: int = Field(ge=1, le=1000)
    payload: JsonValue = None
    headers: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _own_host_only(self) -> Self:
        if self.path.startswith("//"):
            raise ValueError(f"the path {self.path!r} starts with two slashes, which names another host")
        return self


class LoadProfile(Strict):
    """Steady open-loop traffic: arrivals come at a fixed rate, whether or not earlier ones were answered.

    Times are seconds. `fresh_share` is the share of the requests on a TCP connection of their own; the others
    take turns on `keep_alive_connections` connections, so that (with that many) every pod carries some of
    them. `connect_timeout_s` bounds the making of a connection, TLS included; `response_timeout_s` the whole
    request, from the start of the connection to the last byte. `max_duration_s` ends the traffic whatever
    else happens.
    """

    rate_per_s: float = Field(gt=0, le=5000)
    fresh_share: float = Field(default=0.5, ge=0, le=1)
    keep_alive_connections: int = Field(default=20, ge=1, le=1000)
    connect_timeout_s: float = Field(default=2.0, gt=0, le=60)
    response_timeout_s: float = Field(default=5.0, gt=0, le=120)
    max_in_flight: int = Field(default=10_000, ge=1, le=50_000)
    max_duration_s: float = Field(gt=0, le=6 * 3600)
    endpoints: tuple[Endpoint, ...] = Field(min_length=1, max_length=256)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [endpoint.name for endpoint in self.endpoints]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two endpoints have the same name: {', '.join(twice)}")
        if self.connect_timeout_s > self.response_timeout_s:
            raise ValueError("connect_timeout_s is longer than response_timeout_s, which includes it")
        if sum(endpoint.weight for endpoint in self.endpoints) > MAX_CYCLE:
            raise ValueError(f"the weights add up to more than {MAX_CYCLE}; smaller numbers give the same mix")
        return self


def load_profile(path: Path) -> LoadProfile:
    """The load profile of a file.

    Raises:
        BadInputError: The file is missing or no YAML, or a field is wrong; names each with its line.
    """
    return yamlfile.load(path).parse(LoadProfile)
