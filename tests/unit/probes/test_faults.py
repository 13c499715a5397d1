"""The fault: its victim, its beginning, its end, and how exactly they are known."""

from types import SimpleNamespace
from typing import Any

import pytest

from gameday.pods import PodLedger
from gameday.store import folder
from probes import faults
from probes.faults import Fault, Interval, recovery_step, replacements

type Story = Any


def find(story: Story) -> Fault:
    return faults.find(folder.load(story.write()))


def test_a_clean_kill(story: Story, make: SimpleNamespace) -> None:
    """Victim, replacement, and both moments with the lag of the watches below them."""
    fault = find(story)
    assert fault.victim is not None
    assert fault.replacement is not None
    assert (fault.victim.name, fault.replacement.name) == ("a", "d")
    assert fault.lag_ns == 4_000_000
    assert fault.begun == Interval(make.at(5.006), make.at(5.010), make.at(5.010))
    assert fault.recovered == Interval(make.at(6.996), make.at(7.000), make.at(7.000))
    assert (fault.bystanders, fault.complaints) == ((), ())


def test_the_fault_begins_with_the_removal_when_no_mark_was_seen(story: Story, make: SimpleNamespace) -> None:
    """A deletion without grace may show only its end."""
    fault = find(story.drop(lambda entry: entry.name == "pods" and entry.seconds == 5.010))
    assert fault.proof.holds
    assert fault.begun == Interval(make.at(5.008), make.at(5.012), make.at(5.012))


def test_a_replacement_that_was_ready_before_the_victim_was_gone(story: Story, make: SimpleNamespace) -> None:
    """Recovery is as many Ready pods as desired, with a new one among them, whatever the old one still does."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds in {5.012, 7})
    story.event(6, "pods", "MODIFIED", make.pod("d")).event(6.5, "pods", "DELETED", make.pod("a", terminating=True))
    fault = find(story)
    assert fault.proof.holds
    assert fault.recovered is not None
    assert fault.recovered.seen_ns == make.at(6)


def test_enough_pods_without_the_new_one_are_no_recovery(story: Story, make: SimpleNamespace) -> None:
    """A scaled-up workload may have enough without a replacement."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds == 7)
    story.event(4, "pods", "ADDED", make.pod("extra"))
    assert find(story).recovered is None


def test_the_new_one_without_enough_others_is_no_recovery(story: Story, make: SimpleNamespace) -> None:
    """All desired pods must be Ready at the same time."""
    story.event(6, "pods", "MODIFIED", make.pod("b", ready=False)).event(8, "pods", "MODIFIED", make.pod("b"))
    fault = find(story)
    assert fault.recovered is not None
    assert fault.recovered.seen_ns == make.at(8)


def test_the_first_recovery_counts(story: Story, make: SimpleNamespace) -> None:
    """A pod that flaps afterwards does not move it."""
    story.event(8, "pods", "MODIFIED", make.pod("d", ready=False)).event(9, "pods", "MODIFIED", make.pod("d"))
    fault = find(story)
    assert fault.recovered is not None
    assert fault.recovered.seen_ns == make.at(7)


def test_of_two_new_pods_the_one_that_made_it_whole_is_the_replacement(story: Story, make: SimpleNamespace) -> None:
    """The first new one may fail to start."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds >= 5.03)
    story.event(6, "pods", "ADDED", make.pod("e", ready=False)).event(7, "pods", "MODIFIED", make.pod("e"))
    fault = find(story)
    assert fault.replacement is not None
    assert fault.replacement.name == "e"


def test_a_new_pod_that_is_lost_again_is_a_bystander(story: Story, make: SimpleNamespace) -> None:
    """A second loss during the run is not the failure of a single pod."""
    story.event(6, "pods", "DELETED", make.pod("d", ready=False)).event(6.1, "pods", "ADDED", make.pod("e"))
    fault = find(story)
    assert (fault.bystanders, fault.proof.holds) == (("d",), False)


def test_every_loss_after_the_making_of_the_fault_is_a_bystander(story: Story, make: SimpleNamespace) -> None:
    """Even before the victim's own: Chaos Mesh may have hit twice."""
    story.event(5.004, "pods", "MODIFIED", make.pod("b", terminating=True))
    story.event(9, "pods", "DELETED", make.pod("c"))
    assert find(story).bystanders == ("b", "c")


