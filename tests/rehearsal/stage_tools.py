"""Running the project's commands against a rehearsal stage, as a user does."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from commands import Finished, change

from gameday.rehearsal.kube_client import KubeClient
from gameday.rehearsal.stage import Stage

ROOT = Path(__file__).parents[2]
EXPERIMENT = ROOT / "experiments/task-api/pod-kill.yaml"


def copy_experiment(folder: Path) -> Path:
    """The experiment with short windows, in a folder of its own, to be changed at will."""
    shutil.copytree(EXPERIMENT.parent, folder / "task-api")
    path = folder / "task-api" / "pod-kill.yaml"
    change(path, "configuration", "gameday", "baseline_s", value=1)
    change(path, "configuration", "gameday", "settle_s", value=2)
    change(path, "configuration", "gameday", "recovery_timeout_s", value=20)
    return path


def gameday(*arguments: str, stage: Stage | None = None, runs: Path, timeout_s: float = 100) -> Finished:
    """Run a command to its end."""
    with started(*arguments, stage=stage, runs=runs) as (process, finish):
        del process
        return finish(timeout_s)


@contextmanager
def started(
    *arguments: str, stage: Stage | None = None, runs: Path
) -> Iterator[tuple[subprocess.Popen[str], Callable[[float], Finished]]]:
    """Start a command; the second value waits for its end."""
    environment = {**os.environ, "KUBECONFIG": str(stage.kubeconfig) if stage else "/nowhere/kubeconfig"}
    before = set(runs.iterdir()) if runs.exists() else set()
    command = [sys.executable, "-m", "gameday", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )

    def finish(timeout_s: float) -> Finished:
        stdout, stderr = process.communicate(timeout=timeout_s)
        after = set(runs.iterdir()) if runs.exists() else set()
        return Finished(process.returncode, stdout, stderr, next(iter(after - before), None))

    with process:
        try:
            yield process, finish
        finally:
            process.kill()


def await_mark(runs: Path, name: str, timeout_s: float = 30) -> Path:
    """Wait until the newest run's journal has a mark; its folder. The journal is the event: it is read as it grows."""
    patience = threading.Event()
    for _ in range(int(timeout_s / 0.02)):
        for folder in sorted(runs.iterdir()) if runs.exists() else []:
            marks = folder / "marks.jsonl"
            if marks.exists() and f'"mark":"{name}"' in marks.read_text():
                return folder
        patience.wait(0.02)
    raise AssertionError(f"no mark {name} within {timeout_s} s")


DEPLOYMENT = "/apis/apps/v1/namespaces/staging/deployments/task-api"


def scale(stage: Stage, replicas: int) -> None:
    """Ask for another number of pods."""
    api = KubeClient(stage.kubeconfig, None, "tests")
    api.request("PATCH", DEPLOYMENT, body={"spec": {"replicas": replicas}})


def await_ready(stage: Stage, replicas: int, timeout_s: float = 60) -> None:
    """Wait until the Deployment has so many Ready pods and no other."""
    api, patience = KubeClient(stage.kubeconfig, None, "tests"), threading.Event()
    for _ in range(int(timeout_s / 0.05)):
        status = api.request("GET", DEPLOYMENT)["status"]
        if status.get("readyReplicas") == status.get("replicas") == replicas:
            return
        patience.wait(0.05)
    raise AssertionError(f"not {replicas} Ready pods within {timeout_s} s")


def mark(folder: Path, name: str) -> dict:
    """The first mark of a name."""
    lines = (folder / "marks.jsonl").read_text().splitlines()
    return next(line for line in map(json.loads, lines) if line["mark"] == name)


def children(pid: int, words: str) -> list[int]:
    """Processes below a process whose command line holds some words."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], check=True, capture_output=True, text=True).stdout
    found = [line.split(None, 2) for line in listing.splitlines()]
    return [int(child) for child, parent, args in found if int(parent) == pid and words in args]


def end(pid: int) -> None:
    """SIGKILL one process."""
    os.kill(pid, signal.SIGKILL)


def written(stage: Stage) -> list[str]:
    """Everything that was written on the stage by this project's user agent, dry runs and reviews left out."""
    found = []
    for line in stage.requests.read_text().splitlines():
        entry = json.loads(line)
        harmless = entry.get("dryRun") or str(entry.get("resource", "")).startswith("selfsubject")
        ours = str(entry.get("userAgent", "")).startswith("gameday")
        if ours and entry["verb"] in {"create", "update", "patch", "delete"} and not harmless:
            found.append(f"{entry['verb']} {entry['resource']} {entry['name']}")
    return found
