"""What the kubelet says about a pod: its phase, conditions and container states."""

from dataclasses import dataclass, field

from gameday.rehearsal.objects import Obj, clone, set_condition, timestamp


@dataclass
class ContainerState:
    """One container, as far as the kubelet knows."""

    spec: Obj
    init: bool = False
    waiting: str | None = "ContainerCreating"
    waiting_message: str = ""
    running_since: str | None = None
    exit_code: int | None = None
    terminated: Obj | None = None
    last_terminated: Obj | None = None
    restarts: int = 0
    ready: bool = False
    started: bool = False
    image_id: str = ""
    container_id: str = ""
    done: bool = False  # it will not run again

    @property
    def name(self) -> str:
        """Return the container's name."""
        return str(self.spec["name"])

    def run(self, container_id: str, image_id: str) -> None:
        """Note a start."""
        self.waiting, self.waiting_message, self.exit_code, self.terminated = None, "", None, None
        self.running_since, self.container_id, self.image_id = timestamp(), container_id, image_id

    def end(self, code: int, *, restarting: bool) -> None:
        """Note an end."""
        reason = "Completed" if code == 0 else "Error"
        ended = {
            "exitCode": code,
            "reason": reason,
            "startedAt": self.running_since,
            "finishedAt": timestamp(),
            "containerID": self.container_id,
        }
        self.exit_code, self.running_since = code, None
        self.ready, self.started, self.done = self.init and code == 0, False, not restarting
        if restarting:
            self.last_terminated, self.restarts = ended, self.restarts + 1
        self.terminated = ended

    def wait(self, reason: str, message: str = "") -> None:
        """Note why it does not run yet."""
        self.waiting, self.waiting_message, self.terminated = reason, message, None

    def status(self) -> Obj:
        """Return the container's status."""
        state: Obj
        if self.running_since:
            state = {"running": {"startedAt": self.running_since}}
        elif self.terminated:
            state = {"terminated": self.terminated}
        else:
            state = {
                "waiting": {
                    "reason": self.waiting,
                    **({"message": self.waiting_message} if self.waiting_message else {}),
                }
            }
        return {
            "name": self.name,
            "state": state,
            "lastState": {"terminated": self.last_terminated} if self.last_terminated else {},
            "ready": self.ready,
            "restartCount": self.restarts,
            "image": self.spec["image"],
            "imageID": self.image_id,
            "started": self.started,
            **({"containerID": self.container_id} if self.container_id else {}),
        }


@dataclass
class PodState:
    """One pod, as far as the kubelet knows."""

    address: str
    init: list[ContainerState]
    containers: list[ContainerState]
    sandbox: bool = False
    initialized: bool = False
    started_at: str = field(default_factory=timestamp)

    def phase(self) -> str:
        """Return the pod's phase (kubelet, getPhase)."""
        if any(c.init and c.done and c.exit_code for c in self.init):
            return "Failed"
        if all(c.done for c in self.containers):
            return "Failed" if any(c.exit_code for c in self.containers) else "Succeeded"
        begun = all(c.running_since or c.exit_code is not None for c in self.containers)
        return "Running" if self.initialized and begun else "Pending"

    def write(self, status: Obj) -> None:
        """Write the kubelet's part of a pod's status."""
        phase = self.phase()
        unready = [c.name for c in self.containers if not c.ready]
        finished = phase in ("Succeeded", "Failed")
        reason = (
            ("PodCompleted" if phase == "Succeeded" else "PodFailed")
            if finished
            else "ContainersNotReady"
            if unready
            else ""
        )
        message = f"containers with unready status: [{' '.join(unready)}]" if unready and not finished else ""
        set_condition(status, "PodReadyToStartContainers", value=self.sandbox and not finished)
        waiting = "" if self.initialized else "ContainersNotInitialized"
        set_condition(status, "Initialized", value=self.initialized, reason=waiting)
        ready = not unready and phase == "Running"
        set_condition(status, "ContainersReady", value=ready, reason=reason, message=message)
        set_condition(status, "Ready", value=ready, reason=reason, message=message)
        status.update(phase=phase, hostIP="127.0.0.1", hostIPs=[{"ip": "127.0.0.1"}], startTime=self.started_at)
        if self.sandbox:
            status.update(podIP=self.address, podIPs=[{"ip": self.address}])
        if self.init:
            status["initContainerStatuses"] = [clone(c.status()) for c in self.init]
        status["containerStatuses"] = [clone(c.status()) for c in self.containers]
