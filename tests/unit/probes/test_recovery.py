"""Pod recovery: how long, between which bounds, and where the time went."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gameday import active
from gameday.live import LiveState
from gameday.store import folder
from gameday.verdict import Measurement
from probes import faults, recovery

type Story = Any


def measure(story: Story) -> Measurement:
    run = folder.load(story.write())
    return recovery.measure(run, faults.find(run))


def endpoint(story: Story) -> Measurement:
    run = folder.load(story.write())
    return recovery.measure_endpoint(run, faults.find(run))


def phases(story: Story) -> list[str]:
    run = folder.load(story.write())
    return [phase.name for phase in recovery.phases(run, faults.find(run))]


def rounded(found: Measurement) -> tuple[float | None, ...]:
    return tuple(None if item is None else round(item, 6) for item in (found.value, found.low, found.high))


def test_no_fault_no_recovery(story: Story) -> None:
    """Not measured, and it says why."""
    found = measure(story.drop_mark("fault.create"))
    assert (rounded(found), found.note) == ((None, None, None), "no start of a fault was seen")


def test_the_bounds_are_the_lag_on_both_sides(story: Story) -> None:
    """Both moments were seen at most the lag after they happened."""
    assert rounded(measure(story)) == (1.99, 1.986, 1.994)


def test_a_recovery_is_never_negative(story: Story, make: SimpleNamespace) -> None:
    """A replacement that was Ready within the lag."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds == 7)
    story.event(5.011, "pods", "ADDED", make.pod("d"))
    assert rounded(measure(story)) == (0.001, 0, 0.005)


def test_the_endpoint_is_offered_later(story: Story) -> None:
    """By the EndpointSlice's own watch."""
    assert rounded(endpoint(story)) == (2.0, 1.996, 2.004)


def test_an_endpoint_that_is_not_ready_is_no_offer(story: Story) -> None:
    """Listed is not offered; an unset condition means ready (source: EndpointSlice API)."""
    story.drop(lambda entry: entry.name == "endpointslices" and entry.seconds == 7.010)
    not_yet = {"endpoints": [{"conditions": {"ready": False}, "targetRef": {"uid": "uid-d"}}]}
    unset = {"endpoints": [{"conditions": {}, "targetRef": {"uid": "uid-d"}}]}
    story.event(7.1, "endpointslices", "MODIFIED", not_yet).event(7.3, "endpointslices", "MODIFIED", unset)
    assert endpoint(story).value == pytest.approx(2.29)


def test_an_endpoint_in_a_list_counts_and_one_in_a_deleted_slice_does_not(story: Story, make: SimpleNamespace) -> None:
    """The watch of the slices may have a gap; a slice's last words are no offer."""
    story.drop(lambda entry: entry.name == "endpointslices" and entry.seconds == 7.010)
    story.event(7.1, "endpointslices", "DELETED", make.slices("uid-d"))
    story.event(7.3, "endpointslices", "LIST", {"items": [make.slices("uid-b"), make.slices("uid-d")]}, 7.2)
    assert endpoint(story).value == pytest.approx(2.29)


def test_no_endpoint_was_ever_offered(story: Story) -> None:
    """Not measured, and it says why."""
    found = endpoint(story.drop(lambda entry: entry.name == "endpointslices" and entry.seconds > 6))
    assert (found.value, found.note) == (None, "no EndpointSlice ever offered the replacement")


def kubelet_event(reason: str, name: str, uid: str = "uid-d") -> dict[str, object]:
    return {"metadata": {"name": name}, "reason": reason, "involvedObject": {"kind": "Pod", "uid": uid}}


def test_the_kubelet_s_own_times_come_from_its_events_names(story: Story, make: SimpleNamespace) -> None:
    """Hexadecimal nanoseconds since 1970; an event of another form counts by its arrival, one of another pod not."""
    pulled_ns = make.anchor.wall_ns + 5_400_000_000
    story.event(9, "events", "ADDED", kubelet_event("Pulled", f"d.{pulled_ns:016x}"))
    story.event(5.2, "events", "ADDED", kubelet_event("Started", "d.elsewhere", uid="uid-b"))
    story.event(5.6, "events", "ADDED", kubelet_event("Started", "d.by-hand"))
    run = folder.load(story.write())
    found = recovery.phases(run, faults.find(run))
    times = {phase.name: round(phase.end_s or 0, 6) for phase in found}
    assert times["image on the node"] == 5.4
    assert times["container started"] == 5.6
    assert [phase.end_s for phase in found[:-1]] == [phase.start_s for phase in found[1:]]


