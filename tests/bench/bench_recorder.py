"""What the recorder costs: requests/s of Locust with it ÷ without, at full speed on loopback.

    uv run python tests/bench/bench_recorder.py

Takes about 45 s. Both are measured in one Locust process, in pairs of quarter-second slices that follow each
other; the answer is the median of the pairs' ratios. Exit code 1 when it is below 0.95. The CPU time a
request is a second opinion that other work on the machine disturbs less.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
LIMIT = 0.95
PAIRS = 60
SLICE_S = 0.25
USERS = 10
LONGEST_S = 60.0


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The URL of a fast server in a process of its own."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "fast_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdout is None or process.stdin is None:
            raise AssertionError("no pipes")
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def measure(url: str, folder: Path) -> list[dict[str, dict[str, float]]]:
    """The pairs of slices."""
    settings = {
        "BENCH_URL": url,
        "BENCH_FILE": str(folder / "requests.arrow"),
        "BENCH_PAIRS": str(PAIRS),
        "BENCH_SLICE_S": str(SLICE_S),
    }
    options = ["--headless", "--users", str(USERS), "--spawn-rate", str(USERS), "--only-summary"]
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(HERE / "locustfile_recorder.py"), *options],
        env=os.environ | settings,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    if found["errors"] or not found["recorded"]:
        sys.exit(f"the recorder wrote {found['recorded']} rows and had {found['errors']} errors")
    pairs: list[dict[str, dict[str, float]]] = found["pairs"]
    return pairs


def main() -> int:
    """Measure, print, judge."""
    with server() as url, tempfile.TemporaryDirectory() as folder:
        pairs = measure(url, Path(folder))
    print("without/s   with/s   ratio   CPU without   CPU with")
    for pair in pairs:
        off, on = pair["without"], pair["with"]
        print(
            f"{off['per_s']:9.0f}{on['per_s']:9.0f}{on['per_s'] / off['per_s']:8.3f}"
            f"{off['cpu_us']:11.1f} us{on['cpu_us']:8.1f} us"
        )
    ratio = statistics.median(pair["with"]["per_s"] / pair["without"]["per_s"] for pair in pairs)
    cpu = statistics.median(pair["without"]["cpu_us"] / pair["with"]["cpu_us"] for pair in pairs)
    good = ratio >= LIMIT
    print(f"median ratio {ratio:.3f} (by CPU time {cpu:.3f}), at least {LIMIT}: {'yes' if good else 'NO'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