def test_a_name_that_lived_twice_is_the_one_that_lived_then(story: Story, make: SimpleNamespace) -> None:
    """The pod of that name that existed when the fault was made, not its successor."""
    story.event(8, "pods", "ADDED", make.pod("a", uid="later"))
    fault = find(story)
    assert fault.victim is not None
    assert fault.victim.uid == "uid-a"


def test_a_record_without_counts_or_phase_names_nobody(story: Story, make: SimpleNamespace) -> None:
    """Selected is not hit."""
    story.drop(lambda entry: entry.name == "podchaos" and entry.seconds > 0)
    selected = {"status": {"experiment": {"containerRecords": [{"id": "staging/a", "phase": "Not Injected"}]}}}
    fault = find(story.event(5.02, "podchaos", "MODIFIED", selected))
    assert fault.proof.reason == "The PodChaos record names no victim."


def test_a_record_in_a_list_counts(story: Story, make: SimpleNamespace) -> None:
    """The watch of the PodChaos may have a gap too."""
    story.drop(lambda entry: entry.name == "podchaos" and entry.seconds > 0)
    assert find(story.event(6, "podchaos", "LIST", {"items": [make.podchaos("staging/a")]}, 5)).proof.holds


def test_complaints_are_told_once_each(story: Story) -> None:
    """Warnings only, in their order, from lists and events."""
    failed = {"type": "Warning", "reason": "Failed", "message": "no pod is selected"}
    other = {"type": "Warning", "message": "conflict"}
    normal = {"type": "Normal", "message": "Successfully update finalizer"}
    story.event(5.1, "chaos-events", "LIST", {"items": [failed, normal]})
    story.event(5.2, "chaos-events", "ADDED", failed).event(5.3, "chaos-events", "MODIFIED", other)
    assert find(story).complaints == ("no pod is selected", "conflict")


def test_the_lag_is_the_greatest_near_the_fault(story: Story, make: SimpleNamespace) -> None:
    """Slow heartbeats elsewhere do not count; one between fault and recovery does."""
    story.mark(1, "lease.renew", renewed="early").event(1.9, "lease", "MODIFIED", make.lease("early"))
    story.mark(6, "lease.renew", renewed="near").event(6.05, "lease", "MODIFIED", make.lease("near"))
    assert find(story).lag_ns == 50_000_000


def test_a_heartbeat_that_was_never_sent_says_nothing(story: Story, make: SimpleNamespace) -> None:
    """Somebody else wrote the Lease, or the mark is missing."""
    story.event(6.05, "lease", "MODIFIED", make.lease("unknown"))
    assert find(story).lag_ns == 4_000_000


@pytest.mark.parametrize("desired", [0, -1])
def test_a_workload_that_desires_nothing_never_recovers(make: SimpleNamespace, desired: int) -> None:
    """As many as none is no recovery."""
    ledger = PodLedger()
    for event in (
        make.event(0, "LIST", {"items": [make.pod("a")]}),
        make.event(1, "DELETED", make.pod("a")),
        make.event(2, "ADDED", make.pod("b")),
    ):
        ledger.apply(event)
    assert recovery_step(ledger, ledger.pods["uid-a"], desired) is None
    assert recovery_step(ledger, ledger.pods["uid-a"], 1) is not None


def test_a_pod_without_an_owner_has_no_replacement(make: SimpleNamespace) -> None:
    """Two naked pods share no owner, although both have none."""
    ledger = PodLedger()
    for event in (
        make.event(0, "LIST", {"items": [make.pod("a", owner="")]}),
        make.event(1, "DELETED", make.pod("a", owner="")),
        make.event(2, "ADDED", make.pod("b", owner="")),
    ):
        ledger.apply(event)
    assert replacements(ledger, ledger.pods["uid-a"]) == []


def test_a_pod_that_is_still_there_has_no_replacement(make: SimpleNamespace) -> None:
    """Nothing is replaced before it is lost."""
    ledger = PodLedger()
    ledger.apply(make.event(0, "LIST", {"items": [make.pod("a"), make.pod("b")]}))
    assert replacements(ledger, ledger.pods["uid-a"]) == []
    assert recovery_step(ledger, ledger.pods["uid-a"], 1) is None
