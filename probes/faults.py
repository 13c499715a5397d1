"""The fault of a run: was it injected, when did it begin, when was the workload whole again. Pure, from a run folder.

Definitions: docs/architecture.md. Start of the fault: arrival of the victim's first watch event with a
deletionTimestamp, or of its removal. Recovery: as many Ready, not terminating pods as desired, a replacement of the
victim among them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gameday import objects
from gameday.pods import PodFacts, PodLedger, Seen, Step
from gameday.store.folder import Run
from gameday.timeline import Mark, WatchEvent
from gameday.verdict import Proof

NEAR_NS = 2_000_000_000
"""Heartbeats this close to a moment say how late watch events were there."""


@dataclass(frozen=True)
class Interval:
    """A moment that lies in [low_ns, high_ns] and was seen at `seen_ns`, all monotonic."""

    low_ns: int
    seen_ns: int
    high_ns: int


@dataclass(frozen=True)
class Fault:
    """What the watches say about one run's fault. `lag_ns` is None when no heartbeat was seen near it."""

    proof: Proof
    ledger: PodLedger
    victim: PodFacts | None = None
    replacement: PodFacts | None = None
    begun: Interval | None = None
    recovered: Interval | None = None
    lag_ns: int | None = None
    bystanders: tuple[str, ...] = ()
    """Other pods of the workload that were lost after the fault began to be made."""
    complaints: tuple[str, ...] = field(default=())
    """What the chaos controller reported as failures, in its own words."""


def find(run: Run) -> Fault:
    """The fault of a run."""
    ledger = PodLedger()
    for event in run.watched("pods"):
        ledger.apply(event)
    created = run.mark("fault.create")
    complaints = _complaints(run.watched("chaos-events"))
    if created is None:
        reason = "The run ended before the fault: no pod was killed."
        return Fault(Proof(holds=False, reason=reason), ledger, complaints=complaints)
    named = _victims(run.watched("podchaos"))
    victim = _find_victim(ledger, named, created)
    if victim is None or victim.lost is None or victim.lost.t_ns < created.t_ns:
        return Fault(_unproven(named, victim, complaints), ledger, victim, complaints=complaints)
    return _timed(run, ledger, victim, created, complaints)


def _timed(run: Run, ledger: PodLedger, victim: PodFacts, created: Mark, complaints: tuple[str, ...]) -> Fault:
    """The fault of a known victim, with its times."""
    lost = victim.lost or victim.first
    step = recovery_step(ledger, victim, run.meta.workload.desired_pods)
    lag_ns = watch_lag_ns(run, lost.t_ns, step.seen.t_ns if step is not None else lost.t_ns)
    replacement = _replacement(ledger, victim, step)
    bystanders = tuple(
        facts.name
        for facts in ledger.pods.values()
        if facts is not victim and facts.lost is not None and facts.lost.t_ns > created.t_ns
    )
    return Fault(
        proof=_proof(victim, replacement, bystanders, was_ready=_was_ready(ledger, victim, lost)),
        ledger=ledger,
        victim=victim,
        replacement=replacement,
        begun=_interval(lost, lag_ns),
        recovered=_interval(step.seen, lag_ns) if step is not None else None,
        lag_ns=lag_ns,
        bystanders=bystanders,
        complaints=complaints,
    )


def recovery_step(ledger: PodLedger, victim: PodFacts, desired: int) -> Step | None:
    """The first step after the loss with enough Ready pods, one of them a replacement of the victim."""
    lost = victim.lost
    if lost is None or desired < 1:
        return None
    new = {facts.uid for facts in replacements(ledger, victim)}
    for step in ledger.steps:
        if step.seen.t_ns >= lost.t_ns and len(step.ready) >= desired and step.ready & new:
            return step
    return None


def replacements(ledger: PodLedger, victim: PodFacts) -> list[PodFacts]:
    """Pods of the victim's owner that appeared after it was lost, in order of appearance."""
    lost = victim.lost
    return [
        facts
        for facts in ledger.pods.values()
        if lost is not None
        and facts.uid != victim.uid
        and facts.owner == victim.owner
        and victim.owner
        and facts.first.t_ns >= lost.t_ns
    ]


