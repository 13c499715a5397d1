"""`requests*.arrow`: a row a request, in an Arrow IPC stream that stays readable whenever its writer dies."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gameday.errors import BadInputError
from gameday.timeline import Outcome, Requests

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS: "list[pa.Field[Any]]" = [
    pa.field("intended_ns", pa.int64(), nullable=False),
    pa.field("start_ns", pa.int64(), nullable=False),
    pa.field("latency_ns", pa.int64(), nullable=False),
    pa.field("status", pa.int16(), nullable=False),
    pa.field("outcome", pa.uint8(), nullable=False),
    pa.field("endpoint", pa.uint8(), nullable=False),
    pa.field("fresh", pa.bool_(), nullable=False),
    pa.field("worker", pa.uint16(), nullable=False),
]
"""`latency_ns`: from the intended start to the last byte or the failure; the other names as in `Requests`."""

CONTINUATION = b"\xff\xff\xff\xff"
"""What every message of an Arrow IPC stream begins with (Arrow's Format.rst, encapsulated message format)."""


def schema(endpoints: Sequence[str]) -> "pa.Schema":
    """The schema of a stream; its metadata names the codes, so that the file explains itself."""
    return pa.schema(
        COLUMNS,
        metadata={
            "gameday.clock": "CLOCK_MONOTONIC, nanoseconds",
            "gameday.outcomes": json.dumps({outcome.name.lower(): outcome.value for outcome in Outcome}),
            "gameday.endpoints": json.dumps(list(endpoints)),
        },
    )


def read(paths: Sequence[Path]) -> Requests:
    """All rows of the streams, sorted by intended start.

    A stream that was cut off (its writer was killed, the disk was full) gives its complete batches.

    Raises:
        BadInputError: A file is no such stream, or two files disagree about their endpoints.
    """
    batches = [batch for path in paths for batch in _batches(path)]
    endpoints = {_endpoints(batch.schema) for batch in batches}
    if len(endpoints) > 1:
        raise BadInputError(
            f"request files with different endpoints: {sorted(endpoints)}",
            "files of one run",
            "Put the files back into their own run folders.",
        )
    column = {field.name: _joined(field, batches) for field in COLUMNS}
    order = np.argsort(column["intended_ns"], kind="stable")
    column = {name: values[order] for name, values in column.items()}
    return Requests(
        intended_ns=column["intended_ns"],
        start_ns=column["start_ns"],
        end_ns=column["intended_ns"] + column["latency_ns"],
        status=column["status"],
        outcome=column["outcome"],
        endpoint=column["endpoint"],
        fresh=column["fresh"],
        endpoints=next(iter(endpoints), ()),
    )


def _joined(field: "pa.Field[Any]", batches: Sequence["pa.RecordBatch"]) -> "NDArray[Any]":
    """One column of all batches. Not by Arrow's `to_numpy`, whose first call imports pandas (1.5 s)."""
    parts = [_numbers(batch.column(field.name)) for batch in batches]
    return np.concatenate([np.empty(0, str(field.type)), *parts])


def _numbers(array: "pa.Array[Any]") -> "NDArray[Any]":
    """An array without nulls as NumPy sees it; Arrow keeps eight booleans in a byte."""
    values = array.buffers()[1]  # [0] says which are null
    if values is None or not len(array):
        return np.empty(0, str(array.type))
    if array.type == pa.bool_():
        packed: NDArray[np.uint8] = np.frombuffer(values, np.uint8)
        return np.unpackbits(packed, bitorder="little")[array.offset :][: len(array)].astype(np.bool_)
    numbers: NDArray[Any] = np.frombuffer(values, str(array.type))
    return numbers[array.offset :][: len(array)]


def _endpoints(found: "pa.Schema") -> tuple[str, ...]:
    return tuple(json.loads((found.metadata or {}).get(b"gameday.endpoints", b"[]")))


def _batches(path: Path) -> Iterator["pa.RecordBatch"]:
    """The complete batches of one stream."""
    if path.stat().st_size == 0:
        return  # opened, and nothing written yet
    try:
        reader = pa.ipc.open_stream(pa.memory_map(str(path)))
    except (pa.ArrowInvalid, OSError) as error:
        if _ends_in_schema(path):
            return
        raise BadInputError(
            f"{path}: {error}",
            "an Arrow IPC stream of requests",
            "Restore the file from where the run was made.",
        ) from error
    if reader.schema.remove_metadata() != pa.schema(COLUMNS):
        raise BadInputError(
            f"{path}: columns {reader.schema.names}",
            f"columns {[column.name for column in COLUMNS]}",
            "The file was written by another version: use that version of gameday.",
        )
    while True:
        try:
            yield reader.read_next_batch()
        except (StopIteration, pa.ArrowInvalid, OSError):
            return  # the end, or a batch that its writer did not live to finish


def _ends_in_schema(path: Path) -> bool:
    """Whether a stream was cut off in its first message: the marker, the length of the schema, the schema."""
    with path.open("rb") as file:
        head = file.read(len(CONTINUATION) + 4)
    marker, length = head[:4], head[4:]
    if len(head) < len(CONTINUATION) + 4:
        return CONTINUATION.startswith(marker)
    return marker == CONTINUATION and path.stat().st_size < len(head) + int.from_bytes(length, "little")
