"""The kubelet: a worker for each pod that is bound to this node."""

import asyncio

from gameday.rehearsal.api.requests import Info
from gameday.rehearsal.api.resources import PODS
from gameday.rehearsal.api.store import DELETED, Change
from gameday.rehearsal.http import Request, Response, Sender, Stream
from gameday.rehearsal.node.addresses import Addresses
from gameday.rehearsal.node.pod_worker import PodWorker, Services
from gameday.rehearsal.objects import Obj, is_deleting, key_of, uid_of

_TAIL_EVERY_S = 0.2


class Kubelet:
    """Starts and stops pod workers as pods come and go."""

    def __init__(self, services: Services, addresses: Addresses) -> None:
        self._services, self._addresses = services, addresses
        self._workers: dict[str, PodWorker] = {}
        services.cluster.store.subscribe(PODS, self._changed)

    def _changed(self, change: Change) -> None:
        # A worker writes to the API: never while the change that called for it is still being told to others.
        asyncio.get_running_loop().call_soon(self._sync, change.obj, change.kind == DELETED)

    def _sync(self, pod: Obj, gone: bool) -> None:  # noqa: FBT001 - call_soon passes positions
        worker = self._workers.get(uid_of(pod))
        if gone or is_deleting(pod):
            if worker is not None:
                worker.stop(0 if gone else pod["metadata"].get("deletionGracePeriodSeconds", 0))
            if gone and worker is not None:
                self._forget_soon(uid_of(pod))
        elif worker is None and pod["spec"].get("nodeName") and pod["status"].get("phase") == "Pending":
            self._workers[uid_of(pod)] = PodWorker(self._services, pod, self._addresses.pod())

    def _forget_soon(self, uid: str) -> None:
        worker = self._workers.get(uid)
        if worker is not None and worker.done:
            del self._workers[uid]
        elif worker is not None:
            asyncio.get_running_loop().call_later(1.0, self._forget_soon, uid)

    def stop(self) -> None:
        """Kill every process."""
        for worker in self._workers.values():
            worker.kill_now()

    def read_log(self, request: Request, info: Info) -> Response | Stream:
        """Answer `pods/log`: what a container wrote so far, or goes on writing."""
        pod = self._services.cluster.get(PODS, info.key)
        container = request.query.get("container") or str(pod["spec"]["containers"][0]["name"])
        path = self._services.logs / f"{key_of(pod)[0]}_{key_of(pod)[1]}_{container}.log"
        if request.query.get("follow") != "true":
            return Response(200, path.read_bytes() if path.exists() else b"", "text/plain")

        async def follow(sender: Sender) -> None:
            at = 0
            while not sender.closed.is_set():
                content = path.read_bytes()[at:] if path.exists() else b""
                at += len(content)
                if content:
                    sender.send(content)
                await asyncio.sleep(_TAIL_EVERY_S)

        return Stream(follow, "text/plain")
