"""The reducer of pod events: literal events in, what became of each pod out."""

from types import SimpleNamespace

import pytest

from gameday.pods import PodLedger, Seen
from gameday.timeline import WatchEvent


def reduce(*events: WatchEvent) -> PodLedger:
    ledger = PodLedger()
    for event in events:
        ledger.apply(event)
    return ledger


def steps(ledger: PodLedger, make: SimpleNamespace) -> list[tuple[float, list[str]]]:
    """(second, names of the Ready pods) of each step."""
    names = {uid: facts.name for uid, facts in ledger.pods.items()}
    return [(make.anchor.seconds(step.seen.t_ns), sorted(names[uid] for uid in step.ready)) for step in ledger.steps]


@pytest.fixture
def listed(make: SimpleNamespace) -> WatchEvent:
    """The first list: a and b, both Ready."""
    found: WatchEvent = make.event(0, "LIST", {"items": [make.pod("a"), make.pod("b")]})
    return found


def test_nothing_was_seen() -> None:
    """No events: no pods, none Ready."""
    assert PodLedger().ready == frozenset()


def test_a_kill_with_grace_zero(make: SimpleNamespace, listed: WatchEvent) -> None:
    """MODIFIED with a deletionTimestamp, DELETED within milliseconds, and a replacement that becomes Ready."""
    ledger = reduce(
        listed,
        make.event(5.010, "MODIFIED", make.pod("a", terminating=True)),
        make.event(5.012, "DELETED", make.pod("a", terminating=True)),
        make.event(5.015, "ADDED", make.pod("c", ready=False)),
        make.event(7, "MODIFIED", make.pod("c")),
    )
    victim, new = ledger.pods["uid-a"], ledger.pods["uid-c"]
    assert victim.terminating == Seen(make.at(5.010))
    assert victim.gone == Seen(make.at(5.012))
    assert victim.lost == Seen(make.at(5.010))
    assert (new.first, new.lost, new.owner) == (Seen(make.at(5.015)), None, "replicaset-1")
    assert steps(ledger, make) == [(0, ["a", "b"]), (5.010, ["b"]), (7, ["b", "c"])]
    assert ledger.ready == {"uid-b", "uid-c"}


def test_a_pod_that_vanishes_without_being_marked(make: SimpleNamespace, listed: WatchEvent) -> None:
    """A DELETED alone is a loss too, even though the last state still says Ready."""
    ledger = reduce(listed, make.event(5, "DELETED", make.pod("a")))
    assert ledger.pods["uid-a"].lost == Seen(make.at(5))
    assert ledger.ready == {"uid-b"}


def test_a_list_after_a_gap_bounds_what_happened_meanwhile(make: SimpleNamespace, listed: WatchEvent) -> None:
    """What the list shows happened somewhere between the last whole moment and the list's arrival."""
    ledger = reduce(
        listed,
        make.event(9, "LIST", {"items": [make.pod("b"), make.pod("c")]}, since=4),
    )
    seen = Seen(make.at(9), make.at(4))
    assert ledger.pods["uid-a"].gone == seen
    assert ledger.pods["uid-a"].terminating is None
    assert ledger.pods["uid-c"].first == seen
    assert ledger.steps[-1].seen == seen
    assert ledger.ready == {"uid-b", "uid-c"}


def test_a_list_that_finds_a_pod_terminating(make: SimpleNamespace, listed: WatchEvent) -> None:
    """It is lost since some time in the gap, and gone later, at an exact time."""
    items = {"items": [make.pod("a", terminating=True), make.pod("b")]}
    ledger = reduce(
        listed,
        make.event(9, "LIST", items, since=4),
        make.event(9.5, "DELETED", make.pod("a", terminating=True)),
    )
    assert ledger.pods["uid-a"].terminating == Seen(make.at(9), make.at(4))
    assert ledger.pods["uid-a"].gone == Seen(make.at(9.5))


def test_a_list_without_changes_changes_nothing(make: SimpleNamespace, listed: WatchEvent) -> None:
    """A gap in which nothing happened leaves no step and loses nobody."""
    ledger = reduce(listed, make.event(9, "LIST", listed.object, since=4))
    assert steps(ledger, make) == [(0, ["a", "b"])]
    assert [facts.lost for facts in ledger.pods.values()] == [None, None]


def test_duplicate_events_keep_the_first_times(make: SimpleNamespace, listed: WatchEvent) -> None:
    """The same news twice is news once."""
    once = [
        make.event(5, "MODIFIED", make.pod("a", terminating=True)),
        make.event(6, "DELETED", make.pod("a", terminating=True)),
    ]
    again = [
        make.event(5.5, "MODIFIED", make.pod("a", terminating=True)),
        make.event(6.5, "DELETED", make.pod("a", terminating=True)),
    ]
    ledger = reduce(listed, once[0], again[0], once[1], again[1])
    assert ledger.pods["uid-a"].terminating == Seen(make.at(5))
    assert ledger.pods["uid-a"].gone == Seen(make.at(6))
    assert steps(ledger, make) == [(0, ["a", "b"]), (5, ["b"])]


def test_ready_flaps(make: SimpleNamespace, listed: WatchEvent) -> None:
    """Each change of who is Ready is a step; a pod that is not Ready is not lost."""
    ledger = reduce(
        listed,
        make.event(1, "MODIFIED", make.pod("a", ready=False)),
        make.event(2, "MODIFIED", make.pod("a")),
        make.event(3, "MODIFIED", make.pod("a", ready=False)),
    )
    assert steps(ledger, make) == [(0, ["a", "b"]), (1, ["b"]), (2, ["a", "b"]), (3, ["b"])]
    assert ledger.pods["uid-a"].lost is None


def test_the_same_name_with_another_uid_is_another_pod(make: SimpleNamespace, listed: WatchEvent) -> None:
    """A StatefulSet reuses names; the UID tells."""
    ledger = reduce(
        listed,
        make.event(5, "DELETED", make.pod("a")),
        make.event(6, "ADDED", make.pod("a", uid="second")),
    )
    assert ledger.pods["uid-a"].gone == Seen(make.at(5))
    assert ledger.pods["second"].gone is None
    assert ledger.ready == {"uid-b", "second"}


def test_other_kinds_of_events_change_nothing(make: SimpleNamespace, listed: WatchEvent) -> None:
    """A bookmark or an error is no news of a pod."""
    ledger = reduce(listed, make.event(1, "BOOKMARK", make.pod("a", ready=False)))
    assert steps(ledger, make) == [(0, ["a", "b"])]


def test_a_pod_without_a_controller_has_no_owner(make: SimpleNamespace) -> None:
    """An owner that does not control is none."""
    naked = make.pod("a", owner="")
    naked["metadata"]["ownerReferences"] = [{"uid": "x", "controller": False}, {"uid": "y"}]
    assert reduce(make.event(0, "ADDED", naked)).pods["uid-a"].owner == ""
