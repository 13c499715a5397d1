"""A run folder in, the verdict out: every way in which a run passes, fails, or is not known."""

import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gameday import evaluate as evaluate_module
from gameday.errors import BadInputError
from gameday.evaluate import evaluate, view
from gameday.timeline import Outcome
from gameday.verdict import Criterion, Measurement, Status, Verdict
from probes import faults, recovery, traffic

PASS, FAIL, UNKNOWN, NOT_RUN = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_RUN
RUN_CRITERIA = ("SC-008", "SC-009", "SC-010", "SC-011")

type Story = Any
"""The fixture's class lives in conftest."""


def judged(story: Story) -> Verdict:
    return evaluate(story.write()).verdict


def statuses(verdict: Verdict) -> dict[str, Status]:
    return {item.id: item.status for item in verdict.criteria if item.status is not NOT_RUN}


def criterion(verdict: Verdict, identifier: str) -> Criterion:
    return next(item for item in verdict.criteria if item.id == identifier)


def measured(verdict: Verdict, name: str) -> Measurement:
    return next(item for item in verdict.measurements if item.name == name)


def found(verdict: Verdict) -> set[str]:
    return {item.id for item in verdict.findings}


def bounds(measurement: Measurement) -> tuple[float | None, float | None, float | None]:
    rounded = [
        None if item is None else round(item, 6) for item in (measurement.value, measurement.low, measurement.high)
    ]
    return rounded[0], rounded[1], rounded[2]


def test_a_clean_run_passes(story: Story) -> None:
    """Every criterion of the run passes, the others are not run, and every number has its bounds."""
    verdict = judged(story)
    assert verdict.status is PASS
    assert statuses(verdict) == dict.fromkeys(RUN_CRITERIA, PASS)
    assert sum(item.status is NOT_RUN for item in verdict.criteria) == 7
    assert verdict.headline == (
        "One pod was killed and the service was whole again after 1.99 s. "
        "Of 200 requests meanwhile, 0 got an HTTP 5xx and 0 no answer at all."
    )
    assert verdict.proof.holds
    assert verdict.proof.reason == "a was named, is gone, and d took its place."
    assert (verdict.proof.victim_uid, verdict.proof.replacement_uid) == ("uid-a", "uid-d")
    assert bounds(measured(verdict, "pod_recovery")) == (1.99, 1.986, 1.994)
    assert bounds(measured(verdict, "endpoint_recovery")) == (2.0, 1.996, 2.004)
    assert bounds(measured(verdict, "http_5xx")) == (0, 0, 0)
    assert bounds(measured(verdict, "unanswered")) == (0, 0, 0)
    assert bounds(measured(verdict, "p95_latency")) == (5, 5, 5)
    assert bounds(measured(verdict, "user_outage")) == (0, 0, 0.01)
    assert measured(verdict, "server_5xx").value is None
    assert found(verdict) == set()


def test_the_window_and_the_stretches(story: Story) -> None:
    """Before, during and after share every request, none twice."""
    verdict = judged(story)
    assert verdict.window.fault_s == pytest.approx(5.010)
    assert verdict.window.recovered_s == pytest.approx(7.000)
    assert verdict.window.watch_lag_s == pytest.approx(0.004)
    assert [(item.name, item.requests) for item in verdict.traffic] == [
        ("before", 501),
        ("during", 200),
        ("after", 499),
    ]
    assert sum(item.requests for item in verdict.endpoints) == 1200


def test_the_phases_of_the_recovery(story: Story) -> None:
    """From the deletion to the endpoint, each stretch beginning where the one before ends."""
    phases = judged(story).phases
    assert [(phase.name, round(phase.start_s, 3), round(phase.end_s or 0, 3)) for phase in phases] == [
        ("replacement created", 5.010, 5.015),
        ("scheduled", 5.015, 5.030),
        ("ready", 5.030, 7.000),
        ("endpoint offered", 7.000, 7.010),
    ]


