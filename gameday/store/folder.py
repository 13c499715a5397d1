"""Reading and making run folders."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from gameday import objects
from gameday.errors import BadInputError
from gameday.store.journal import CLUSTER, MARKS, event_of
from gameday.store.meta import RunMeta
from gameday.timeline import Anchor, Mark, Requests, WatchEvent

META = "run.json"
VERDICT = "verdict.json"
SAMPLES = "prometheus.parquet"


@dataclass(frozen=True)
class Run:
    """A run folder, read. `cut_lines` counts lines that their writer did not live to finish."""

    folder: Path
    meta: RunMeta
    marks: tuple[Mark, ...]
    events: tuple[WatchEvent, ...]
    requests: Requests
    cut_lines: int

    @property
    def anchor(self) -> Anchor:
        """The run's clock anchor."""
        return self.meta.clock.anchor

    def mark(self, name: str) -> Mark | None:
        """The first mark of a name."""
        return next((mark for mark in self.marks if mark.name == name), None)

    def watched(self, watch: str) -> list[WatchEvent]:
        """The events of one watch, in order of arrival."""
        return [event for event in self.events if event.watch == watch]


def create(parent: Path, experiment: str, now: datetime) -> Path:
    """A new, empty run folder `<UTC time>-<experiment>`; a number is added when that second already has one.

    Raises:
        BadInputError: The parent cannot be written to.
    """
    base = f"{now:%Y%m%dT%H%M%SZ}-{experiment}"
    for number in range(1, 1000):
        folder = parent / (base if number == 1 else f"{base}-{number}")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            if folder.exists():
                continue
            folder.mkdir()
            (folder / "inputs").mkdir()
        except OSError as error:
            raise BadInputError(
                f"{folder}: {error.strerror}",
                "a folder that can be written to",
                "Choose another one with --runs.",
            ) from error
        return folder
    raise BadInputError(f"{parent}: a thousand runs of {base}", "room for one more", "Choose another --runs folder.")


def keep_inputs(folder: Path, files: Mapping[str, Path]) -> None:
    """Copy every input exactly as it is used."""
    for name, source in files.items():
        shutil.copyfile(source, folder / "inputs" / name)


def write_atomically(path: Path, text: str) -> None:
    """Write a whole file or leave the old one: a reader never sees half of it.

    Raises:
        BadInputError: The folder cannot be written to.
    """
    scratch = path.with_name(path.name + ".new")
    try:
        scratch.write_text(text, encoding="utf-8")
        os.replace(scratch, path)  # noqa: PTH105 - the same call, and the name says what it does
    except OSError as error:
        raise BadInputError(
            f"{path}: {error.strerror}",
            "a folder that can be written to",
            "Copy the run to a place of your own.",
        ) from error


def load(folder: Path) -> Run:
    """Read a run folder, whole or cut off.

    Raises:
        BadInputError: It is no run folder, or a file of it is damaged in the middle.
    """
    from gameday.store import requests  # Arrow, which a run that only writes does not need

    meta = _meta(folder)
    mark_lines, cut_marks = _lines(folder / MARKS)
    event_lines, cut_events = _lines(folder / CLUSTER)
    return Run(
        folder=folder,
        meta=meta,
        marks=tuple(_mark(line) for line in mark_lines),
        events=tuple(sorted((event_of(line) for line in event_lines), key=lambda event: event.t_ns)),
        requests=requests.read(sorted(folder.glob("requests*.arrow"))),
        cut_lines=cut_marks + cut_events,
    )


def _meta(folder: Path) -> RunMeta:
    path = folder / META
    try:
        return RunMeta.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInputError(
            f"{path}: {error.strerror}",
            "a run folder, which has a run.json",
            "Give the path of a folder below runs/.",
        ) from error
    except ValidationError as error:
        raise BadInputError(
            f"{path}: {error.error_count()} wrong fields, first: {error.errors()[0]['loc']} {error.errors()[0]['msg']}",
            "a run.json as this version writes it",
            "Restore the file, or use the version that wrote it.",
        ) from error


def _lines(path: Path) -> tuple[list[Mapping[str, object]], int]:
    """Every whole line of a JSON-lines file, and how many were cut off (0 or 1, the last).

    Raises:
        BadInputError: A line before the last is no JSON object: that is damage, not a crash.
    """
    if not path.exists():
        return [], 0
    try:
        raw = path.read_bytes().split(b"\n")
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}", "a readable file", "Check the permissions.") from error
    found = []
    for number, line in enumerate(raw[:-1], 1):
        parsed = _parsed(line)
        if parsed is None:
            raise BadInputError(
                f"{path}:{number}: {line[:60]!r}",
                "a JSON object on every line",
                "Restore the file from a copy.",
            )
        found.append(parsed)
    return found, int(bool(raw[-1]))


def _parsed(line: bytes) -> Mapping[str, object] | None:
    try:
        parsed = json.loads(line)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _mark(line: Mapping[str, object]) -> Mark:
    data = {key: found for key, found in line.items() if key not in {"t_ns", "mark"}}
    return Mark(objects.number(line, "t_ns"), objects.text(line, "mark"), data)


def write_samples(path: Path, rows: Iterable[tuple[str, str, int, float]]) -> int:
    """Store raw Prometheus samples: metric, labels as JSON text, Unix milliseconds, value; returns how many."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    types = [pa.string(), pa.string(), pa.int64(), pa.float64()]
    arrays = [pa.array(column, type=kind) for column, kind in zip(columns, types, strict=True)]
    table = pa.table(arrays, names=["metric", "labels", "t_ms", "value"])
    scratch = path.with_name(path.name + ".new")
    pq.write_table(table, scratch)
    os.replace(scratch, path)  # noqa: PTH105 - as above
    return table.num_rows


def read_samples(path: Path) -> Iterator[tuple[str, str, int, float]]:
    """What `write_samples` stored; nothing when there is no such file."""
    import pyarrow.parquet as pq

    if not path.exists():
        return
    table = pq.read_table(path)
    columns = [table[name].to_pylist() for name in ("metric", "labels", "t_ms", "value")]
    yield from zip(*columns, strict=True)
