"""Pod recovery (SC-008): how long until the workload was whole again, and where the time went."""

import math
import re
import time
from itertools import pairwise

from gameday import active, objects
from gameday.adapters.chaos_mesh import victims
from gameday.live import LiveState
from gameday.pods import PodFacts
from gameday.store.folder import Run
from gameday.timeline import WatchEvent
from gameday.verdict import Measurement, Phase
from probes.faults import Fault, recovery_step

__all__ = ["all_replicas_ready", "wait_for_recovery"]

EVIDENCE = "cluster.jsonl: pods"

_CONDITIONS = {
    "scheduled": "PodScheduled",
    "sandbox": "PodReadyToStartContainers",
    "initialized": "Initialized",
    "ready": "Ready",
}


def measure(run: Run, fault: Fault) -> Measurement:
    """Seconds from the start of the fault to the recovery.

    Both moments were seen on the same watch, each at most the watch's lag after it happened, so the difference is
    known to plus or minus that lag. A recovery that was never seen is later than the end of the watch.
    """
    name, unit = "pod_recovery", "s"
    if fault.begun is None:
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note="no start of a fault was seen")
    if fault.lag_ns is None:
        note = "no heartbeat was seen near the fault: the watch's lag is not known"
        return Measurement(name=name, unit=unit, evidence=EVIDENCE, note=note)
    if fault.recovered is None:
        waited_s = max(0.0, (_watched_until_ns(run) - fault.begun.high_ns) / 1e9)
        note = f"the workload was not whole again when the watch ended, {waited_s:.1f} s after the fault"
        return Measurement(name=name, low=waited_s, high=math.inf, unit=unit, evidence=EVIDENCE, note=note)
    return Measurement(
        name=name,
        value=(fault.recovered.seen_ns - fault.begun.seen_ns) / 1e9,
        low=max(0.0, (fault.recovered.low_ns - fault.begun.high_ns) / 1e9),
        high=(fault.recovered.high_ns - fault.begun.low_ns) / 1e9,
        unit=unit,
        sample_size=1,
        evidence=EVIDENCE,
    )


def measure_endpoint(run: Run, fault: Fault) -> Measurement:
    """Seconds from the start of the fault until an EndpointSlice offers the replacement."""
    name, evidence = "endpoint_recovery", "cluster.jsonl: endpointslices"
    if fault.begun is None or fault.replacement is None or fault.lag_ns is None:
        return Measurement(name=name, unit="s", evidence=evidence, note="no replacement was seen")
    seen_ns = _endpoint_ns(run.watched("endpointslices"), fault.replacement.uid)
    if seen_ns is None:
        return Measurement(name=name, unit="s", evidence=evidence, note="no EndpointSlice ever offered the replacement")
    value_ns = seen_ns - fault.begun.seen_ns
    low_s, high_s = (value_ns - fault.lag_ns) / 1e9, (seen_ns - fault.begun.low_ns) / 1e9
    return Measurement(
        name=name, value=value_ns / 1e9, low=low_s, high=high_s, unit="s", sample_size=1, evidence=evidence
    )


def phases(run: Run, fault: Fault) -> tuple[Phase, ...]:
    """Where the recovery's time went: from each milestone that was seen to the next."""
    if fault.begun is None:
        return ()
    milestones = [("deletion seen", fault.begun.seen_ns, "pod watch")]
    if fault.replacement is not None:
        milestones += _milestones(run, fault.replacement)
    found = []
    for (_, start_ns, _), (name, end_ns, source) in pairwise(milestones):
        start_s, end_s = run.anchor.seconds(start_ns), run.anchor.seconds(max(start_ns, end_ns))
        found.append(Phase(name=name, start_s=start_s, end_s=end_s, source=source))
    return tuple(found)