def test_fourteen_refused_requests(story: Story) -> None:
    """No 5xx, so SC-009 passes; the users who were lost fail SC-011, and the headline says so in its first line."""
    story.end(slice(502, 516), Outcome.REFUSED, took_ms=0.4)
    verdict = judged(story)
    assert statuses(verdict) == {"SC-008": PASS, "SC-009": PASS, "SC-010": UNKNOWN, "SC-011": FAIL}
    assert verdict.status is FAIL
    assert "0 got an HTTP 5xx and 14 no answer at all" in verdict.headline
    assert verdict.headline.endswith("Missed: SC-011.")
    unanswered = measured(verdict, "unanswered")
    assert unanswered.value == pytest.approx(14 / 200)
    assert unanswered.low == pytest.approx(14 / 200)
    assert unanswered.high == pytest.approx(14 / 199)
    outage = measured(verdict, "user_outage")
    assert (bounds(outage), outage.sample_size) == ((0.1304, 0.13, 0.15), 14)


def test_one_5xx(story: Story) -> None:
    """One is one too many, and it is no unanswered request."""
    story.end(slice(600, 601), Outcome.ANSWERED, took_ms=5, status=503)
    verdict = judged(story)
    assert statuses(verdict) == {"SC-008": PASS, "SC-009": FAIL, "SC-010": PASS, "SC-011": PASS}
    assert criterion(verdict, "SC-009").actual == "1 requests"
    assert "1 got an HTTP 5xx and 0 no answer at all" in verdict.headline


def test_a_5xx_at_the_edge_of_the_watches_lag_is_unknown(story: Story) -> None:
    """It ended within the lag before the fault was seen: nobody can say on which side."""
    story.end(slice(500, 501), Outcome.ANSWERED, took_ms=8, status=503)
    verdict = judged(story)
    assert bounds(measured(verdict, "http_5xx")) == (1, 0, 1)
    assert criterion(verdict, "SC-009").status is UNKNOWN


def test_a_request_that_was_under_way_when_the_pod_was_killed_counts(story: Story) -> None:
    """It was sent before, and lost with the pod."""
    story.end(slice(495, 496), Outcome.RESET, took_ms=70)
    assert measured(judged(story), "unanswered").value == pytest.approx(1 / 201)


def test_failures_before_and_after_are_findings_and_no_criterion(story: Story) -> None:
    """They are told all the same."""
    story.end(slice(100, 101), Outcome.TIMEOUT, took_ms=500)
    story.end(slice(900, 902), Outcome.ANSWERED, took_ms=5, status=500)
    verdict = judged(story)
    assert statuses(verdict) == dict.fromkeys(RUN_CRITERIA, PASS)
    assert found(verdict) == {"unsteady-before", "failures-after-recovery"}


def test_answers_that_are_no_success_are_a_finding(story: Story) -> None:
    """A wrong path answers 404 to everybody and looks like a perfect service."""
    story.end(slice(0, 1200), Outcome.ANSWERED, took_ms=5, status=404)
    verdict = judged(story)
    assert [item.text for item in verdict.findings] == [
        "1,200 requests were answered with neither a success (2xx) nor a server error (5xx)."
    ]


def test_slow_answers_fail_the_p95(story: Story) -> None:
    """Counted from the intended start."""
    story.end(slice(501, 701), Outcome.ANSWERED, took_ms=900, status=200)
    verdict = judged(story)
    assert statuses(verdict) == {"SC-008": PASS, "SC-009": PASS, "SC-010": FAIL, "SC-011": PASS}


def test_a_late_load_generator_is_no_failure_of_the_service(story: Story) -> None:
    """All of the latency is the instrument's own: not a pass, not a fail, and a finding."""
    story.late_ms = 590
    story.end(slice(0, 1200), Outcome.ANSWERED, took_ms=600, status=200)
    verdict = judged(story)
    assert criterion(verdict, "SC-010").status is UNKNOWN
    assert "generator-late" in found(verdict)


