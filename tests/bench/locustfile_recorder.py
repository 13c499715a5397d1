"""The Locust side of bench_recorder.py: closed-loop users at full speed, with and without the recorder.

One process for both, in slices that follow each other, so that both see the same machine. Prints one JSON
line.
"""

import gc
import json
import os
import time
from pathlib import Path

import gevent
from locust import FastHttpUser, events, task

from loadgen.recorder import Context, Recorder
from loadgen.schedule import Arrival

SLICE_S = float(os.environ["BENCH_SLICE_S"])
PAIRS = int(os.environ["BENCH_PAIRS"])
BEAT_S = 0.2  # as in loadgen.traffic

recorder = Recorder(Path(os.environ["BENCH_FILE"]), ["list tasks"], worker=0)
recording = [False]

ARRIVAL = Arrival(0, time.monotonic_ns(), 0, fresh=False)
"""In a run the pacer makes one for each request, recorder or not."""


class BusyUser(FastHttpUser):  # type: ignore[misc]  # an untyped library's class
    """Sends the next request as soon as the last one is answered."""

    host = os.environ["BENCH_URL"]

    @task  # type: ignore[untyped-decorator]
    def go(self) -> None:
        """One request; with the recorder it takes along what the recorder needs, as in a run."""
        if recording[0]:
            context: Context = {"arrival": ARRIVAL, "start_ns": time.monotonic_ns()}
            self.client.get("/tasks", name="list tasks", context=context)
        else:
            self.client.get("/tasks", name="list tasks")


def _switch(*, on: bool) -> None:
    """Take the recorder in or out, in an order in which it never sees a request without its context."""
    if on == recording[0]:
        return
    if not on:
        events.request.remove_listener(recorder.on_request)
    recording[0] = on
    gevent.sleep(0.05)  # those that began before are over
    if on:
        events.request.add_listener(recorder.on_request)


def _slice(environment: object, *, on: bool) -> dict[str, float]:
    """Requests and CPU seconds of one slice."""
    _switch(on=on)
    total = environment.stats.total  # type: ignore[attr-defined]  # Locust's Environment
    before, wall, cpu = total.num_requests, time.perf_counter(), time.process_time()
    gevent.sleep(SLICE_S)
    requests, seconds = total.num_requests - before, time.perf_counter() - wall
    return {"per_s": requests / seconds, "cpu_us": (time.process_time() - cpu) / requests * 1e6}


def _measure(environment: object) -> None:
    gevent.sleep(1.0)  # warm
    gc.collect()
    gc.freeze()  # as in a run: otherwise a collection of all that was imported falls into some slice
    pairs = []
    for number in range(PAIRS):
        first = number % 2 == 0
        one, other = _slice(environment, on=first), _slice(environment, on=not first)
        pairs.append({"with": one if first else other, "without": other if first else one})
    recorder.close()
    print(json.dumps({"pairs": pairs, "recorded": recorder.recorded, "errors": recorder.errors}), flush=True)
    environment.runner.quit()  # type: ignore[attr-defined]


def _beat() -> None:
    while True:
        gevent.sleep(BEAT_S)
        recorder.tick()


def _begin(environment: object, **_: object) -> None:
    gevent.spawn(_beat)
    gevent.spawn(_measure, environment)


events.test_start.add_listener(_begin)
