"""The instrument against faults of known length."""

import json
from pathlib import Path

from stage_tools import gameday


def test_outages_of_known_length(tmp_path: Path) -> None:
    """A burst and a longer outage are measured within 25 ms of what the stage says that it did."""
    done = gameday(
        "calibrate", "--only", "outage 55 ms", "--only", "outage 1.5 s", "--json", runs=tmp_path, timeout_s=100
    )
    assert done.code == 0, done.stdout + done.stderr
    readings = json.loads(done.stdout)
    assert [reading["case"] for reading in readings] == ["outage 55 ms", "outage 1.5 s"]
    assert all(abs(reading["error_ms"]) <= 25 for reading in readings)
    assert all(reading["true_ms"] >= length for reading, length in zip(readings, (55, 1500), strict=True))


def test_a_case_that_does_not_exist(tmp_path: Path) -> None:
    """It is bad input, and the message names the cases that there are."""
    done = gameday("calibrate", "--only", "outage 7 s", runs=tmp_path)
    assert done.code == 2
    assert "outage 1.5 s" in done.stderr
