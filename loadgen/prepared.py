"""The requests of a profile, made ready: only the arrival's number is missing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from loadgen.profile import Endpoint

PLACEHOLDER = "{n}"


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """One endpoint's request. The two kinds of headers differ in what they ask of the connection."""

    name: str
    method: str
    path_template: str
    body_template: str
    headers_kept: Mapping[str, str]
    headers_fresh: Mapping[str, str]

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        """The request of an endpoint; its own headers win over the usual ones."""
        # `identity`: what is measured is the service, not this machine's decompression.
        headers = {"User-Agent": "chaos-gameday", "Accept": "application/json", "Accept-Encoding": "identity"}
        body = ""
        if endpoint.payload is not None:
            body = json.dumps(endpoint.payload)
            headers["Content-Type"] = "application/json"
        own = {name.lower() for name in endpoint.headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in own}
        headers |= endpoint.headers
        # RFC 9112, section 9.3: a client that will not use the connection again says so.
        fresh = headers | {"Connection": "close"}
        return cls(endpoint.name, endpoint.method, endpoint.path, body, headers, fresh)

    def path(self, number: int) -> str:
        """The path of an arrival."""
        return self.path_template.replace(PLACEHOLDER, str(number))

    def body(self, number: int) -> bytes:
        """The body of an arrival, empty without a payload."""
        return self.body_template.replace(PLACEHOLDER, str(number)).encode()

    def headers(self, *, fresh: bool) -> Mapping[str, str]:
        """The headers for a connection of its own or a kept one."""
        return self.headers_fresh if fresh else self.headers_kept
