"""The live state: fed by threads, and whoever waits is woken."""

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from gameday.live import LiveState
from loadgen.protocol import Progress

PATIENCE_S = 10.0
"""Far longer than anything here takes; a test that needs it has failed."""
TIMEOUT_S = 600.0
"""What the waiters are given: so long that only being woken ends them."""


class Waiter:
    """A thread in `wait_for`, and what came back. `waiting` is set once the condition was asked for the first time."""

    def __init__(self, live: LiveState, happened: Callable[[LiveState], bool]) -> None:
        self.waiting = threading.Event()
        self.result: bool | None = None

        def asked(state: LiveState) -> bool:
            self.waiting.set()
            return happened(state)

        def run() -> None:
            self.result = live.wait_for(asked, TIMEOUT_S)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert self.waiting.wait(PATIENCE_S)

    def join(self) -> bool | None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "nobody woke the waiter"
        return self.result


def progress(scheduled: int) -> Progress:
    return Progress(
        t_ns=1,
        scheduled=scheduled,
        finished=0,
        http_5xx=0,
        unanswered=0,
        in_flight=0,
        p95_ms_recent=None,
        late_ms_recent=0,
    )


def test_a_watch_event_wakes_who_waits_for_it(make: SimpleNamespace) -> None:
    """Events that do not satisfy it leave it waiting."""
    live = LiveState()
    waiter = Waiter(live, lambda state: len(state.pods.ready) == 2)
    live.apply(make.event(0, "ADDED", make.pod("a")))
    assert waiter.result is None
    live.apply(make.event(1, "ADDED", make.pod("b")))
    assert waiter.join() is True


def test_progress_wakes_too(make: SimpleNamespace) -> None:
    """The load generator's counts are news like any other."""
    live = LiveState()
    waiter = Waiter(live, lambda state: state.traffic is not None and state.traffic.scheduled >= 10)
    live.progress(progress(9))
    live.progress(progress(10))
    assert waiter.join() is True


def test_stop_wakes_every_waiter_and_is_no_success() -> None:
    """A run that cannot go on keeps nobody waiting."""
    live = LiveState()
    waiters = [Waiter(live, lambda _: False) for _ in range(3)]
    live.stop("the traffic died")
    assert [waiter.join() for waiter in waiters] == [False, False, False]


def test_after_a_stop_nobody_waits_at_all() -> None:
    """A later step returns at once, and the time-out is not used up."""
    live = LiveState()
    live.stop("over")
    waiter = Waiter(live, lambda _: False)
    assert waiter.join() is False


def test_the_first_reason_to_stop_stays() -> None:
    """What came after is a consequence."""
    live = LiveState()
    live.stop("the traffic died")
    live.stop("nobody recovered")
    assert live.stop_reason == "the traffic died"


def test_waiting_ends_with_the_time() -> None:
    """No time left: not happened."""
    assert LiveState().wait_for(lambda _: False, 0) is False


def test_what_has_happened_already_is_not_waited_for() -> None:
    """Even without any time."""
    assert LiveState().wait_for(lambda _: True, 0) is True


def test_the_newest_podchaos_is_kept(make: SimpleNamespace) -> None:
    """From a list, from an event, and nothing after its deletion."""
    live = LiveState()
    live.apply(make.event(0, "LIST", {"items": []}, watch="podchaos"))
    assert live.podchaos == {}
    live.apply(make.event(1, "LIST", {"items": [make.podchaos()]}, watch="podchaos"))
    assert live.podchaos == make.podchaos()
    live.apply(make.event(2, "MODIFIED", make.podchaos("staging/a"), watch="podchaos"))
    assert live.podchaos == make.podchaos("staging/a")
    live.apply(make.event(3, "DELETED", make.podchaos("staging/a"), watch="podchaos"))
    assert live.podchaos == {}


def test_chaos_events_are_gathered(make: SimpleNamespace) -> None:
    """Those of a list and those that follow, in order."""
    live = LiveState()
    live.apply(make.event(0, "LIST", {"items": [{"reason": "Updated"}]}, watch="chaos-events"))
    live.apply(make.event(1, "ADDED", {"reason": "Failed"}, watch="chaos-events"))
    assert [event["reason"] for event in live.chaos_events] == ["Updated", "Failed"]


@pytest.mark.parametrize("watch", ["lease", "events", "endpointslices"])
def test_what_nobody_waits_for_is_not_kept(make: SimpleNamespace, watch: str) -> None:
    """The journal has it; the live state stays small."""
    live = LiveState()
    live.apply(make.event(0, "ADDED", make.pod("a"), watch=watch))
    assert (live.pods.pods, live.podchaos, live.chaos_events) == ({}, {}, [])


def test_many_threads_lose_nothing(make: SimpleNamespace) -> None:
    """Eight writers of 50 pods each: 400 pods are known in the end."""
    live = LiveState()

    def write(writer: int) -> None:
        for number in range(50):
            live.apply(make.event(number, "ADDED", make.pod(f"{writer}-{number}")))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    waiter = Waiter(live, lambda state: len(state.pods.ready) == 400)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert waiter.join() is True


def test_a_phase_has_a_name_and_an_end() -> None:
    """What the view shows."""
    live = LiveState()
    live.enter("baseline", 42)
    assert (live.phase, live.phase_ends_ns) == ("baseline", 42)
    live.enter("fault")
    assert (live.phase, live.phase_ends_ns) == ("fault", 0)
