"""Makers of literal records, and of whole run folders, for the tests of the core.

A `Story` is a run as a list of things that happened, each with its second. It starts as a clean pass: three pods,
100 requests/s, a kill at 5 s that Chaos Mesh records, a replacement that is Ready 1.99 s later. A test changes one
thing and writes the folder with the program's own journal and Arrow schema.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from gameday.store import folder as store
from gameday.store import journal as journal_module
from gameday.store.journal import Journal
from gameday.store.meta import Check, Clock, RunMeta, Workload
from gameday.store.requests import schema
from gameday.timeline import Anchor, Outcome, Requests, WatchEvent

ROOT = Path(__file__).parents[2]
EXPERIMENTS = ROOT / "experiments" / "task-api"
ANCHOR_NS = 1_000_000_000_000
"""The monotonic time of second 0 of every story."""
WALL_NS = 1_760_000_000_000_000_000
LAG_S = 0.004
ENDPOINTS = ("list tasks", "create task")
OWNER = "replicaset-1"


def at(seconds: float) -> int:
    """Monotonic nanoseconds of a second of the story."""
    return ANCHOR_NS + round(seconds * 1e9)


def pod(
    name: str,
    *,
    ready: bool = True,
    terminating: bool = False,
    owner: str = OWNER,
    uid: str = "",
    conditions: Sequence[str] = (),
) -> dict[str, object]:
    """A pod as the API shows it; its UID is `uid-<name>` unless given."""
    kinds = [*conditions, *(["Ready"] if ready else [])]
    metadata: dict[str, object] = {
        "name": name,
        "namespace": "staging",
        "uid": uid or f"uid-{name}",
        "labels": {"app": "task-api"},
        "ownerReferences": [{"kind": "ReplicaSet", "uid": owner, "controller": True}] if owner else [],
    }
    if terminating:
        metadata["deletionTimestamp"] = "2025-10-09T08:53:25Z"
    return {
        "metadata": metadata,
        "status": {"phase": "Running", "conditions": [{"type": kind, "status": "True"} for kind in kinds]},
    }


def podchaos(*victims: str) -> dict[str, object]:
    """The run's PodChaos, its record naming these victims (`namespace/pod`)."""
    records = [
        {
            "id": victim,
            "phase": "Injected",
            "injectedCount": 1,
            "events": [{"type": "Succeeded", "operation": "Apply"}],
        }
        for victim in victims
    ]
    return {"metadata": {"name": "kill-1"}, "status": {"experiment": {"containerRecords": records}}}


def slices(*uids: str) -> dict[str, object]:
    """An EndpointSlice that offers these pods."""
    return {"endpoints": [{"conditions": {"ready": True}, "targetRef": {"uid": uid}} for uid in uids]}


def lease(renewed: str) -> dict[str, object]:
    """The run's Lease after a heartbeat."""
    return {"metadata": {"name": "gameday-task-api"}, "spec": {"renewTime": renewed}}


def watch_event(
    seconds: float, type_: str, thing: Mapping[str, object], *, watch: str = "pods", since: float | None = None
) -> WatchEvent:
    """An event of a watch; a LIST takes its items as `{"items": […]}`."""
    return WatchEvent(at(seconds), watch, type_, thing, at(since) if since is not None else 0)


def requests_of(
    *rows: tuple[float, float, int, Outcome],
    start: Sequence[float] | None = None,
    fresh: Sequence[bool] | None = None,
    endpoints: tuple[str, ...] = ENDPOINTS,
) -> Requests:
    """Requests from (intended second, latency in ms, status, outcome) rows in order of the intended start."""
    intended = np.array([at(row[0]) for row in rows], dtype=np.int64)
    return Requests(
        intended_ns=intended,
        start_ns=np.array([at(item) for item in start], dtype=np.int64) if start is not None else intended,
        end_ns=intended + np.array([round(row[1] * 1e6) for row in rows], dtype=np.int64),
        status=np.array([row[2] for row in rows], dtype=np.int16),
        outcome=np.array([row[3] for row in rows], dtype=np.uint8),
        endpoint=np.zeros(len(rows), dtype=np.uint8),
        fresh=np.array(fresh if fresh is not None else [False] * len(rows), dtype=np.bool_),
        endpoints=endpoints,
    )


@dataclass(frozen=True)
class Entry:
    """Something that happened: a mark (with its data) or an event of a watch."""

    seconds: float
    kind: str
    name: str
    type: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    since: float | None = None


