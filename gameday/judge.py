"""From measurements and a specification to verdicts. Pure, three-valued: what is not known is UNKNOWN, never PASS."""

import math
from collections.abc import Mapping, Sequence

from gameday.spec import Objective, Spec
from gameday.target import UNITS
from gameday.verdict import Criterion, Measurement, Proof, Status

RUN_MEASURES = frozenset({"pod_recovery", "http_5xx", "p95_latency", "unanswered"})
"""What a run measures; the other objectives are looked at elsewhere."""


def judge(
    spec: Spec, measurements: Mapping[str, Measurement], proof: Proof, doubts: Sequence[str] = ()
) -> tuple[Criterion, ...]:
    """Every objective of the specification, in its order.

    Args:
        spec: What is demanded.
        measurements: By measure; one that is missing is UNKNOWN.
        proof: Without a proven fault every criterion of the run is UNKNOWN, whatever else was measured.
        doubts: Why nothing of this run may pass: interrupted, cut off, not finished.
    """
    return tuple(
        _criterion(identifier, objective, measurements.get(objective.measure), proof, doubts)
        for identifier, objective in spec.objectives.items()
    )


def overall(criteria: Sequence[Criterion]) -> Status:
    """FAIL beats UNKNOWN beats PASS; judging nothing is UNKNOWN."""
    judged = {criterion.status for criterion in criteria} - {Status.NOT_RUN}
    for status in (Status.FAIL, Status.UNKNOWN):
        if status in judged:
            return status
    return Status.PASS if judged else Status.UNKNOWN


def _criterion(
    identifier: str,
    objective: Objective,
    measurement: Measurement | None,
    proof: Proof,
    doubts: Sequence[str],
) -> Criterion:
    status, reason = _status(objective, measurement, proof, doubts)
    return Criterion(
        id=identifier,
        title=objective.title,
        target=objective.target,
        status=status,
        actual=_actual(objective, measurement) if status is not Status.NOT_RUN else "not looked at in this run",
        measurement=measurement,
        reason=reason,
    )


def _status(
    objective: Objective, measurement: Measurement | None, proof: Proof, doubts: Sequence[str]
) -> tuple[Status, str]:
    if objective.measure not in RUN_MEASURES:
        return Status.NOT_RUN, ""
    if not proof.holds:
        return Status.UNKNOWN, f"The fault is not proven. {proof.reason}"
    if measurement is None or measurement.low is None or measurement.high is None:
        return Status.UNKNOWN, (measurement.note if measurement else "") or "It was not measured."
    status = objective.bound.judge(measurement)
    if status is Status.PASS and doubts:
        return Status.UNKNOWN, " ".join(doubts)
    if status is Status.UNKNOWN:
        return status, f"The bounds reach across the target. {measurement.note}".strip()
    return status, measurement.note


def _actual(objective: Objective, measurement: Measurement | None) -> str:
    """The measurement in the target's own unit, with its bounds."""
    if measurement is None or measurement.low is None or measurement.high is None:
        return "not measured"
    unit = objective.bound.unit
    if UNITS.get(measurement.unit, ("", 0.0))[0] != objective.bound.dimension:
        return f"measured in {measurement.unit}, which is not comparable"
    scale = UNITS[measurement.unit][1] / UNITS[unit][1]
    low, high = measurement.low * scale, measurement.high * scale
    if measurement.value is None:
        return f"at least {number(low)} {unit}"
    shown = measurement.value * scale
    value = f"{number(shown)} {unit}" if math.isfinite(shown) else number(shown)
    return value if low == high else f"{value} [{number(low)}, {number(high)}]"


def number(found: float) -> str:
    """A number as a reader wants it: four significant figures, infinity in words."""
    if math.isnan(found):
        return "not a number"
    if math.isinf(found):
        return "no answer" if found > 0 else "-∞"
    return f"{found:,.0f}" if found == int(found) else f"{found:,.4g}"
