"""One run at a time: who holds the Lease, and that nobody takes or gives back another's."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gameday import objects
from gameday.adapters import lease as lease_module
from gameday.adapters.kubernetes import LEASES, ApiError
from gameday.adapters.lease import HeldLease, body, holder, lease_name
from gameday.errors import ClusterError, RefusedError

type Cluster = Any
NOW = datetime(2026, 7, 3, 16, 0, 0, tzinfo=UTC)
NAME = "gameday-task-api"
PATIENCE_S = 20.0


def lease(renewed: str = "2026-07-03T15:59:50.000000Z", holder_: str = "other", **spec: object) -> dict[str, object]:
    found = {"holderIdentity": holder_, "leaseDurationSeconds": 15, "renewTime": renewed, **spec}
    return {"metadata": {"name": NAME}, "spec": found}


@pytest.mark.parametrize(
    ("found", "who"),
    [
        (None, ""),
        (lease(), "other"),
        (lease("2026-07-03T15:59:45.000001Z"), "other"),
        (lease("2026-07-03T15:59:45.000000Z"), ""),
        (lease("2026-07-03T16:00:03.000000Z"), "other"),
        (lease("2026-07-03T17:59:50+02:00"), "other"),
        (lease(holder_=""), "somebody"),
        (lease("", acquireTime="2026-07-03T15:59:50Z"), "other"),
        (lease("", acquireTime="2026-07-03T15:00:00Z"), ""),
        (lease(""), "other"),
        (lease("soon"), "other"),
        (lease("2026-07-03T15:00:00"), "other"),
        (lease("2026-07-03T15:59:50Z", leaseDurationSeconds=5), ""),
        ({}, "somebody"),
    ],
)
def test_who_holds_a_lease(found: dict[str, object] | None, who: str) -> None:
    """Until its duration is over; one whose time cannot be read is held, since nobody can say that it is not."""
    assert holder(found, NOW) == who


def test_a_name_is_a_dns_label() -> None:
    """However long the Deployment's is."""
    assert lease_name("task-api") == NAME
    assert lease_name("x" * 54 + "-" * 9).endswith("x")
    assert len(lease_name("y" * 63)) == 63


@pytest.fixture
def held(cluster: Cluster) -> HeldLease:
    """The Lease of run-1, not yet taken."""
    return HeldLease(cluster, "staging", NAME, "run-1")


def stored(cluster: Cluster) -> Any:
    return cluster.stored.get(("leases", "staging", NAME))


def fresh(who: str) -> dict[str, object]:
    return dict(body("staging", NAME, who))


def test_a_lease_is_taken_and_given_back(cluster: Cluster, held: HeldLease) -> None:
    """With the run's name and a duration, and nothing is left behind."""
    held.take()
    assert stored(cluster)["spec"]["holderIdentity"] == "run-1"
    assert stored(cluster)["spec"]["leaseDurationSeconds"] == 15
    assert holder(stored(cluster), datetime.now(UTC)) == "run-1"
    held.give_back()
    assert stored(cluster) is None


def test_a_lease_that_is_held_is_refused(cluster: Cluster, held: HeldLease) -> None:
    """The holder is named, and nothing is written."""
    cluster.put(LEASES, "staging", fresh("run-0"))
    with pytest.raises(RefusedError, match="held by run-0"):
        held.take()
    assert [method for method, *_ in cluster.calls] == ["get"]


def test_a_refused_run_does_not_give_back_the_other_s_lease(cluster: Cluster, held: HeldLease) -> None:
    """Cleaning up after a refusal must leave the other run its Lease."""
    cluster.put(LEASES, "staging", fresh("run-0"))
    with pytest.raises(RefusedError):
        held.take()
    held.give_back()
    assert stored(cluster)["spec"]["holderIdentity"] == "run-0"


def test_an_expired_lease_is_taken_over(cluster: Cluster, held: HeldLease) -> None:
    """A dead run's."""
    cluster.put(LEASES, "staging", lease())
    held.take()
    assert stored(cluster)["spec"]["holderIdentity"] == "run-1"