def clean_entries() -> list[Entry]:
    """A run that passes."""

    def mark(seconds: float, name: str, **data: object) -> Entry:
        return Entry(seconds, "mark", name, data=data)

    def event(seconds: float, watch: str, type_: str, thing: dict[str, object]) -> Entry:
        return Entry(seconds, "event", watch, type_, thing)

    whole = [pod("a"), pod("b"), pod("c")]
    entries = [
        mark(-1.2, "run.begin", pid=1, run="story"),
        mark(-1.1, "watch.start"),
        event(-1.0, "pods", "LIST", {"items": whole}),
        event(-1.0, "endpointslices", "LIST", {"items": [slices("uid-a", "uid-b", "uid-c")]}),
        event(-1.0, "podchaos", "LIST", {"items": []}),
        mark(-0.1, "traffic.start"),
        mark(0.0, "traffic.started", t0_ns=at(0)),
        mark(5.0, "fault.create", podchaos="chaos-mesh/kill-1"),
        mark(5.005, "fault.created"),
        event(5.010, "pods", "MODIFIED", pod("a", terminating=True)),
        event(5.011, "endpointslices", "MODIFIED", slices("uid-b", "uid-c")),
        event(5.012, "pods", "DELETED", pod("a", terminating=True)),
        event(5.015, "pods", "ADDED", pod("d", ready=False)),
        event(5.020, "podchaos", "MODIFIED", podchaos("staging/a")),
        event(5.030, "pods", "MODIFIED", pod("d", ready=False, conditions=["PodScheduled"])),
        event(7.000, "pods", "MODIFIED", pod("d")),
        event(7.010, "endpointslices", "MODIFIED", slices("uid-b", "uid-c", "uid-d")),
        mark(7.001, "recovery.seen"),
        mark(12.0, "traffic.stop"),
        mark(12.1, "traffic.stopped"),
        mark(12.2, "fault.remove"),
        mark(12.25, "fault.removed"),
        mark(12.3, "watch.stop"),
        mark(12.5, "run.end", status="completed", reason=""),
    ]
    for half_seconds in range(-1, 25):
        seconds, renewed = half_seconds / 2, f"beat-{half_seconds}"
        entries.append(mark(seconds, "lease.renew", renewed=renewed))
        entries.append(event(seconds + LAG_S, "lease", "MODIFIED", lease(renewed)))
    return entries


