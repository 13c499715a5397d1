"""The instrument against faults of known length."""

import json
from pathlib import Path

from stage_tools import gameday

ARRIVAL_MS = 5.0


def test_outages_of_known_length(tmp_path: Path) -> None:
    """What the stage says that it did lies between the bounds of what is measured, give or take one arrival."""
    done = gameday(
        "calibrate", "--only", "outage 55 ms", "--only", "outage 1.5 s", "--json", runs=tmp_path, timeout_s=100
    )
    assert done.code in {0, 1}, done.stderr  # 1: a machine that was busy at the wrong moment
    readings = json.loads(done.stdout)
    assert [reading["case"] for reading in readings] == ["outage 55 ms", "outage 1.5 s"]
    for reading in readings:
        assert reading["low_ms"] - ARRIVAL_MS <= reading["true_ms"] <= reading["high_ms"] + ARRIVAL_MS
    assert all(reading["true_ms"] >= length for reading, length in zip(readings, (55, 1500), strict=True))


def test_a_case_that_does_not_exist(tmp_path: Path) -> None:
    """It is bad input, and the message names the cases that there are."""
    done = gameday("calibrate", "--only", "outage 7 s", runs=tmp_path)
    assert done.code == 2
    assert "outage 1.5 s" in done.stderr
