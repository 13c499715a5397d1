"""The request log, `requests.jsonl`: one line a request, the stage's equivalent of the audit log.

Tests prove with it that nothing was written. The stage's own controllers write past HTTP and are not in it.
"""

import time
from pathlib import Path

from gameday.rehearsal.api.requests import Info
from gameday.rehearsal.http import Request
from gameday.rehearsal.objects import encode


class RequestLog:
    """Appends to the log, unbuffered: what a SIGKILL leaves is complete up to its last line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, request: Request, info: Info | None, user: str, code: int) -> None:
        """Note an answered request (a watch: when it begins)."""
        record = {
            "verb": info.verb if info else request.method.lower(),
            "path": request.path,
            "resource": info.resource.qualified if info else "",
            "subresource": info.subresource if info else "",
            "namespace": info.namespace if info else "",
            "name": info.name if info else "",
            "user": user,
            "userAgent": request.headers.get("user-agent", ""),
            "code": code,
            "dryRun": request.query.get("dryRun", ""),
            "monotonic_ns": time.monotonic_ns(),
            "wall_us": time.time_ns() // 1000,
        }
        self._file.write(encode(record) + b"\n")
