"""One pod on the node: from its binding to the end of its last process."""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from gameday.rehearsal.api.cluster import Cluster, DeleteOptions
from gameday.rehearsal.api.errors import ApiError
from gameday.rehearsal.api.resources import PODS
from gameday.rehearsal.controllers.events import Events
from gameday.rehearsal.node.environment import environment
from gameday.rehearsal.node.images import Images
from gameday.rehearsal.node.pod_status import ContainerState, PodState
from gameday.rehearsal.node.prober import Hooks, Prober
from gameday.rehearsal.node.probes import Target
from gameday.rehearsal.node.processes import Process, run_briefly
from gameday.rehearsal.objects import Obj, key_of, name_of, namespace_of, uid_of

_log = logging.getLogger(__name__)
_BACKOFF_S = (10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
_LONG_RUN_S = 600.0  # after a run of ten minutes the back-off begins anew (kubelet, MaxContainerBackOff)


@dataclass(frozen=True)
class Services:
    """What every pod worker needs of its node."""

    cluster: Cluster
    events: Events
    images: Images
    logs: Path
    kill_after_s: float
    reset_connections: Callable[[str], None]


class PodWorker:
    """Runs one pod's containers, probes them, reports their state, and ends them."""

    def __init__(self, services: Services, pod: Obj, address: str) -> None:
        self._node, self._pod = services, pod
        spec = pod["spec"]
        init = [ContainerState(c, init=True, waiting="PodInitializing") for c in spec.get("initContainers") or []]
        waiting = "PodInitializing" if init else "ContainerCreating"
        self.state = PodState(address, init, [ContainerState(c, waiting=waiting) for c in spec["containers"]])
        self._processes: dict[str, Process] = {}
        self._stopping = False
        self._main = asyncio.ensure_future(self._run())
        self._ending: asyncio.Task[None] | None = None
        self._ending_at: float | None = None

    async def _run(self) -> None:
        try:
            self.state.sandbox = True
            self._report()
            for container in self.state.init:
                await self._run_container(container)
                if container.exit_code != 0:
                    return
            self.state.initialized = True
            async with asyncio.TaskGroup() as group:
                for container in self.state.containers:
                    group.create_task(self._run_container(container))
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - a bug must cost this pod only
            _log.exception("pod %s", "/".join(key_of(self._pod)))

    async def _run_container(self, container: ContainerState) -> None:
        crashes = 0
        while not self._stopping:
            command = await self._pull(container)
            began = time.monotonic()
            code = await self._run_once(container, command)
            restarting = not self._stopping and self._restarts(container, code)
            container.end(code, restarting=restarting)
            if not restarting:
                self._report()
                return
            crashes = 0 if time.monotonic() - began > _LONG_RUN_S else crashes + 1
            if crashes > 1:  # the first restart is immediate
                await self._back_off(container, crashes - 2)

    async def _pull(self, container: ContainerState) -> tuple[str, ...]:
        image, tries = str(container.spec["image"]), 0
        while (command := self._node.images.command(container.spec)) is None:
            message = f'Failed to pull image "{image}": not found: no stand-in for it on the rehearsal stage'
            self._event("Failed", message, container, warning=True)
            self._event("Failed", "Error: ErrImagePull", container, warning=True)
            container.wait("ErrImagePull", message)
            self._report()
            await asyncio.sleep(1)
            container.wait("ImagePullBackOff", f'Back-off pulling image "{image}"')
            self._event("BackOff", f'Back-off pulling image "{image}"', container)
            self._event("Failed", "Error: ImagePullBackOff", container, warning=True)
            self._report()
            await asyncio.sleep(_BACKOFF_S[min(tries, len(_BACKOFF_S) - 1)])
            tries += 1
        self._event("Pulled", f'Container image "{image}" already present on machine', container)
        return command

    async def _back_off(self, container: ContainerState, at: int) -> None:
        seconds = _BACKOFF_S[min(at, len(_BACKOFF_S) - 1)]
        message = f"back-off {seconds:.0f}s restarting failed container={container.name} pod={name_of(self._pod)}"
        container.wait("CrashLoopBackOff", message)
        pod = f"{name_of(self._pod)}_{namespace_of(self._pod)}"
        what = f"Back-off restarting failed container {container.name} in pod {pod}"
        self._event("BackOff", what, container, warning=True)
        self._report()
        await asyncio.sleep(seconds)

    def _restarts(self, container: ContainerState, code: int) -> bool:
        policy = self._pod["spec"]["restartPolicy"]
        if container.init:
            return code != 0 and policy != "Never"
        return policy == "Always" or (policy == "OnFailure" and code != 0)

    async def _run_once(self, container: ContainerState, command: tuple[str, ...]) -> int:
        env = environment(self._node.cluster, self._pod, container.spec, self.state.address)
        log = self.log_path(container.name)
        self._event("Created", f"Container created: {container.name}", container)
        try:
            process = Process(command, env, log)
        except OSError as error:
            self._event("Failed", f"Error: failed to start container: {error}", container, warning=True)
            return 127
        started = asyncio.get_running_loop().time()
        self._processes[container.name] = process
        self._event("Started", f"Container started: {container.name}", container)
        identity = hashlib.sha256(f"{uid_of(self._pod)}/{container.name}/{process.pid}".encode()).hexdigest()
        container.run(f"process://{identity}", self._node.images.digest(str(container.spec["image"])))
        ports = {str(p["name"]): int(p["containerPort"]) for p in container.spec.get("ports") or [] if p.get("name")}
        target = Target(self.state.address, ports, env, log)
        probing = asyncio.ensure_future(self._prober(container, process, target, started).run())
        try:
            return await process.wait()
        finally:
            probing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await probing
            process.kill()
            self._processes.pop(container.name, None)

    def _prober(self, container: ContainerState, process: Process, target: Target, started: float) -> Prober:
        def unhealthy(message: str) -> None:
            self._event("Unhealthy", message, container, warning=True)

        def give_up(kind: str) -> None:
            if not self._stopping:
                message = f"Container {container.name} failed {kind} probe, will be restarted"
                self._event("Killing", message, container)
                self._spawn(self._end_process(process, self._pod["spec"]["terminationGracePeriodSeconds"]))

        return Prober(container, target, started, Hooks(self._report, unhealthy, give_up))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        _background.add(task)
        task.add_done_callback(_background.discard)

    async def _end_process(self, process: Process, grace_s: float) -> None:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace_s)
        if process.running:
            self._node.reset_connections(self.state.address)
            process.kill()

    def stop(self, grace_s: float) -> None:
        """Begin (or hasten) the pod's end; without grace its processes live for `kill_after_s` at most."""
        wait_s = grace_s if grace_s > 0 else self._node.kill_after_s
        ends_at = time.monotonic() + wait_s
        if self._ending_at is not None and self._ending_at <= ends_at:
            return
        self._ending_at = ends_at
        if self._ending:
            self._ending.cancel()
        if not self._stopping:
            for container in self.state.containers:
                self._event("Killing", f"Stopping container {container.name}", container)
        self._stopping = True
        self._ending = asyncio.ensure_future(self._end(wait_s, hooks=grace_s > 0))

    async def _end(self, wait_s: float, *, hooks: bool) -> None:
        deadline = time.monotonic() + wait_s
        for container in self.state.containers:
            pre_stop = (container.spec.get("lifecycle") or {}).get("preStop")
            if hooks and pre_stop and container.name in self._processes:
                await self._pre_stop(container, pre_stop, deadline - time.monotonic())
        processes = list(self._processes.values())
        await asyncio.gather(*(self._end_process(p, max(0.0, deadline - time.monotonic())) for p in processes))
        for process in processes:
            await process.wait()
        if not processes:
            self._main.cancel()  # it waits for an image or a back-off
        with contextlib.suppress(asyncio.CancelledError):
            await self._main
        self._report()
        with contextlib.suppress(ApiError):  # gone already: deleted without grace
            self._node.cluster.delete(PODS, key_of(self._pod), DeleteOptions(grace_s=0, uid=uid_of(self._pod)))

    async def _pre_stop(self, container: ContainerState, hook: Obj, left_s: float) -> None:
        try:
            if "sleep" in hook:
                await asyncio.sleep(min(float(hook["sleep"]["seconds"]), left_s))
            elif "exec" in hook:
                env = environment(self._node.cluster, self._pod, container.spec, self.state.address)
                await run_briefly(hook["exec"]["command"], env, self.log_path(container.name), left_s)
        except (OSError, TimeoutError) as error:
            self._event("FailedPreStopHook", f"PreStopHook failed: {error}", container, warning=True)

    def kill_now(self) -> None:
        """Kill every process at once: the stage ends."""
        self._stopping = True
        for process in list(self._processes.values()):
            process.kill()
        self._main.cancel()

    @property
    def done(self) -> bool:
        """Say whether nothing of the pod runs any more."""
        return self._main.done() and not self._processes

    def log_path(self, container: str) -> Path:
        """Return where a container's output goes."""
        return self._node.logs / f"{namespace_of(self._pod)}_{name_of(self._pod)}_{container}.log"

    def _event(self, reason: str, message: str, container: ContainerState, *, warning: bool = False) -> None:
        kind = "initContainers" if container.init else "containers"
        field = f"spec.{kind}{{{container.name}}}"
        self._node.events.record(self._pod, reason, message, "kubelet", warning=warning, field=field)

    def _report(self) -> None:
        """Write the pod's status, if this pod is still there."""
        current = self._node.cluster.store.get(PODS, key_of(self._pod))
        if current is not None and uid_of(current) == uid_of(self._pod):
            write = self.state.write
            self._node.cluster.modify(PODS, key_of(self._pod), lambda pod: write(pod["status"]), subresource="status")


_background: set[asyncio.Task[None]] = set()
"""Keeps tasks alive that nobody awaits (asyncio holds only weak references)."""
