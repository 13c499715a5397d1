"""The whole stage in one process: builds every part, runs it, and takes it down."""

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

from gameday.rehearsal import furniture, manifests
from gameday.rehearsal.api.access import ADMIN, CHAOS_MESH, Access
from gameday.rehearsal.api.audit import RequestLog
from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.resources import DEPLOYMENTS, PODS, Resource
from gameday.rehearsal.api.server import ApiServer
from gameday.rehearsal.api.store import Store
from gameday.rehearsal.controllers.deployments import Deployments
from gameday.rehearsal.controllers.endpoints import EndpointSlices
from gameday.rehearsal.controllers.events import Events
from gameday.rehearsal.controllers.garbage import GarbageCollector, Namespaces
from gameday.rehearsal.controllers.replicasets import ReplicaSets
from gameday.rehearsal.controllers.scheduler import Scheduler
from gameday.rehearsal.http import serve
from gameday.rehearsal.kubeconfig import make_tls, write_kubeconfig
from gameday.rehearsal.node.addresses import Addresses
from gameday.rehearsal.node.images import Images
from gameday.rehearsal.node.kubelet import Kubelet
from gameday.rehearsal.node.pod_worker import Services
from gameday.rehearsal.node.processes import Guard, Process
from gameday.rehearsal.objects import Key, Obj, is_true, name_of, namespace_of
from gameday.rehearsal.options import Options
from gameday.rehearsal.prometheus import publish
from gameday.rehearsal.prometheus.api import PrometheusApi
from gameday.rehearsal.prometheus.samples import Samples
from gameday.rehearsal.prometheus.scraper import Scraper
from gameday.rehearsal.proxy.ports import ServiceAllocator
from gameday.rehearsal.proxy.proxy import ServiceProxy

_log = logging.getLogger(__name__)
_PROMETHEUS_HOST = 9
_PROXY_MARGIN_S = 0.02


class StageError(Exception):
    """The stage cannot come up; the message says why."""