def test_what_was_not_seen_is_left_out_of_the_phases(story: Story) -> None:
    """No guesses."""
    story.drop(lambda entry: entry.kind == "event" and entry.seconds in {5.030, 7.010})
    assert phases(story) == ["replacement created", "ready"]


def test_without_a_fault_there_are_no_phases(story: Story) -> None:
    """Nothing recovered from nothing."""
    assert phases(story.drop_mark("fault.create")) == []


@pytest.fixture
def run(tmp_path: Path, make: SimpleNamespace) -> Any:
    """A run that goes on: three pods desired, three Ready."""
    live = LiveState()
    live.apply(make.event(0, "LIST", {"items": [make.pod("a"), make.pod("b"), make.pod("c")]}))
    marks: list[tuple[str, dict[str, object]]] = []
    journal = SimpleNamespace(mark=lambda name, **data: marks.append((name, data)))
    settings = SimpleNamespace(recovery_timeout_s=20.0)
    made = active.ActiveRun(
        name="story",
        folder=tmp_path,
        plan=SimpleNamespace(settings=settings),  # type: ignore[arg-type]
        cluster=SimpleNamespace(),  # type: ignore[arg-type]
        service_url="",
        journal=journal,  # type: ignore[arg-type]
        live=live,
        chaos_name="kill-1",
        desired_pods=3,
    )
    active.begin(made)
    yield SimpleNamespace(live=live, marks=marks, active=made)
    active.end()


def kill(run: Any, make: SimpleNamespace, name: str) -> None:
    run.live.apply(make.event(1, "MODIFIED", make.pod(name, terminating=True)))
    run.live.apply(make.event(1.1, "DELETED", make.pod(name, terminating=True)))


def replace(run: Any, make: SimpleNamespace, name: str) -> None:
    run.live.apply(make.event(2, "ADDED", make.pod(name)))


def test_every_replica_is_ready(run: Any) -> None:
    """As many as desired."""
    assert recovery.all_replicas_ready() is True


def test_a_replica_is_missing_and_the_run_stops(run: Any, make: SimpleNamespace) -> None:
    """No steady state; a stopped run does not wait for it."""
    kill(run, make, "a")
    run.live.stop("enough")
    assert recovery.all_replicas_ready() is False


def test_waiting_ends_with_the_victim_s_replacement(run: Any, make: SimpleNamespace) -> None:
    """As soon as the watch shows it."""
    run.live.apply(make.event(0.9, "MODIFIED", make.podchaos("staging/a"), watch="podchaos"))
    kill(run, make, "a")
    timer = threading.Thread(target=replace, args=(run, make, "d"))
    timer.start()
    assert recovery.wait_for_recovery()["recovered"] is True
    timer.join()
    assert [name for name, _ in run.marks] == ["recovery.wait", "recovery.seen"]


def test_traffic_that_died_ends_the_waiting(run: Any) -> None:
    """Without users there is nothing to measure: the run stops and says why."""
    run.active.traffic = SimpleNamespace(trouble="exit code -9")
    assert recovery.wait_for_recovery()["recovered"] is False
    assert run.live.stop_reason == "The load generator died: exit code -9"


def test_another_pod_s_return_is_no_recovery(run: Any, make: SimpleNamespace) -> None:
    """One that was lost and replaced before the fault would end the waiting at once, and the run with it."""
    kill(run, make, "b")
    replace(run, make, "d")
    run.live.apply(make.event(3, "MODIFIED", make.podchaos("staging/a"), watch="podchaos"))
    run.live.stop("so that nothing waits")
    assert recovery.wait_for_recovery()["recovered"] is False
    assert [name for name, _ in run.marks] == ["recovery.wait", "recovery.missed"]