def watch_lag_ns(run: Run, begin_ns: int, end_ns: int) -> int | None:
    """The greatest lag of a watch event between two moments, measured on the run's own Lease.

    Each heartbeat writes a time of its own into the Lease just after it was marked; arrival of that event minus the
    mark bounds the lag from above. None when no heartbeat was seen near one of the two.
    """
    sent = {str(mark.data.get("renewed")): mark.t_ns for mark in run.marks if mark.name == "lease.renew"}
    lags: dict[int, int] = {}
    for event in run.watched("lease"):
        sent_ns = sent.get(objects.text(event.object, "spec", "renewTime"))
        if sent_ns is not None and begin_ns - NEAR_NS <= event.t_ns <= end_ns + NEAR_NS:
            lags[event.t_ns] = max(event.t_ns - sent_ns, lags.get(event.t_ns, 0))
    known = all(any(abs(t_ns - moment) <= NEAR_NS for t_ns in lags) for moment in (begin_ns, end_ns))
    return max(lags.values()) if known else None


def _interval(seen: Seen, lag_ns: int | None) -> Interval:
    since = seen.since_ns if seen.since_ns is not None else seen.t_ns
    return Interval(min(since, seen.t_ns) - (lag_ns or 0), seen.t_ns, seen.t_ns)


def _replacement(ledger: PodLedger, victim: PodFacts, step: Step | None) -> PodFacts | None:
    """The new pod that made the workload whole, or else the first new one."""
    new = replacements(ledger, victim)
    made_whole = [facts for facts in new if step is not None and facts.uid in step.ready]
    return next(iter(made_whole or new), None)


def _victims(events: Iterable[WatchEvent]) -> set[str]:
    """Names (`namespace/pod`) that any state of the PodChaos record gave."""
    found = set()
    for event in events:
        items = objects.children(event.object, "items") if event.type == "LIST" else [event.object]
        for item in items:
            for record in objects.children(item, "status", "experiment", "containerRecords"):
                if objects.text(record, "phase") == "Injected" or objects.number(record, "injectedCount"):
                    found.add(objects.text(record, "id"))
    return found - {""}


def _find_victim(ledger: PodLedger, named: set[str], created: Mark) -> PodFacts | None:
    """The pod that the record names: the one of that name that existed when the fault was made."""
    if len(named) != 1:
        return None
    name = next(iter(named)).rpartition("/")[2]
    known = [facts for facts in ledger.pods.values() if facts.name == name and facts.first.t_ns <= created.t_ns]
    return known[-1] if known else None


def _unproven(named: set[str], victim: PodFacts | None, complaints: tuple[str, ...]) -> Proof:
    if complaints and not named:
        return Proof(holds=False, reason=f"No pod was killed. Chaos Mesh says: {'; '.join(complaints)}")
    if not named:
        return Proof(holds=False, reason="The PodChaos record names no victim.")
    if len(named) > 1:
        return Proof(holds=False, reason=f"The PodChaos record names {len(named)} victims: {', '.join(sorted(named))}.")
    if victim is None:
        return Proof(holds=False, reason=f"The PodChaos record names {min(named)}, which no watch ever saw.")
    what = "was never seen to go" if victim.lost is None else "was going already before the fault was made"
    return Proof(holds=False, reason=f"The victim {victim.name} {what}.", victim=victim.name, victim_uid=victim.uid)


def _was_ready(ledger: PodLedger, victim: PodFacts, lost: Seen) -> bool:
    """Whether the victim served when it was hit: Chaos Mesh also picks pods that do not."""
    before = [step for step in ledger.steps if step.seen.t_ns < lost.t_ns]
    return bool(before) and victim.uid in before[-1].ready


def _proof(victim: PodFacts, replacement: PodFacts | None, bystanders: tuple[str, ...], *, was_ready: bool) -> Proof:
    """All three: named, gone by UID, replaced by the same owner; it was Ready until then, and nobody else was lost."""
    doubts = []
    if not was_ready:
        doubts.append(f"The victim {victim.name} was not Ready when it was hit: it served nobody.")
    if victim.gone is None:
        doubts.append(f"The victim {victim.name} was marked for deletion and never seen to go.")
    if replacement is None:
        doubts.append(f"No replacement of {victim.name} appeared.")
    if bystanders:
        doubts.append(f"Other pods were lost too: {', '.join(bystanders)}. This was no single pod failure.")
    known = replacement or victim
    return Proof(
        holds=not doubts,
        reason=" ".join(doubts) or f"{victim.name} was named, is gone, and {known.name} took its place.",
        victim=victim.name,
        victim_uid=victim.uid,
        replacement=replacement.name if replacement else "",
        replacement_uid=replacement.uid if replacement else "",
    )


def _complaints(events: Iterable[WatchEvent]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for event in events:
        items = objects.children(event.object, "items") if event.type == "LIST" else [event.object]
        for item in items:
            if objects.text(item, "type") == "Warning" and (message := objects.text(item, "message")):
                found[message] = None
    return tuple(found)