class House:
    """Everything that one stage consists of."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._stop = asyncio.Event()
        self._chaos_mesh: subprocess.Popen[bytes] | None = None
        self._scraping: asyncio.Task[None] | None = None
        self._addresses = Addresses()
        store = Store(options.history)
        self.cluster = Cluster(store, ServiceAllocator(store, self._addresses))
        self._logs = options.directory / "pods"
        self._logs.mkdir(parents=True, exist_ok=True)
        Process.guard = Guard()
        self._kubelet = self._build()

    def _build(self) -> Kubelet:
        """Build the parts; the garbage collector first, for it must know every owner."""
        cluster, options = self.cluster, self._options
        GarbageCollector(cluster)
        Namespaces(cluster)
        events = Events(cluster)
        Deployments(cluster, events)
        ReplicaSets(cluster, events)
        Scheduler(cluster, events)
        EndpointSlices(cluster)
        proxy = ServiceProxy(cluster, options.endpoint_lag_s)
        services = Services(
            cluster, events, Images(options.images), self._logs, options.kill_after_s, proxy.reset_connections
        )
        return Kubelet(services, self._addresses)

    async def run(self) -> None:
        """Come up, say so, and stay until told to stop."""
        self._stop_on_signals()
        try:
            await self._open()
            _say(f"kubeconfig {self._options.directory / 'kubeconfig'}")
            await self._raise_curtain()
            _say("ready")
            await self._stop.wait()
        finally:
            self._close()

    def _stop_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        if self._options.until_stdin_closes:
            loop.add_reader(sys.stdin.fileno(), self._stop.set)  # nobody writes there: readable means closed

    async def _open(self) -> None:
        directory = self._options.directory
        sock = socket.create_server(("127.0.0.1", 0), backlog=512)
        url = f"https://127.0.0.1:{sock.getsockname()[1]}"
        tls, authority = make_tls(directory)
        tokens = {user: secrets.token_hex(16) for user in (ADMIN, CHAOS_MESH)}
        write_kubeconfig(directory / "kubeconfig", url, authority, ADMIN, tokens[ADMIN])
        write_kubeconfig(directory / "chaos-mesh.kubeconfig", url, authority, CHAOS_MESH, tokens[CHAOS_MESH])
        if self._options.chaos_mesh:  # its imports take longest: it starts first
            self._chaos_mesh = self._start_chaos_mesh()
        access = Access({token: user for user, token in tokens.items()}, self._options.deny)
        server = ApiServer(self.cluster, access, RequestLog(directory / "requests.jsonl"), self._kubelet.read_log)
        furniture.install(self.cluster)
        await serve(sock, server.handle, tls)
        await self._open_prometheus()

    async def _open_prometheus(self) -> None:
        samples = Samples()
        address = self._addresses.infrastructure(_PROMETHEUS_HOST)
        await serve(socket.create_server((address, publish.PORT)), PrometheusApi(samples).handle)
        publish.publish(self.cluster, address)
        self._scraping = asyncio.ensure_future(Scraper(self.cluster.store, samples).run())

    def _start_chaos_mesh(self) -> "subprocess.Popen[bytes]":
        directory = self._options.directory
        command = [
            sys.executable,
            "-m",
            "gameday.rehearsal.chaos_mesh",
            "--kubeconfig",
            str(directory / "chaos-mesh.kubeconfig"),
        ]
        if self._options.chaos_mesh_filter_namespace:
            command.append("--filter-namespace")
        with (directory / "chaos-mesh.log").open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )

    async def _raise_curtain(self) -> None:
        """Apply the manifests and wait until what they describe is there."""
        applied = [
            (resource, manifests.apply(self.cluster, path, resource, obj)) for path, resource, obj in self._load()
        ]
        wanted = [key for resource, key in applied if resource == DEPLOYMENTS]
        try:
            async with asyncio.timeout(self._options.ready_timeout_s):
                await self._chaos_mesh_ready()
                await self._available(wanted)
                # The Service proxy is that much behind: "ready" means that the ports answer too.
                await asyncio.sleep(self._options.endpoint_lag_s + _PROXY_MARGIN_S)
        except TimeoutError:
            raise StageError(self._what_is_missing(wanted)) from None

    def _load(self) -> list[tuple[Path, Resource, Obj]]:
        return manifests.load(self._options.manifests)

    async def _chaos_mesh_ready(self) -> None:
        if self._chaos_mesh is None or self._chaos_mesh.stdout is None:
            return
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._chaos_mesh.stdout
        )
        line = await reader.readline()
        if line.strip() != b"ready":
            log = self._options.directory / "chaos-mesh.log"
            raise StageError(f"Chaos Mesh's stand-in did not start: {log.read_text()[-500:]}")

    async def _available(self, wanted: list[Key]) -> None:
        missing = asyncio.Event()
        unsubscribe = self.cluster.store.subscribe(DEPLOYMENTS, lambda _: missing.set())
        try:
            while any(not self._is_available(key) for key in wanted):
                missing.clear()
                await missing.wait()
        finally:
            unsubscribe()

    def _is_available(self, key: Key) -> bool:
        deployment = self.cluster.store.get(DEPLOYMENTS, key)
        if deployment is None:
            return True  # deleted by someone meanwhile: not waited for
        ready = deployment.get("status", {}).get("availableReplicas", 0) >= deployment["spec"]["replicas"]
        return ready and is_true(deployment, "Available")

    def _what_is_missing(self, wanted: list[Key]) -> str:
        late = ["/".join(key) for key in wanted if not self._is_available(key)]
        pods = [
            f"{namespace_of(pod)}/{name_of(pod)}: {_why_not_ready(pod)}"
            for pod in self.cluster.store.all(PODS).values()
            if not is_true(pod, "Ready")
        ]
        seconds = self._options.ready_timeout_s
        missing = f"not Available after {seconds:.0f} s: {', '.join(late) or 'Chaos Mesh'}"
        return f"{missing}. Pods that are not Ready: {'; '.join(pods) or 'none'}"

    def _close(self) -> None:
        self._kubelet.stop()
        if self._scraping is not None:
            self._scraping.cancel()
        if self._chaos_mesh is not None:
            self._chaos_mesh.kill()
            self._chaos_mesh.wait()
        if Process.guard is not None:
            Process.guard.close()
        self._addresses.release()


def _why_not_ready(pod: Obj) -> str:
    conditions = pod.get("status", {}).get("conditions") or []
    unscheduled = [c["message"] for c in conditions if c["type"] == "PodScheduled" and c.get("message")]
    waiting = [
        f"{status['name']} {state.get('reason')} {state.get('message', '')}".strip()
        for status in pod.get("status", {}).get("containerStatuses") or []
        if (state := status["state"].get("waiting"))
    ]
    return ", ".join(unscheduled + waiting) or f"{pod['status'].get('phase')}, its readiness probe has not passed"


def _say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(line, flush=True)
