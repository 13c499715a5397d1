from pathlib import Path

import pyarrow as pa
import pytest

from gameday.errors import BadInputError
from gameday.store.requests import COLUMNS, read, schema
from gameday.timeline import Outcome

ENDPOINTS = ["list", "create"]


def write(path: Path, *batches: list[int], endpoints: list[str] = ENDPOINTS) -> Path:
    """A stream with one row for each intended start, each answered 7 ns later with 201."""
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema(endpoints)) as writer:
        for intended in batches:
            rows = [
                {
                    "intended_ns": at,
                    "start_ns": at + 2,
                    "latency_ns": 7,
                    "status": 201,
                    "outcome": Outcome.ANSWERED.value,
                    "endpoint": at % 2,
                    "fresh": at % 2 == 0,
                    "worker": 0,
                }
                for at in intended
            ]
            writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema(endpoints)))
    return path


def test_rows_come_in_order_of_their_intended_start(tmp_path: Path) -> None:
    """Whatever batch, file or order they were written in."""
    rows = read([write(tmp_path / "a", [5, 1], [4]), write(tmp_path / "b", [3, 2])])
    assert rows.intended_ns.tolist() == [1, 2, 3, 4, 5]
    assert rows.start_ns.tolist() == [3, 4, 5, 6, 7]
    assert rows.end_ns.tolist() == [8, 9, 10, 11, 12]
    assert rows.status.tolist() == [201] * 5
    assert rows.outcome.tolist() == [0] * 5
    assert rows.endpoint.tolist() == [1, 0, 1, 0, 1]
    assert rows.fresh.tolist() == [False, True, False, True, False]
    assert rows.endpoints == ("list", "create")


def test_columns_have_their_types(tmp_path: Path) -> None:
    """As `Requests` promises, also when there is nothing in them."""
    for rows in (read([write(tmp_path / "a", [1])]), read([write(tmp_path / "b")]), read([])):
        columns = (
            rows.intended_ns,
            rows.start_ns,
            rows.end_ns,
            rows.status,
            rows.outcome,
            rows.endpoint,
            rows.fresh,
        )
        assert [str(column.dtype) for column in columns] == [
            "int64", "int64", "int64", "int16", "uint8", "uint8", "bool",
        ]  # fmt: skip


def test_many_booleans_in_one_batch_stay_in_their_rows(tmp_path: Path) -> None:
    """Arrow packs eight into a byte: eleven rows end in the middle of the second one."""
    assert read([write(tmp_path / "a", list(range(11)))]).fresh.tolist() == [n % 2 == 0 for n in range(11)]


def test_a_stream_cut_off_anywhere_gives_its_complete_batches(tmp_path: Path) -> None:
    """A SIGKILL of the writer at any byte leaves a file that can be read: 0, 2 or 3 rows, never an error."""
    whole = write(tmp_path / "whole", [1, 2], [3]).read_bytes()
    cut = tmp_path / "cut"
    found = []
    for length in range(len(whole) + 1):
        cut.write_bytes(whole[:length])
        found.append(len(read([cut])))
    assert found == sorted(found)
    assert set(found) == {0, 2, 3}


@pytest.mark.parametrize("content", [b"{", b"PAR1" * 100, b"\xff\xff\xff\xff\x08\x00\x00\x00notarrow" * 9])
def test_another_file_is_bad_input(tmp_path: Path, content: bytes) -> None:
    """What never was such a stream is not mistaken for one that was cut off."""
    path = tmp_path / "requests.arrow"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match="expected an Arrow IPC stream of requests"):
        read([path])


def test_other_columns_are_bad_input(tmp_path: Path) -> None:
    """The message names both lists."""
    path = tmp_path / "requests.arrow"
    other = pa.schema(COLUMNS[:3])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, other):
        pass
    with pytest.raises(BadInputError, match="written by another version"):
        read([path])


def test_files_of_different_runs_are_bad_input(tmp_path: Path) -> None:
    """Their endpoint numbers would mean different things."""
    one, other = write(tmp_path / "a", [1]), write(tmp_path / "b", [2], endpoints=["delete"])
    with pytest.raises(BadInputError, match="different endpoints"):
        read([one, other])