def test_a_recovery_that_was_never_seen(story: Story) -> None:
    """Longer than the watch lasted: unknown against 30 s when the watch was shorter; nothing else passes either."""
    story.drop(lambda entry: entry.kind == "event" and entry.seconds in {7.000, 7.010})
    verdict = judged(story)
    measurement = measured(verdict, "pod_recovery")
    assert (measurement.value, measurement.high) == (None, math.inf)
    assert measurement.low == pytest.approx(12.004 - 5.010)
    assert statuses(verdict) == dict.fromkeys(RUN_CRITERIA, UNKNOWN)
    assert "the service was not whole again" in verdict.headline
    assert verdict.window.recovered_s is None


def test_a_recovery_that_was_not_seen_for_long_enough_fails(story: Story) -> None:
    """The watch lasted longer than the target allows."""
    story.drop(lambda entry: entry.kind == "event" and entry.seconds in {7.000, 7.010})
    story.drop_mark("watch.stop").drop_mark("run.end")
    story.mark(60, "watch.stop").mark(60.1, "run.end", status="completed", reason="")
    story.event(59.9, "lease", "MODIFIED", {"spec": {"renewTime": "another"}})
    verdict = judged(story)
    assert criterion(verdict, "SC-008").status is FAIL
    assert criterion(verdict, "SC-008").actual.startswith("at least 54.89 s")


def test_an_api_server_that_fell_silent_shows_no_late_recovery(story: Story) -> None:
    """No heartbeat came any more: how long it took is not known, however long the run went on."""
    story.drop(lambda entry: entry.kind == "event" and entry.seconds > 6.6)
    story.drop_mark("watch.stop").drop_mark("run.end")
    story.mark(60, "watch.stop").mark(60.1, "run.end", status="completed", reason="")
    verdict = judged(story)
    assert measured(verdict, "pod_recovery").low == pytest.approx(6.504 - 5.010)
    assert verdict.status is UNKNOWN


def unproven(story: Story, words: str) -> None:
    """Without a proven fault nothing of the run is judged, and the reason says what is missing."""
    verdict = judged(story)
    assert not verdict.proof.holds
    assert words in verdict.proof.reason
    assert statuses(verdict) == dict.fromkeys(RUN_CRITERIA, UNKNOWN)
    assert verdict.status is UNKNOWN
    assert verdict.headline == f"Not known: {verdict.proof.reason}"


def test_no_victim_was_named(story: Story) -> None:
    """A pod was lost, but the record does not say that this was the fault."""
    unproven(story.drop(lambda entry: entry.name == "podchaos" and entry.seconds > 0), "names no victim")


def test_two_victims_were_named(story: Story, make: SimpleNamespace) -> None:
    """That was no single pod failure."""
    story.event(5.3, "podchaos", "MODIFIED", make.podchaos("staging/a", "staging/b"))
    unproven(story, "names 2 victims: staging/a, staging/b")


def test_a_second_victim_in_another_state_of_the_record(story: Story, make: SimpleNamespace) -> None:
    """A controller that crashed between kill and record may kill another: every state of the record counts."""
    story.event(5.3, "podchaos", "MODIFIED", make.podchaos("staging/b"))
    unproven(story, "names 2 victims: staging/a, staging/b")


def test_the_victim_was_never_seen(story: Story, make: SimpleNamespace) -> None:
    """The record names a pod that no watch knows."""
    story.drop(lambda entry: entry.name == "podchaos" and entry.seconds > 0)
    unproven(story.event(5.02, "podchaos", "MODIFIED", make.podchaos("staging/x")), "which no watch ever saw")


def test_the_victim_did_not_go(story: Story) -> None:
    """The record says so, and the pod still stands."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds in {5.010, 5.012})
    unproven(story, "The victim a was never seen to go")


def test_the_victim_was_marked_and_did_not_vanish(story: Story) -> None:
    """A deletionTimestamp is a promise."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds == 5.012)
    unproven(story, "marked for deletion and never seen to go")


