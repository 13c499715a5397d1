"""Start a stage from Python and stop it again.

with Stage(folder, [manifests]) as stage:
    ...  # a cluster behind stage.kubeconfig
"""

import contextlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Self

from gameday.rehearsal.api.access import DenyRule
from gameday.rehearsal.options import Options

_STOP_S = 5.0
_MARGIN_S = 5.0


class StageError(Exception):
    """The stage did not come up; the message says why."""


class Stage:
    """A rehearsal stage as a child process; leaving the context ends it with all its pods.

    Args:
        directory: where its kubeconfig, request log, logs and its pods' output go.
        manifests: files or folders to apply as they are, Namespaces first. A node port that is taken on this
            machine is replaced by a free one: ask the API for the Service's.
        endpoint_lag_s: how late the Service proxy follows the EndpointSlices.
        kill_after_s: from SIGTERM to SIGKILL for pods that are deleted without grace.
        images: further stand-ins, image to command; an empty command runs the manifest's own.
        deny: what the kubeconfig's user may not do, e.g. `create:podchaos.chaos-mesh.org:staging`.
        chaos_mesh: whether somebody acts on PodChaos.
        chaos_mesh_filter_namespace: Chaos Mesh's enableFilterNamespace.
        history: how many changes a watch can look back before it gets 410 Gone.
        ready_timeout_s: how long the Deployments of the manifests may take to be Available.
    """

    def __init__(
        self,
        directory: Path,
        manifests: Sequence[Path],
        *,
        endpoint_lag_s: float = 0.1,
        kill_after_s: float = 0.1,
        images: Mapping[str, Sequence[str]] | None = None,
        deny: Sequence[DenyRule | str] = (),
        chaos_mesh: bool = True,
        chaos_mesh_filter_namespace: bool = False,
        history: int = 4000,
        ready_timeout_s: float = 30.0,
    ) -> None:
        self.directory = directory.absolute()
        self._options = Options(
            directory=self.directory,
            manifests=tuple(path.absolute() for path in manifests),
            endpoint_lag_s=endpoint_lag_s,
            kill_after_s=kill_after_s,
            images={image: tuple(command) for image, command in (images or {}).items()},
            deny=tuple(rule if isinstance(rule, DenyRule) else DenyRule.parse(rule) for rule in deny),
            chaos_mesh=chaos_mesh,
            chaos_mesh_filter_namespace=chaos_mesh_filter_namespace,
            history=history,
            ready_timeout_s=ready_timeout_s,
            until_stdin_closes=True,
        )
        self._process: subprocess.Popen[str] | None = None

    @property
    def kubeconfig(self) -> Path:
        """Return the kubeconfig's path; its context is called `rehearsal`."""
        return self.directory / "kubeconfig"

    @property
    def requests(self) -> Path:
        """Return the request log's path: the stage's equivalent of the audit log."""
        return self.directory / "requests.jsonl"

    @property
    def pid(self) -> int:
        """Return the stage's process id."""
        if self._process is None:
            raise StageError("the stage is not running: use it as a context manager")
        return self._process.pid

    def __enter__(self) -> Self:
        """Start the stage; return when every Deployment of the manifests is Available."""
        self.launch()
        self.await_ready()
        return self

    def launch(self) -> None:
        """Start the stage's process; `await_ready` tells when it can be used."""
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "gameday.rehearsal", *self._options.arguments()]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def await_ready(self) -> None:
        """Wait until every Deployment of the manifests is Available.

        Raises:
            StageError: It does not get there; the stage is stopped again.
        """
        if self._process is None:
            raise StageError("the stage is not running: launch it first")
        try:
            self._await_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def _await_ready(self, process: "subprocess.Popen[str]") -> None:
        # The stage keeps its own deadline and says what is missing; the timer is for a stage that says
        # nothing at all.
        timer = Timer(self._options.ready_timeout_s + _MARGIN_S, process.kill)
        timer.start()
        try:
            for line in process.stdout or ():
                if line.strip() == "ready":
                    return
                if line.startswith("error "):
                    raise StageError(line.removeprefix("error ").strip())
        finally:
            timer.cancel()
        log = self.directory / "stage.log"
        tail = log.read_text()[-1000:] if log.exists() else ""
        raise StageError(f"the stage ended before it was ready (exit code {process.wait()}); the end of {log}:\n{tail}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the stage."""
        self.stop()

    def stop(self) -> None:
        """End the stage and everything that it started; may be called twice."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()  # it ends when its parent is gone
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