@pytest.mark.parametrize("there", [False, True])
def test_of_two_takers_one_loses(cluster: Cluster, held: HeldLease, there: bool) -> None:  # noqa: FBT001 - a table's column
    """The API server decides, on creation and on takeover; the loser leaves the winner's Lease alone."""
    if there:
        cluster.put(LEASES, "staging", lease())
    other = HeldLease(cluster, "staging", NAME, "run-2")
    real_get = cluster.get

    def get_then_lose(*arguments: Any) -> Any:
        found = real_get(*arguments)
        cluster.get = real_get
        other.take()
        return found

    cluster.get = get_then_lose
    with pytest.raises(RefusedError, match="another run, this very moment"):
        held.take()
    held.give_back()
    assert stored(cluster)["spec"]["holderIdentity"] == "run-2"


def test_a_lease_that_was_never_tried_is_not_given_back(cluster: Cluster, held: HeldLease) -> None:
    """Not even asked for."""
    held.give_back()
    assert cluster.calls == []


def test_a_lease_whose_answer_was_lost_is_given_back(cluster: Cluster, held: HeldLease) -> None:
    """The server took it, and the answer never came."""
    cluster.fail("create", [ClusterError("POST /leases: timed out", "an answer", "Try again.")])
    with pytest.raises(ClusterError):
        held.take()
    cluster.put(LEASES, "staging", fresh("run-1"))
    held.give_back()
    assert stored(cluster) is None


def test_a_taken_over_lease_is_not_given_back(cluster: Cluster, held: HeldLease) -> None:
    """It expired while this process slept, and is another's now."""
    held.take()
    cluster.put(LEASES, "staging", fresh("run-2"))
    held.give_back()
    assert stored(cluster)["spec"]["holderIdentity"] == "run-2"


class Beats:
    """Notes each heartbeat just before it is sent, and tells when there were enough."""

    def __init__(self, wanted: int) -> None:
        self.noted: list[str] = []
        self.enough = threading.Event()
        self._wanted = wanted

    def __call__(self, renewed: str) -> None:
        self.noted.append(renewed)
        if len(self.noted) >= self._wanted:
            self.enough.set()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "HEARTBEAT_S", 0.001)


def test_the_heartbeat_writes_what_it_noted(cluster: Cluster, held: HeldLease) -> None:
    """Each a time of its own, with six digits, as the watch will show it."""
    beats = Beats(5)
    held.take()
    held.start(beats)
    assert beats.enough.wait(PATIENCE_S)
    held._stopping.set()
    held._thread.join(PATIENCE_S)
    assert stored(cluster)["spec"]["renewTime"] == beats.noted[-1]
    assert len(set(beats.noted)) == len(beats.noted)
    moments = [datetime.fromisoformat(text) for text in beats.noted]
    assert moments == sorted(moments)
    assert all(len(text) == len("2026-07-03T16:00:00.000000Z") for text in beats.noted)
    assert datetime.now(UTC) - moments[-1] < timedelta(minutes=5)


def test_a_heartbeat_that_fails_is_tried_again(cluster: Cluster, held: HeldLease) -> None:
    """A moment without an API server is no end of the run."""
    cluster.fail("patch", [ClusterError("no answer", "one", "Wait."), ApiError(500, "PATCH", "/leases", "etcd")])
    beats = Beats(5)
    held.take()
    held.start(beats)
    assert beats.enough.wait(PATIENCE_S)
    assert "500 etcd" in held.trouble
    held.give_back()
    assert stored(cluster) is None


def test_a_heartbeat_whose_answer_was_lost_goes_on(cluster: Cluster, held: HeldLease) -> None:
    """The Lease has a newer version than this run knows, and is still its own."""
    held.take()
    cluster.put(LEASES, "staging", fresh("run-1"))
    beats = Beats(3)
    held.start(beats)
    assert beats.enough.wait(PATIENCE_S)
    held.give_back()
    assert stored(cluster) is None


@pytest.mark.parametrize("what", ["taken", "deleted"])
def test_the_heartbeat_of_a_lost_lease_ends(cluster: Cluster, held: HeldLease, what: str) -> None:
    """It never renews another's, and makes none anew."""
    held.take()
    if what == "taken":
        cluster.put(LEASES, "staging", fresh("run-2"))
    else:
        cluster.stored.clear()
    before = stored(cluster)
    held.start(Beats(1))
    held._thread.join(PATIENCE_S)
    assert not held._thread.is_alive()
    assert held.trouble
    assert stored(cluster) is before


def test_the_lease_carries_the_run_s_labels(cluster: Cluster, held: HeldLease) -> None:
    """By which an operator finds it."""
    held.take()
    assert objects.labels(stored(cluster)) == {
        "app.kubernetes.io/managed-by": "chaos-gameday",
        "gameday.dev/run": "run-1",
    }