def test_the_victim_was_going_already(story: Story, make: SimpleNamespace) -> None:
    """Somebody else deleted it before the fault was made; Chaos Mesh also picks pods that are terminating."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds == 5.010)
    story.event(4.9, "pods", "MODIFIED", make.pod("a", terminating=True))
    unproven(story, "was going already before the fault was made")


def test_the_victim_was_not_ready(story: Story, make: SimpleNamespace) -> None:
    """It served nobody, so its loss proves nothing."""
    unproven(story.event(4.5, "pods", "MODIFIED", make.pod("a", ready=False)), "was not Ready when it was hit")


def test_no_replacement_appeared(story: Story) -> None:
    """Or none of the same owner."""
    unproven(story.drop(lambda entry: entry.name == "pods" and entry.seconds > 5.012), "No replacement of a appeared")


def test_a_pod_of_another_owner_is_no_replacement(story: Story, make: SimpleNamespace) -> None:
    """A rollout in the middle makes pods of another ReplicaSet."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds > 5.012)
    unproven(story.event(7, "pods", "ADDED", make.pod("d", owner="replicaset-2")), "No replacement of a appeared")


def test_a_bystander_was_lost(story: Story, make: SimpleNamespace) -> None:
    """Two pods went: what was measured is not the failure of one."""
    story.event(5.5, "pods", "DELETED", make.pod("b"))
    unproven(story, "Other pods were lost too: b")


def test_a_bystander_that_was_lost_before_is_none(story: Story, make: SimpleNamespace) -> None:
    """What went before the fault, and was replaced, is not of this fault."""
    story.event(-0.9, "pods", "ADDED", make.pod("old"))
    story.event(1, "pods", "DELETED", make.pod("old"))
    assert judged(story).status is PASS


def test_no_fault_was_made(story: Story) -> None:
    """The run ended in its steady state."""
    unproven(story.drop_mark("fault.create"), "The run ended before the fault")


def test_chaos_mesh_complained(story: Story) -> None:
    """Its own words are the reason and a finding."""
    story.drop(lambda entry: entry.seconds >= 5.01 and entry.name in {"pods", "podchaos"})
    words = "Failed to select targets: no pod is selected"
    story.event(5.05, "chaos-events", "ADDED", {"type": "Warning", "reason": "Failed", "message": words})
    unproven(story, f"No pod was killed. Chaos Mesh says: {words}")


@pytest.mark.parametrize("kind", ["mark", "event"])
def test_without_heartbeats_nothing_is_known(story: Story, kind: str) -> None:
    """Sent or arrived, one half is not enough: the watch's lag has no bound, so the times have none."""
    name = {"mark": "lease.renew", "event": "lease"}[kind]
    verdict = judged(story.drop(lambda entry: entry.kind == kind and entry.name == name))
    assert statuses(verdict) == dict.fromkeys(RUN_CRITERIA, UNKNOWN)


@pytest.mark.parametrize(("begin", "end"), [(2.9, 9.1), (2.9, 7.1), (4.9, 9.1)])
def test_without_a_heartbeat_near_one_of_the_two_moments_nothing_is_known(
    story: Story, begin: float, end: float
) -> None:
    """A lag that was measured elsewhere says nothing about the moment that counts."""
    verdict = judged(story.drop(lambda entry: entry.name == "lease" and begin < entry.seconds < end))
    assert criterion(verdict, "SC-008").status is UNKNOWN


def test_a_slow_watch_widens_the_bounds(story: Story, make: SimpleNamespace) -> None:
    """The greatest lag near the fault is the lag of every event there."""
    story.mark(5.999, "lease.renew", renewed="slow").event(6.299, "lease", "MODIFIED", make.lease("slow"))
    assert bounds(measured(judged(story), "pod_recovery")) == (1.99, 1.69, 2.29)


