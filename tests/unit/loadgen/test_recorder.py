from pathlib import Path
from types import SimpleNamespace

import pytest

from gameday.store.requests import COLUMNS, read
from gameday.timeline import Outcome
from loadgen import recorder as module
from loadgen.recorder import Recorder
from loadgen.schedule import Arrival


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The recorder's clock: the list's only item."""
    now = [0]
    monkeypatch.setattr(module, "monotonic_ns", lambda: now[0])
    return now


def new(folder: Path) -> Recorder:
    return Recorder(folder / "requests.arrow", ["list", "create"], worker=3)


def tell(recorder: Recorder, number: int, status: int = 200, error: BaseException | None = None) -> None:
    """Report the request of an arrival intended at 1000 * number, which started 10 ns late."""
    arrival = Arrival(number, 1000 * number, number % 2, number % 3 == 0)
    recorder.on_request(
        context={"arrival": arrival, "start_ns": arrival.intended_ns + 10},
        response=SimpleNamespace(status_code=status),
        exception=error,
        request_type="GET",
        name="list",
    )


def test_a_row_holds_what_happened(tmp_path: Path, clock: list[int]) -> None:
    """Latency counts from the intended start; a failed request has no status, whatever the response says."""
    recorder = new(tmp_path)
    clock[0] = 5_000
    tell(recorder, 0, 200)
    tell(recorder, 1, 503)
    tell(recorder, 2, 200, ConnectionResetError())
    recorder.close()
    rows = read([tmp_path / "requests.arrow"])
    assert rows.intended_ns.tolist() == [0, 1000, 2000]
    assert rows.start_ns.tolist() == [10, 1010, 2010]
    assert rows.end_ns.tolist() == [5000, 5000, 5000]
    assert rows.status.tolist() == [200, 503, 0]
    assert rows.outcome.tolist() == [Outcome.ANSWERED, Outcome.ANSWERED, Outcome.RESET]
    assert rows.endpoint.tolist() == [0, 1, 0]
    assert rows.fresh.tolist() == [True, False, False]
    assert rows.endpoints == ("list", "create")
    assert (recorder.recorded, recorder.http_5xx, recorder.unanswered, recorder.errors) == (3, 1, 1, 0)


def test_flushed_rows_are_there_without_a_close(tmp_path: Path) -> None:
    """A SIGKILL of the writer costs what was pending, nothing else."""
    recorder = new(tmp_path)
    tell(recorder, 0)
    recorder.flush()
    tell(recorder, 1)
    assert len(read([tmp_path / "requests.arrow"])) == 1
    assert (recorder.recorded, recorder.pending) == (1, 1)


def test_a_full_buffer_writes_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows between two flushes than fit are written at once: none is lost and none is doubled."""
    monkeypatch.setattr(module, "CAPACITY", 4)
    recorder = new(tmp_path)
    for number in range(10):
        tell(recorder, number)
    assert (recorder.recorded, recorder.pending) == (8, 2)
    recorder.close()
    assert read([tmp_path / "requests.arrow"]).intended_ns.tolist() == [1000 * n for n in range(10)]


def test_what_cannot_be_recorded_is_counted(tmp_path: Path) -> None:
    """A request without our context, and one after the end, are errors; the listener raises nothing."""
    recorder = new(tmp_path)
    recorder.on_request(context={}, response=SimpleNamespace(status_code=200), exception=None)
    recorder.close()
    tell(recorder, 0)
    assert (recorder.recorded, recorder.errors) == (0, 2)


def test_a_full_disk_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that could not be written are not called recorded."""
    recorder = new(tmp_path)
    tell(recorder, 0)

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder, "_writer", SimpleNamespace(write_batch=full, close=lambda: None))
    recorder.flush()
    assert (recorder.recorded, recorder.pending, recorder.errors) == (0, 0, 1)


def test_recent_percentile_is_an_order_statistic(tmp_path: Path, clock: list[int]) -> None:
    """Of 20 requests the 19th slowest; the second look covers only what came since the first."""
    recorder = new(tmp_path)
    for number in range(20):
        clock[0] = 1000 * number + (number + 1) * 1_000_000  # answered after 1, 2, … 20 ms
        tell(recorder, number)
    first = recorder.tick()
    assert (first.p95_ms, first.late_ms) == (19.0, 0.00001)
    assert recorder.tick().p95_ms is None


def test_an_unanswered_request_counts_as_slower_than_any_answered_one(tmp_path: Path) -> None:
    """One in ten refused at once makes the 95th percentile infinite, not fast."""
    recorder = new(tmp_path)
    for number in range(10):
        tell(recorder, number, error=ConnectionRefusedError() if number == 3 else None)
    assert recorder.tick().p95_ms is None


def test_columns_are_those_of_the_store() -> None:
    """The row in memory, the one that `struct` packs and the store's schema have the same columns."""
    assert list(module.ROW.names or ()) == [column.name for column in COLUMNS]
    assert module.PACK.size == module.ROW.itemsize
