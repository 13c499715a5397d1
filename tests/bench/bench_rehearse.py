"""What a rehearsal costs around its planned windows: wall time minus baseline, recovery and settling.

Run it on a quiet machine: `uv run python tests/bench/bench_rehearse.py`. Exit code 1 when the median is above 5 s.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROUNDS = 3
LIMIT_S = 5.0
WINDOWS = [
    ("baseline.start", "baseline.end"),
    ("fault.create", "recovery.seen"),
    ("settling.start", "settling.end"),
]


def planned_s(folder: Path) -> float:
    """The time that a run was meant to take, from its journal."""
    marks = {}
    for line in (folder / "marks.jsonl").read_text().splitlines():
        entry = json.loads(line)
        marks.setdefault(entry["mark"], entry["t_ns"])
    return sum(marks[end] - marks[begin] for begin, end in WINDOWS) / 1e9


def main() -> int:
    """Rehearse, and print a row each time."""
    around = []
    print(f"{'wall':>8} {'planned':>8} {'around':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(ROUNDS):
            runs = Path(scratch) / str(number)
            begun = time.monotonic()
            command = [sys.executable, "-m", "gameday", "rehearse", "--runs", str(runs)]
            subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=120)
            wall_s = time.monotonic() - begun
            (folder,) = runs.iterdir()
            around.append(wall_s - planned_s(folder))
            print(f"{wall_s:7.2f}s {planned_s(folder):7.2f}s {around[-1]:7.2f}s")
    median = statistics.median(around)
    print(f"median around the planned windows: {median:.2f} s (at most {LIMIT_S:g} s)")
    return int(median > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