def test_a_gap_of_the_watch_widens_the_bounds(story: Story, make: SimpleNamespace) -> None:
    """What the list after a gap shows happened somewhere in between; the gap is a finding."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds >= 7)
    story.event(8.5, "pods", "LIST", {"items": [make.pod("b"), make.pod("c"), make.pod("d")]}, 6.5)
    verdict = judged(story)
    assert bounds(measured(verdict, "pod_recovery")) == (3.49, 1.486, 3.494)
    assert verdict.status is PASS
    assert found(verdict) == {"watch-gap"}


def test_a_gap_over_the_whole_fault(story: Story, make: SimpleNamespace) -> None:
    """Begun and ended unseen: from nothing to all of the gap."""
    story.drop(lambda entry: entry.name == "pods" and entry.seconds > 0)
    story.event(8.5, "pods", "LIST", {"items": [make.pod("b"), make.pod("c"), make.pod("d")]}, 4)
    assert bounds(measured(judged(story), "pod_recovery")) == (0, 0, 4.504)


def doubted(story: Story, words: str) -> Verdict:
    """Nothing passes, and some criterion says why."""
    verdict = judged(story)
    assert verdict.status is UNKNOWN
    assert any(words in item.reason for item in verdict.criteria)
    return verdict


def test_a_run_without_its_end_never_passes(story: Story) -> None:
    """Nothing of it: it was cut off."""
    verdict = doubted(story.drop_mark("run.end"), "The run did not come to its end")
    assert statuses(verdict) == dict.fromkeys(RUN_CRITERIA, UNKNOWN)
    assert "run-incomplete" in found(verdict)


@pytest.mark.parametrize("status", ["failed", "aborted", "interrupted", ""])
def test_a_run_that_ended_badly_never_passes(story: Story, status: str) -> None:
    """Whatever was measured until then."""
    story.drop_mark("run.end").mark(12.5, "run.end", status=status, reason="it was stopped from outside")
    doubted(story, f"The run was {status}: it was stopped from outside.")


def test_a_steady_state_that_deviated_afterwards_never_passes(story: Story) -> None:
    """The experiment's own hypothesis did not hold after the fault."""
    story.drop_mark("run.end").mark(12.5, "run.end", status="completed", reason="the steady state deviated afterwards")
    doubted(story, "the steady state deviated afterwards")


def test_a_run_that_ended_badly_can_still_fail(story: Story) -> None:
    """What surely failed is not taken back."""
    story.end(slice(600, 601), Outcome.ANSWERED, took_ms=5, status=503)
    story.drop_mark("run.end").mark(12.5, "run.end", status="failed", reason="")
    assert judged(story).status is FAIL


@pytest.mark.parametrize(
    ("totals", "words"),
    [
        ({"recorded": 1201}, "1200 requests stand in the file, but 1201 were recorded."),
        ({"scheduled": 1201}, "1200 requests recorded, but 1201 came due."),
        ({"locust_requests": 1199}, "1199 requests were counted by Locust, but 1200 were recorded."),
        ({"locust_failures": 1}, "1 requests failed for Locust, but 0 are recorded as unanswered."),
        ({"recorder_errors": 2}, "The recorder had 2 errors"),
        ({"unsent": 3}, "3 requests could not be sent"),
    ],
)
def test_totals_that_do_not_add_up(story: Story, totals: dict[str, int], words: str) -> None:
    """Requests may be missing: what users saw is unknown, the recovery is not."""
    story.totals = totals
    verdict = doubted(story, words)
    assert statuses(verdict) == {"SC-008": PASS, "SC-009": UNKNOWN, "SC-010": UNKNOWN, "SC-011": UNKNOWN}
    assert "traffic-incomplete" in found(verdict)


def test_traffic_that_died(story: Story) -> None:
    """Nobody counted to the end."""
    story.drop_mark("traffic.stopped").mark(9, "traffic.died", reason="exit code -9")
    doubted(story, "The load generator died: exit code -9.")


def test_traffic_that_never_said_its_totals(story: Story) -> None:
    """Silence is no agreement."""
    doubted(story.drop_mark("traffic.stopped"), "never said how many requests it sent")