class Story:
    """A run, told; `write` makes its folder."""

    def __init__(self, folder: Path, clock: SimpleNamespace) -> None:
        self.folder = folder
        self.entries = clean_entries()
        self.rows: list[tuple[float, float, int, Outcome]] = [
            (number / 100, 5.0, 200, Outcome.ANSWERED) for number in range(1200)
        ]
        self.late_ms = 0.0
        self.totals: dict[str, int] | None = {}
        self.samples: list[tuple[str, str, int, float]] = []
        self.spec = (EXPERIMENTS / "spec.yaml").read_text()
        self.desired_pods = 3
        self._clock = clock

    def drop(self, unwanted: Callable[[Entry], bool]) -> "Story":
        """Leave some entries out; it must hit something."""
        kept = [entry for entry in self.entries if not unwanted(entry)]
        assert len(kept) < len(self.entries)
        self.entries = kept
        return self

    def drop_mark(self, name: str) -> "Story":
        """Leave the marks of a name out."""
        return self.drop(lambda entry: entry.kind == "mark" and entry.name == name)

    def mark(self, seconds: float, name: str, **data: object) -> "Story":
        """A mark more."""
        self.entries.append(Entry(seconds, "mark", name, data=data))
        return self

    def event(
        self, seconds: float, watch: str, type_: str, thing: Mapping[str, object], since: float | None = None
    ) -> "Story":
        """An event of a watch more."""
        self.entries.append(Entry(seconds, "event", watch, type_, thing, since))
        return self

    def end(self, rows: slice, outcome: Outcome, *, took_ms: float, status: int = 0) -> "Story":
        """Have some requests end another way."""
        self.rows[rows] = [(row[0], took_ms, status, outcome) for row in self.rows[rows]]
        return self

    def write(self) -> Path:
        """The run folder."""
        folder = self.folder
        (folder / "inputs").mkdir(parents=True)
        (folder / "inputs" / "spec.yaml").write_text(self.spec)
        (folder / store.META).write_text(self._meta().model_dump_json())
        if self.samples:
            store.write_samples(folder / store.SAMPLES, self.samples)
        journal = Journal(folder)
        for entry in sorted(self.entries, key=lambda entry: entry.seconds):
            self._clock.now_ns = at(entry.seconds)
            if entry.kind == "mark":
                journal.mark(entry.name, **self._data(entry))
            else:
                journal.event(watch_event(entry.seconds, entry.type, entry.data, watch=entry.name, since=entry.since))
        journal.close()
        self._write_requests(folder / "requests.arrow")
        return folder

    def _data(self, entry: Entry) -> Mapping[str, object]:
        if entry.name != "traffic.stopped" or self.totals is None:
            return entry.data
        count = len(self.rows)
        silent = sum(row[3] != Outcome.ANSWERED for row in self.rows)
        unsent = sum(row[3] == Outcome.UNSENT for row in self.rows)
        totals = {
            "type": "totals",
            "scheduled": count,
            "recorded": count,
            "locust_requests": count,
            "locust_failures": silent,
            "unanswered": silent,
            "unsent": unsent,
            "recorder_errors": 0,
        }
        return {"totals": totals | self.totals}

    def _write_requests(self, path: Path) -> None:
        layout = schema(list(ENDPOINTS))
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, layout) as writer:
            for begin in range(0, len(self.rows), 200):
                batch = [self._row(*row) for row in self.rows[begin : begin + 200]]
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=layout))

    def _row(self, seconds: float, took_ms: float, status: int, outcome: Outcome) -> dict[str, object]:
        return {
            "intended_ns": at(seconds),
            "start_ns": at(seconds) + round(self.late_ms * 1e6),
            "latency_ns": round(took_ms * 1e6),
            "status": status,
            "outcome": int(outcome),
            "endpoint": 0,
            "fresh": False,
            "worker": 0,
        }

    def _meta(self) -> RunMeta:
        return RunMeta(
            run="20251009T085320Z-pod-kill",
            title="The Task API survives the loss of one pod",
            service="task-api",
            clock=Clock(wall_ns=WALL_NS, monotonic_ns=ANCHOR_NS, uncertainty_ns=120),
            started_at="2025-10-09T08:53:20.000+00:00",
            stage="CLUSTER",
            context="gameday",
            server_version="v1.34.4",
            workload=Workload(
                namespace="staging",
                deployment="task-api",
                deployment_uid="deployment-1",
                service="task-api",
                desired_pods=self.desired_pods,
                images=("task-api:1",),
                image_digests=(),
            ),
            podchaos="chaos-mesh/kill-1",
            service_url="http://127.0.0.1:30080",
            prometheus_url="",
            baseline_s=5,
            settle_s=5,
            recovery_timeout_s=60,
            rate_per_s=100,
            user="ada",
            host="laptop",
            approved_by="",
            git_commit="",
            versions={"python": "3.13"},
            guard=(Check(name="context allowed", saw="context 'gameday' is on the list"),),
        )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The journal's clock, to be set: `clock.now_ns`."""
    made = SimpleNamespace(now_ns=ANCHOR_NS)
    monkeypatch.setattr(journal_module, "time", SimpleNamespace(monotonic_ns=lambda: made.now_ns))
    return made


@pytest.fixture
def story(tmp_path: Path, clock: SimpleNamespace) -> Story:
    """A run that passes, not yet written."""
    return Story(tmp_path / "run", clock)


@pytest.fixture
def make() -> SimpleNamespace:
    """The makers above, for tests that need single records."""
    return SimpleNamespace(
        at=at,
        pod=pod,
        podchaos=podchaos,
        slices=slices,
        lease=lease,
        event=watch_event,
        requests=requests_of,
        anchor=Anchor(WALL_NS, ANCHOR_NS, 120),
        replace=replace,
    )


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """A copy of the Task API's experiment folder, to be changed; gives the experiment's path."""
    folder = tmp_path / "experiments" / "task-api"
    shutil.copytree(EXPERIMENTS, folder)
    return folder / "pod-kill.yaml"


@pytest.fixture
def edit() -> Callable[[Path, str, str], Path]:
    """Replaces a text in a file; the text must stand there exactly once."""

    def change(path: Path, old: str, new: str) -> Path:
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        path.write_text(text.replace(old, new))
        return path

    return change


@pytest.fixture
def yaml_file(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Writes a file and gives its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "file.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
