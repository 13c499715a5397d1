"""What is derived from a closed run folder: verdict, reports, checksums. Deleting all of it loses nothing."""

import gc
import hashlib
from pathlib import Path

from gameday.evaluate import Evaluation, evaluate, view
from gameday.store.folder import VERDICT, write_atomically

SUMS = "SHA256SUMS"


def preload() -> None:
    """Import what judging and reporting need, so that both start at once; takes seconds, safe in a thread."""
    import pyarrow.parquet  # noqa: F401 - used by the cross-check
    import scipy.special  # noqa: F401 - used by the intervals

    from reports import write

    write.preload()
    gc.freeze()  # what was imported stays: going through it again and again would cost time when it matters


def judge_folder(path: Path, spec: Path | None = None) -> Evaluation:
    """Judge a run folder and write `verdict.json`."""
    evaluation = evaluate(path, spec)
    write_atomically(path / VERDICT, evaluation.verdict.model_dump_json(indent=2) + "\n")
    write_sums(path)
    return evaluation


def finish(path: Path, spec: Path | None = None) -> Evaluation:
    """Judge a run folder and write every report."""
    from reports.write import write_reports

    evaluation = judge_folder(path, spec)
    write_reports(path, evaluation.verdict, view(evaluation))
    write_sums(path)
    return evaluation


def write_sums(path: Path) -> None:
    """`SHA256SUMS` over every file of the folder, as sha256sum(1) reads it."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name != SUMS)
    lines = [f"{_digest(file)}  {file.relative_to(path).as_posix()}\n" for file in files]
    write_atomically(path / SUMS, "".join(lines))


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
