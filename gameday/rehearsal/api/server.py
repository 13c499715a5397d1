"""The API server: authenticates, logs, and hands each request to discovery, a review, a watch or a verb."""

import logging
from collections.abc import Callable

from gameday.rehearsal.api import discovery, tables
from gameday.rehearsal.api.access import Access
from gameday.rehearsal.api.audit import RequestLog
from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.errors import ApiError, no_such_path, not_allowed, unauthorized
from gameday.rehearsal.api.requests import Info, object_of, parse
from gameday.rehearsal.api.resources import REVIEWS
from gameday.rehearsal.api.verbs import Verbs
from gameday.rehearsal.api.watch import Watch
from gameday.rehearsal.http import Request, Response, Stream, json_response
from gameday.rehearsal.objects import Obj

_log = logging.getLogger(__name__)

type LogReader = Callable[[Request, Info], Response | Stream]
"""Answers `pods/log`: the node's business."""


class ApiServer:
    """Handles every request to the stage's Kubernetes API."""

    def __init__(self, cluster: Cluster, access: Access, requests: RequestLog, read_log: LogReader) -> None:
        self._cluster, self._access, self._requests, self._read_log = cluster, access, requests, read_log
        self._verbs = Verbs(cluster)

    async def handle(self, request: Request) -> Response | Stream:
        """Answer one request and note it in the request log."""
        info: Info | None = None
        user = self._access.user(request.headers.get("authorization", "")) or ""
        try:
            if not user:
                raise unauthorized()  # noqa: TRY301 - every refusal takes the one way below
            info = parse(request)
            answer = self._answer(request, info, user)
        except ApiError as error:
            answer = json_response(error.status(), error.code)
        except Exception as error:  # noqa: BLE001 - a bug must not take the stage down
            _log.exception("%s %s", request.method, request.path)
            answer = json_response(ApiError(500, "InternalError", f"Internal error occurred: {error!r}").status(), 500)
        self._requests.write(request, info, user, 200 if isinstance(answer, Stream) else answer.status)
        return answer

    def _answer(self, request: Request, info: Info | None, user: str) -> Response | Stream:
        if info is None:
            found = discovery.answer(request)
            if found is None:
                raise no_such_path()
            return found
        self._access.check(user, info)
        if info.resource in REVIEWS:
            if info.verb != "create":
                raise not_allowed()
            return json_response(self._access.review(user, info.resource.kind, object_of(request)), 201)
        if info.subresource == "log":
            self._cluster.get(info.resource, info.key)
            return self._read_log(request, info)
        if info.verb == "watch":
            return self._watch(request, info)
        return self._verbs.carry_out(request, info)

    def _watch(self, request: Request, info: Info) -> Stream:
        as_table = tables.wanted(request.headers.get("accept", ""))
        include = request.query.get("includeObject", "Metadata")

        def to_table(obj: Obj) -> Obj:
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            return tables.table(info.resource.kind, [obj], metadata, include=include)

        return Watch(self._cluster.store, request, info, to_table if as_table else None).stream()
