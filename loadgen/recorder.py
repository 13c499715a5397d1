"""Writes one row for each request that Locust reports, and counts everything that could go missing.

Runs only inside the Locust process. Locust logs and forgets an exception in a listener (its event.py), so
nothing may leave `on_request`: what goes wrong there is counted in `errors`, which makes the run's verdict
UNKNOWN.
"""

import logging
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns
from typing import Any, Protocol, TypedDict

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gameday.store import requests as store
from gameday.timeline import Outcome
from loadgen.outcomes import outcome_of
from loadgen.schedule import Arrival

CAPACITY = 8192
"""Rows held in memory: 16 s of 500 requests/s, while the file is written every 200 ms."""

ROW = np.dtype(
    [
        ("intended_ns", np.int64),
        ("start_ns", np.int64),
        ("latency_ns", np.int64),
        ("status", np.int16),
        ("outcome", np.uint8),
        ("endpoint", np.uint8),
        ("fresh", np.bool_),
        ("worker", np.uint16),
    ]
)
"""A row in memory, without gaps: the columns of `gameday.store.requests.COLUMNS`, in its order."""

PACK = struct.Struct("=qqqhBB?H")
"""The same for `struct`, which fills a row in one call: item by item, NumPy takes twice as long."""

ROW_BYTES = PACK.size
ANSWERED = int(Outcome.ANSWERED)
LOGGED_ERRORS = 5
NEVER_NS = np.iinfo(np.int64).max
SERVER_ERROR = 5
"""The first digit of the statuses that count as HTTP 5xx."""

log = logging.getLogger(__name__)


class Response(Protocol):
    """What Locust hands to listeners as the response."""

    status_code: int


class Context(TypedDict):
    """What a request takes along as its Locust context: where it belongs and when it really started."""

    arrival: Arrival
    start_ns: int


@dataclass(frozen=True, slots=True)
class Recent:
    """The rows since the look before: the 95th percentile and the greatest lateness, in milliseconds."""

    p95_ms: float | None
    late_ms: float


class Recorder:
    """The listener of Locust's `events.request`, and the file that it fills.

    `recorded` rows are in the file, `pending` ones wait for `flush`. `errors` counts rows and batches that
    were lost.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, path: Path, endpoints: Sequence[str], worker: int) -> None:
        self._schema = store.schema(endpoints)
        # An OSFile has no buffer of its own: a batch that was written is with the operating system.
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_stream(self._file, self._schema)
        self._memory = bytearray(CAPACITY * ROW.itemsize)
        self._rows = np.frombuffer(self._memory, ROW)
        self._pack = PACK.pack_into
        self._worker = worker
        self._open = True
        self.pending = 0
        self.recorded = 0
        self.http_5xx = 0
        self.unanswered = 0
        self.unsent = 0
        self.errors = 0

    def on_request(
        self,
        *,
        context: Context,
        response: Response,
        exception: BaseException | None,
        **_: object,
    ) -> None:
        """The listener: note that a request ended, when and how. In one piece, because it runs for each."""
        end_ns = monotonic_ns()
        try:
            _number, intended_ns, endpoint, fresh = context["arrival"]
            answered = exception is None
            self._pack(
                self._memory,
                self.pending * ROW_BYTES,
                intended_ns,
                context["start_ns"],
                end_ns - intended_ns,
                response.status_code if answered else 0,
                ANSWERED if answered else outcome_of(exception),
                endpoint,
                fresh,
                self._worker,
            )
            self.pending += 1
            if self.pending == CAPACITY:
                self.flush()
        except Exception:  # noqa: BLE001 - Locust would log it and forget it
            self.fail("a request could not be recorded")

    def fail(self, what: str) -> None:
        """Count an error, and log the first few with the exception at hand."""
        self.errors += 1
        if self.errors <= LOGGED_ERRORS:
            log.exception("recorder: %s", what)

    def tick(self) -> Recent:
        """Write what is pending, and say how these requests fared."""
        recent = self._recent()
        self.flush()
        return recent

    def flush(self) -> None:
        """Write what is pending as one batch. A batch that cannot be written is lost, and counted."""
        rows, self.pending = self.pending, 0
        if not rows:
            return
        try:
            self._writer.write_batch(self._batch(rows))
            self._count(self._rows[:rows])
        except Exception:  # noqa: BLE001 - a full disk must not end the traffic; the count tells
            self.fail(f"{rows} rows could not be written")

    def close(self) -> None:
        """Write what is pending and the end of the stream. Requests that end later are errors."""
        if not self._open:
            return
        self.flush()
        self._open = False
        self._memory = bytearray()  # there is no place for another row
        try:
            self._writer.close()
            self._file.close()
        except Exception:  # noqa: BLE001 - as above
            self.fail("the file could not be closed")

    def _count(self, written: NDArray[Any]) -> None:
        self.recorded += len(written)
        self.http_5xx += int(np.count_nonzero(written["status"] // 100 == SERVER_ERROR))
        self.unanswered += int(np.count_nonzero(written["outcome"] != Outcome.ANSWERED))
        self.unsent += int(np.count_nonzero(written["outcome"] == Outcome.UNSENT))

    def _batch(self, rows: int) -> pa.RecordBatch:
        """The first rows as a batch.

        Not by `pa.array(column)`: its first call imports pandas, 2 s during which no request would leave.
        """
        columns = [np.ascontiguousarray(self._rows[name][:rows]) for name in self._schema.names]
        arrays = [
            pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(_arrow_bytes(column))])
            for kind, column in zip(self._schema.types, columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _recent(self) -> Recent:
        """How the pending rows fared; an unanswered request counts as slower than any answered one."""
        rows = self.pending
        if not rows:
            return Recent(None, 0.0)
        seen = self._rows[:rows]
        rank = math.ceil(0.95 * rows) - 1
        latency = np.where(seen["outcome"] == Outcome.ANSWERED, seen["latency_ns"], NEVER_NS)
        p95 = np.partition(latency, rank)[rank]
        late = np.max(seen["start_ns"] - seen["intended_ns"])
        return Recent(None if p95 == NEVER_NS else float(p95) / 1e6, float(late) / 1e6)


def _arrow_bytes(column: NDArray[Any]) -> NDArray[Any]:
    """A column as Arrow lays it out in memory, which differs for booleans only: eight in a byte."""
    return np.packbits(column, bitorder="little") if column.dtype == np.bool_ else column
