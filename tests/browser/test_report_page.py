"""The page in a real browser: it opens without a complaint and asks the network for nothing.

Not among the default tests: it needs Chromium. Run it with `uv run nox -s browser`.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from gameday.timeline import Anchor, Requests
from gameday.verdict import Proof, Status, Traffic, Verdict, Window
from reports.view import RunView
from reports.write import write_reports

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (  # noqa: SIM905 - a command line reads best as one
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync "
    "--enable-logging=stderr --v=0"
).split()
QUIET.append("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")  # the browser's own calls go nowhere

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="chromium is not installed"
)  # in CI a browser that is missing fails these tests


def page(folder: Path) -> Path:
    """The report of ten calm seconds."""
    intended = np.arange(1000, dtype=np.int64) * 10_000_000
    requests = Requests(
        intended_ns=intended,
        start_ns=intended,
        end_ns=intended + 5_000_000 + intended % 7_000_000,
        status=np.full(1000, 200, dtype=np.int16),
        outcome=np.zeros(1000, dtype=np.uint8),
        endpoint=np.zeros(1000, dtype=np.uint8),
        fresh=np.zeros(1000, dtype=np.bool_),
        endpoints=("GET /tasks",),
    )
    stretch = Traffic(
        name="all",
        start_s=0,
        end_s=10,
        requests=1000,
        http_5xx=0,
        unanswered=0,
        p50_ms=8,
        p95_ms=11,
        p99_ms=12,
    )
    verdict = Verdict(
        run="r",
        status=Status.UNKNOWN,
        headline="<b>calm</b>",
        stage="REHEARSAL",
        service="s",
        experiment="e",
        started_at="2025-01-01T00:00:00Z",
        proof=Proof(holds=False, reason="no fault"),
        window=Window(fault_s=4, recovered_s=None, watch_lag_s=0, end_s=10),
        criteria=(),
        measurements=(),
        phases=(),
        traffic=(stretch,),
        endpoints=(),
        findings=(),
    )
    view = RunView(requests=requests, anchor=Anchor(0, 0, 0), ready_pods=((0.0, 3),), desired_pods=3)
    return write_reports(folder, verdict, view)[0]


def opened(address: str, folder: Path, *options: str) -> tuple[str, set[str]]:
    """Open a page: what the browser said, and the addresses that the page (not the browser) asked for."""
    assert CHROMIUM
    net = folder / "net.json"
    places = (f"--user-data-dir={folder / 'profile'}", f"--log-net-log={net}")
    done = subprocess.run(
        [CHROMIUM, *QUIET, *places, *options, address], check=True, timeout=60, capture_output=True, text=True
    )
    asked = [event.get("params", {}) for event in json.loads(net.read_text())["events"]]
    by_page = {p["url"] for p in asked if p.get("initiator", "not an origin") != "not an origin" and "url" in p}
    return done.stderr, {url for url in by_page if url.startswith("http")}


@pytest.mark.parametrize("width", [1200, 500])
@pytest.mark.parametrize("scheme", [0, 1])
def test_opens_quietly(tmp_path: Path, width: int, scheme: int) -> None:
    """On a desk and on a phone, dark and light: no message on the console, no request, and a picture."""
    picture = tmp_path / "page.png"
    said, asked = opened(
        page(tmp_path).as_uri(),
        tmp_path,
        f"--screenshot={picture}",
        f"--window-size={width},2400",
        f"--blink-settings=preferredColorScheme={scheme}",
    )
    assert "CONSOLE" not in said
    assert asked == set()
    assert picture.stat().st_size > 10_000


def test_a_page_that_asks_is_caught(tmp_path: Path) -> None:
    """The two checks above do see a page that talks and loads."""
    loud = tmp_path / "loud.html"
    loud.write_text("<img src='http://127.0.0.1:9/x.png'><script>console.log('hello')</script>")
    said, asked = opened(loud.as_uri(), tmp_path, f"--screenshot={tmp_path / 'loud.png'}")
    assert "CONSOLE" in said
    assert asked == {"http://127.0.0.1:9/x.png"}
