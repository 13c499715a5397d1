"""The judge: three values, and every way in which a PASS is not earned."""

import math
from collections.abc import Sequence

import pytest

from gameday.judge import judge, number, overall
from gameday.spec import Spec
from gameday.verdict import Criterion, Measurement, Proof, Status

PROVEN = Proof(holds=True, reason="a was named, is gone, and d took its place.")
PASS, FAIL, UNKNOWN, NOT_RUN = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_RUN


def spec(**objectives: tuple[str, str]) -> Spec:
    """A specification with just these objectives: name=(measure, target)."""
    return Spec.model_validate(
        {
            "version": "gameday/spec/v1",
            "service": "task-api",
            "owner": {"team": "t", "app": "a", "environment": "e", "cost-center": "c"},
            "staging": {
                "namespace": "staging",
                "deployment": "task-api",
                "service": "task-api",
                "contexts": ["gameday"],
            },
            "objectives": {
                key.replace("_", "-"): {"title": key, "measure": measure, "target": target}
                for key, (measure, target) in objectives.items()
            },
        }
    )


RECOVERY = spec(SC_008=("pod_recovery", "< 30 s"))


def measured(low: float | None, high: float | None, unit: str = "s", value: float | None = None) -> Measurement:
    return Measurement(name="m", value=low if value is None else value, low=low, high=high, unit=unit, note="A note.")


def one(measurement: Measurement | None, proof: Proof = PROVEN, doubts: Sequence[str] = ()) -> Criterion:
    """The only criterion of a specification that demands a recovery below 30 s."""
    found = {} if measurement is None else {"pod_recovery": measurement}
    (criterion,) = judge(RECOVERY, found, proof, doubts)
    return criterion


def test_all_of_the_interval_meets_the_target() -> None:
    """It passes, and the criterion carries its measurement."""
    criterion = one(measured(1.98, 2.0))
    assert (criterion.id, criterion.status, criterion.target) == ("SC-008", PASS, "< 30 s")
    assert criterion.measurement == measured(1.98, 2.0)
    assert criterion.reason == "A note."


def test_none_of_the_interval_meets_the_target() -> None:
    """It fails."""
    assert one(measured(30, math.inf)).status is FAIL


def test_the_interval_reaches_across_the_target() -> None:
    """It is unknown, and says why."""
    criterion = one(measured(29, 31))
    assert criterion.status is UNKNOWN
    assert criterion.reason == "The bounds reach across the target. A note."


@pytest.mark.parametrize(
    ("measurement", "reason"),
    [
        (None, "It was not measured."),
        (Measurement(name="m", unit="s"), "It was not measured."),
        (Measurement(name="m", unit="s", note="No heartbeat."), "No heartbeat."),
        (Measurement(name="m", value=2, low=2, unit="s", note="Half."), "Half."),
        (Measurement(name="m", value=2, high=2, unit="s", note="Half."), "Half."),
    ],
)
def test_what_was_not_measured_is_unknown(measurement: Measurement | None, reason: str) -> None:
    """Nothing measured, or only one bound: unknown, with the measurement's own words if it has some."""
    criterion = one(measurement)
    assert (criterion.status, criterion.reason, criterion.actual) == (UNKNOWN, reason, "not measured")


@pytest.mark.parametrize("bounds", [(0.1, 0.2), (31, 32), (29, 31)])
def test_without_a_proven_fault_everything_is_unknown(bounds: tuple[float, float]) -> None:
    """Whatever was measured: neither a pass nor a fail is the fault's."""
    criterion = one(measured(*bounds), Proof(holds=False, reason="The record names no victim."))
    assert criterion.status is UNKNOWN
    assert criterion.reason == "The fault is not proven. The record names no victim."


def test_a_doubt_takes_a_pass_away() -> None:
    """A run that did not end properly never passes, and the doubts are the reason."""
    criterion = one(measured(1, 2), doubts=["It was cut off.", "It was interrupted."])
    assert (criterion.status, criterion.reason) == (UNKNOWN, "It was cut off. It was interrupted.")


def test_a_doubt_does_not_take_a_fail_away() -> None:
    """What surely failed stays failed."""
    assert one(measured(31, 32), doubts=["It was cut off."]).status is FAIL


