"""Reports appear whole, or not at all."""

import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from gameday.errors import BadInputError
from gameday.verdict import Verdict
from reports import write
from reports.view import RunView

Run = tuple[Verdict, RunView]


def test_three_files(tmp_path: Path, unknown: Run) -> None:
    """The page, the text and the XML stand in the folder, readable for all, and nothing else."""
    files = write.write_reports(tmp_path, *unknown)
    assert files == [tmp_path / "report.html", tmp_path / "report.md", tmp_path / "junit.xml"]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o644}
    assert files[0].read_text("utf-8").startswith("<!doctype html>\n")


def test_same_run_same_files(tmp_path: Path, passed: Run) -> None:
    """Writing again gives the same bytes: reports can be compared and signed."""
    first = [file.read_bytes() for file in write.write_reports(tmp_path, *passed)]
    assert [file.read_bytes() for file in write.write_reports(tmp_path, *passed)] == first


def test_a_crash_leaves_the_old_report(tmp_path: Path, unknown: Run) -> None:
    """When writing fails midway, the old file stands and no rest of the new one does."""
    (tmp_path / "report.html").write_text("old")
    full = patch.object(write.os, "fsync", side_effect=OSError(28, "No space left on device"))
    with full, pytest.raises(BadInputError) as caught:
        write.write_reports(tmp_path, *unknown)
    assert caught.value.seen == f"{tmp_path / 'report.html'}: No space left on device"
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("report.html", "old")]


def test_missing_folder(tmp_path: Path, unknown: Run) -> None:
    """A folder that is not there is an error that says what to do."""
    with pytest.raises(BadInputError, match="gameday report"):
        write.write_reports(tmp_path / "gone", *unknown)


def test_importing_is_cheap() -> None:
    """The command line can import the writer without pandas and matplotlib; `preload` brings them in."""
    code = (
        "import sys; from reports import write; heavy = {'pandas', 'matplotlib', 'jinja2'};"
        "assert not heavy & set(sys.modules); write.preload(); assert heavy <= set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