def test_totals_that_cannot_be_read(story: Story) -> None:
    """A mark of another form is no crash."""
    story.totals = None
    doubted(story, "cannot be read")


def test_no_request_at_all(story: Story) -> None:
    """An empty file: nothing that users saw is known."""
    story.rows = []
    verdict = judged(story)
    assert statuses(verdict) == {"SC-008": PASS, "SC-009": UNKNOWN, "SC-010": UNKNOWN, "SC-011": UNKNOWN}
    assert "What users saw is not known." in verdict.headline


def test_a_missing_requests_file(story: Story) -> None:
    """As good as an empty one."""
    folder = story.write()
    (folder / "requests.arrow").unlink()
    assert evaluate(folder).verdict.status is UNKNOWN


def test_traffic_that_ended_before_the_recovery(story: Story) -> None:
    """Zero failures of nobody are no success: the totals add up, and the stretch had no users."""
    story.rows = story.rows[:550]
    verdict = doubted(story, "No request was due for 1.510 s between fault and recovery.")
    assert statuses(verdict) == {"SC-008": PASS, "SC-009": UNKNOWN, "SC-010": UNKNOWN, "SC-011": UNKNOWN}


def test_traffic_that_ended_before_the_fault(story: Story) -> None:
    """Nobody was there at all."""
    story.rows = story.rows[:400]
    verdict = judged(story)
    assert statuses(verdict) == {"SC-008": PASS, "SC-009": UNKNOWN, "SC-010": UNKNOWN, "SC-011": UNKNOWN}
    assert measured(verdict, "http_5xx").value is None


def test_a_hole_in_the_traffic(story: Story) -> None:
    """A stretch in which no request was due is one in which nobody looked."""
    del story.rows[530:580]
    doubted(story, "No request was due for 0.510 s between fault and recovery.")


def test_a_hole_elsewhere_does_no_harm(story: Story) -> None:
    """Only the stretch between fault and recovery is judged."""
    del story.rows[100:150]
    assert judged(story).status is PASS


@pytest.mark.parametrize(
    ("module", "function", "unknown"),
    [
        (faults, "find", RUN_CRITERIA),
        (recovery, "measure", ("SC-008",)),
        (recovery, "measure_endpoint", ()),
        (traffic, "outage", ()),
        (traffic, "http_5xx", ("SC-009",)),
        (traffic, "unanswered", ("SC-011",)),
        (traffic, "p95", ("SC-010",)),
    ],
)
def test_a_probe_that_crashes_is_unknown(
    story: Story, monkeypatch: pytest.MonkeyPatch, module: object, function: str, unknown: tuple[str, ...]
) -> None:
    """Its criterion is unknown and says why; the others stand."""

    def crash(*_: object) -> None:
        raise ZeroDivisionError("a fault of the probe")

    monkeypatch.setattr(module, function, crash)
    verdict = judged(story)
    assert statuses(verdict) == {item: UNKNOWN if item in unknown else PASS for item in RUN_CRITERIA}
    assert all("a fault of the probe" in criterion(verdict, item).reason for item in unknown)
    assert verdict.status is (UNKNOWN if unknown else PASS)


def test_samples_that_cannot_be_read_take_nothing_away(story: Story) -> None:
    """The cross-check is a second witness; the first one stands without it."""
    folder = story.write()
    (folder / "prometheus.parquet").write_bytes(b"PAR1 cut")
    verdict = evaluate(folder).verdict
    assert verdict.status is PASS
    assert "the probe failed" in measured(verdict, "server_5xx").note


def test_every_trouble_of_the_cleanup_is_told(story: Story) -> None:
    """Two steps failed: two findings."""
    story.mark(12.4, "cleanup.trouble", text="one").mark(12.45, "cleanup.trouble", text="two")
    assert [item.text for item in judged(story).findings if item.id == "cleanup"] == ["one", "two"]