def test_nan_is_unknown_and_readable() -> None:
    """A broken number is no verdict and no crash."""
    criterion = one(measured(math.nan, math.nan))
    assert criterion.status is UNKNOWN
    assert criterion.actual == "not a number [not a number, not a number]"


def test_another_dimension_is_unknown_and_says_so() -> None:
    """Seconds are not compared with requests."""
    criterion = one(measured(1, 1, "requests"))
    assert (criterion.status, criterion.actual) == (UNKNOWN, "measured in requests, which is not comparable")


def test_the_other_objectives_are_not_run_even_without_a_proof() -> None:
    """What a run does not look at is neither pass nor unknown."""
    both = spec(SC_001=("pods_without_cost_labels", "= 0 pods"), SC_008=("pod_recovery", "< 30 s"))
    criteria = judge(both, {}, Proof(holds=False, reason=""), ["cut off"])
    assert [(item.id, item.status) for item in criteria] == [("SC-001", NOT_RUN), ("SC-008", UNKNOWN)]
    assert criteria[0].actual == "not looked at in this run"


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ([], UNKNOWN),
        ([NOT_RUN], UNKNOWN),
        ([NOT_RUN, NOT_RUN], UNKNOWN),
        ([PASS], PASS),
        ([PASS, NOT_RUN], PASS),
        ([PASS, UNKNOWN], UNKNOWN),
        ([UNKNOWN, FAIL, PASS], FAIL),
        ([FAIL, NOT_RUN], FAIL),
        ([UNKNOWN, NOT_RUN], UNKNOWN),
    ],
)
def test_fail_beats_unknown_beats_pass(statuses: list[Status], verdict: Status) -> None:
    """And judging nothing is unknown."""
    criteria = [Criterion(id="SC-001", title="", target="", status=status, actual="") for status in statuses]
    assert overall(criteria) is verdict


@pytest.mark.parametrize(
    ("objective", "measurement", "text"),
    [
        (("pod_recovery", "< 30 s"), measured(1.98, 1.98), "1.98 s"),
        (("pod_recovery", "< 30 s"), measured(1.978, 1.994, value=1.986), "1.986 s [1.978, 1.994]"),
        (("pod_recovery", "< 30 s"), Measurement(name="m", low=60, high=math.inf, unit="s"), "at least 60 s"),
        (("pod_recovery", "< 1 min"), measured(30, 30), "0.5 min"),
        (("p95_latency", "< 500 ms"), measured(4.9, 5.3, "ms", 5.0), "5 ms [4.9, 5.3]"),
        (("p95_latency", "< 0.5 s"), measured(500, 500, "ms"), "0.5 s"),
        (("p95_latency", "< 500 ms"), measured(12, math.inf, "ms", math.inf), "no answer [12, no answer]"),
        (("unanswered", "<= 0.1 %"), measured(0.0230, 0.0231, "ratio", 0.02305), "2.305 % [2.3, 2.31]"),
        (("http_5xx", "= 0 requests"), measured(0, 0, "requests"), "0 requests"),
        (("http_5xx", "= 0 requests"), measured(1234, 1300, "requests"), "1,234 requests [1,234, 1,300]"),
    ],
)
def test_the_actual_is_in_the_unit_of_the_target(
    objective: tuple[str, str], measurement: Measurement, text: str
) -> None:
    """With its bounds where it has a width, and in words where it is infinite."""
    (criterion,) = judge(spec(SC_001=objective), {objective[0]: measurement}, PROVEN)
    assert criterion.actual == text


def test_objectives_keep_the_order_of_the_specification() -> None:
    """The report's table is the specification's."""
    ordered = spec(SC_009=("http_5xx", "= 0 requests"), SC_008=("pod_recovery", "< 30 s"))
    assert [item.id for item in judge(ordered, {}, PROVEN)] == ["SC-009", "SC-008"]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (0, "0"),
        (14, "14"),
        (1234567, "1,234,567"),
        (0.02305, "0.02305"),
        (1.98765, "1.988"),
        (math.inf, "no answer"),
        (-math.inf, "-∞"),
        (math.nan, "not a number"),
    ],
)
def test_numbers_are_short(found: float, text: str) -> None:
    """Four significant figures, whole numbers whole."""
    assert number(found) == text