def _milestones(run: Run, pod: PodFacts) -> list[tuple[str, int, str]]:
    """What was seen of the replacement, in order of time; what was not seen is left out."""
    changes = [event for event in run.watched("pods") if objects.uid(event.object) == pod.uid]
    seen: list[tuple[str, int | None, str]] = [("replacement created", pod.first.t_ns, "pod watch")]
    for name, kind in _CONDITIONS.items():
        seen.append((name, _condition_ns(changes, kind), f"condition {kind}"))
    seen.append(("image on the node", _event_ns(run, pod, "Pulled"), "Event Pulled"))
    seen.append(("container started", _event_ns(run, pod, "Started"), "Event Started"))
    seen.append(("endpoint offered", _endpoint_ns(run.watched("endpointslices"), pod.uid), "EndpointSlice"))
    return sorted(((name, t_ns, source) for name, t_ns, source in seen if t_ns is not None), key=lambda item: item[1])


def _condition_ns(changes: list[WatchEvent], kind: str) -> int | None:
    return next((event.t_ns for event in changes if objects.condition(event.object, kind)), None)


def _endpoint_ns(events: list[WatchEvent], uid: str) -> int | None:
    """The arrival of the first slice in which the pod's endpoint is ready."""
    for event in events:
        slices = objects.children(event.object, "items") if event.type == "LIST" else [event.object]
        for endpoint in (item for found in slices for item in objects.children(found, "endpoints")):
            is_ready = objects.value(endpoint, "conditions", "ready") is not False
            if is_ready and objects.text(endpoint, "targetRef", "uid") == uid and event.type != "DELETED":
                return event.t_ns
    return None


def _event_ns(run: Run, pod: PodFacts, reason: str) -> int | None:
    """When the kubelet reported something about a pod.

    The Event's name ends in its time as hexadecimal nanoseconds since 1970 (source: client-go, tools/record); without
    that, its arrival.
    """
    for event in run.watched("events"):
        thing = event.object
        if objects.text(thing, "involvedObject", "uid") == pod.uid and objects.text(thing, "reason") == reason:
            match = re.fullmatch(r".+\.([0-9a-f]{16})", objects.name(thing))
            if match is None:
                return event.t_ns
            return int(match.group(1), 16) - run.anchor.wall_ns + run.anchor.monotonic_ns
    return None


def _watched_until_ns(run: Run) -> int:
    """The last moment at which the pods were watched: the end of the watches, or the last thing that was heard.

    Whichever is earlier: an API server that has fallen silent, heartbeats included, shows no recovery either.
    """
    ended, heard_ns = run.mark("watch.stop"), max((event.t_ns for event in run.events), default=0)
    return min(ended.t_ns, heard_ns) if ended is not None else heard_ns


def all_replicas_ready() -> bool:
    """Steady state: as many Ready pods as desired, seen by the run's own watch."""
    run = active.current()
    return run.wait(lambda live: len(live.pods.ready) >= run.desired_pods > 0, 10.0)


def wait_for_recovery(timeout_s: float = 0.0) -> dict[str, object]:
    """Wait until the workload is whole again; at most `timeout_s`, or what the experiment's settings say.

    Returns:
        Whether it is, and after how many seconds of waiting. The measurement is made later, from the run folder.
    """
    run = active.current()
    timeout_s = timeout_s or run.plan.settings.recovery_timeout_s
    begun_ns = time.monotonic_ns()
    run.live.enter("recovery", begun_ns + int(timeout_s * 1e9))
    run.journal.mark("recovery.wait", timeout_s=timeout_s)
    recovered = run.wait(lambda live: _is_whole(live, run.desired_pods), timeout_s)
    waited_s = (time.monotonic_ns() - begun_ns) / 1e9
    run.journal.mark("recovery.seen" if recovered else "recovery.missed", waited_s=round(waited_s, 3))
    return {"recovered": recovered, "waited_s": round(waited_s, 3)}


def _is_whole(live: LiveState, desired: int) -> bool:
    """Whole again after the loss of the recorded victim; another pod's loss and return is no recovery of this one."""
    named = {found.rpartition("/")[2] for found in victims(live.podchaos)}
    lost = [facts for facts in live.pods.pods.values() if facts.lost is not None and facts.name in named]
    return any(recovery_step(live.pods, victim, desired) is not None for victim in lost)