def test_the_verdict_is_a_pure_function_of_the_folder(story: Story, tmp_path: Path) -> None:
    """Twice, and from a copy elsewhere: the same text."""
    story.end(slice(502, 516), Outcome.REFUSED, took_ms=0.4)
    folder = story.write()
    first = evaluate(folder).verdict.model_dump_json()
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "copy")
    assert evaluate(folder).verdict.model_dump_json() == first
    assert evaluate(copy).verdict.model_dump_json() == first
    assert Verdict.model_validate_json(first).model_dump_json() == first


def test_another_specification_may_judge_and_the_verdict_says_so(story: Story, tmp_path: Path) -> None:
    """A stricter one turns a pass into a fail; whoever reads it knows which one was used."""
    folder = story.write()
    other = tmp_path / "strict.yaml"
    other.write_text((folder / "inputs" / "spec.yaml").read_text().replace("< 30 s", "< 1 s"))
    verdict = evaluate(folder, other).verdict
    assert statuses(verdict)["SC-008"] is FAIL
    assert [item.text for item in verdict.findings if item.id == "other-specification"] == [
        "Judged by strict.yaml as given, and not by the specification that this run was made with."
    ]


@pytest.mark.parametrize(("target", "limit_ms"), [("< 500 ms", 500), ("< 0.5 s", 500), ("<= 1 s", 1000)])
def test_the_view_knows_the_latency_target_in_milliseconds(story: Story, target: str, limit_ms: float) -> None:
    """Whatever unit the specification uses."""
    story.spec = story.spec.replace("< 500 ms", target)
    shown = view(evaluate(story.write()))
    assert shown.p95_target_ms == pytest.approx(limit_ms)
    assert [count for _, count in shown.ready_pods] == [3, 2, 3]


END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def sampled(size: int, count: int) -> list[int]:
    """Some lengths up to a size: an even spread and the last bytes of all."""
    return sorted({*range(0, size, max(1, size // count)), *range(max(0, size - 20), size)})


@pytest.mark.parametrize(("name", "count"), [("marks.jsonl", 50), ("cluster.jsonl", 50), ("requests.arrow", 40)])
def test_a_record_that_was_cut_off_anywhere_is_readable_and_never_passes(story: Story, name: str, count: int) -> None:
    """A SIGKILL, a full disk: whatever length is left of a file, it is judged, and it is no PASS."""
    path = story.write() / name
    raw = path.read_bytes()
    tail = len(END_OF_STREAM) if name == "requests.arrow" else 0  # a stream that lacks its end has all of its rows
    for length in sampled(len(raw) - tail, count):
        path.write_bytes(raw[:length])
        assert evaluate(path.parent).verdict.status is not PASS, f"{name} cut off after {length} of {len(raw)} bytes"
    path.write_bytes(raw)
    assert evaluate(path.parent).verdict.status is PASS


@pytest.mark.parametrize("name", ["marks.jsonl", "cluster.jsonl"])
def test_a_record_that_lost_whole_lines_never_passes(story: Story, name: str) -> None:
    """Cut off exactly between two lines, wherever: nothing looks broken, and still something is missing."""
    path = story.write() / name
    lines = path.read_bytes().splitlines(keepends=True)
    for count in range(len(lines)):
        path.write_bytes(b"".join(lines[:count]))
        assert evaluate(path.parent).verdict.status is not PASS, f"the first {count} of {len(lines)} lines"


@pytest.mark.parametrize("name", ["marks.jsonl", "cluster.jsonl"])
def test_a_record_that_is_damaged_in_the_middle_is_bad_input(story: Story, name: str) -> None:
    """That is no crash of a writer: the file is refused, with the line."""
    path = story.write() / name
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b'{"t_ns": \n', *lines[3:]]))
    with pytest.raises(BadInputError, match=rf"{name}:4: .*a JSON object on every line"):
        evaluate(path.parent)


def test_it_reads_nothing_but_the_folder(story: Story, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No clock, no current folder: the answer is the same in a year."""
    folder = story.write()
    first = evaluate(folder).verdict
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert evaluate_module.evaluate(folder).verdict == first
