"""What is derived from a run folder: deleting it loses nothing."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gameday.errors import BadInputError
from gameday.finish import SUMS, judge_folder, write_sums
from gameday.verdict import Verdict

type Story = Any


def test_the_verdict_is_written_and_reads_back(story: Story) -> None:
    """As it was returned."""
    folder = story.write()
    evaluation = judge_folder(folder)
    written = Verdict.model_validate_json((folder / "verdict.json").read_bytes())
    assert written == evaluation.verdict


def test_judging_again_changes_nothing(story: Story) -> None:
    """Not a byte of the folder."""
    folder = story.write()
    judge_folder(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    judge_folder(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_deleting_what_is_derived_loses_nothing(story: Story) -> None:
    """It comes back the same."""
    folder = story.write()
    judge_folder(folder)
    before = {name: (folder / name).read_bytes() for name in ("verdict.json", SUMS)}
    for name in before:
        (folder / name).unlink()
    judge_folder(folder)
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_the_sums_are_those_of_every_file(story: Story) -> None:
    """Each file once, itself not, in the form that sha256sum checks."""
    folder = story.write()
    write_sums(folder)
    lines = (folder / SUMS).read_text().splitlines()
    found = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != SUMS]
    assert found == {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    assert len(lines) == len(found)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_sha256sum_agrees_and_notices_a_change(story: Story) -> None:
    """Anybody can check a folder without this program."""
    folder = story.write()
    judge_folder(folder)

    def check() -> int:
        command = ["sha256sum", "--check", "--strict", "--status", SUMS]
        return subprocess.run(command, cwd=folder, check=False).returncode

    assert check() == 0
    with (folder / "marks.jsonl").open("a") as file:
        file.write("\n")
    assert check() != 0


def test_no_run_no_verdict(tmp_path: Path) -> None:
    """And nothing is written into a folder that is none."""
    with pytest.raises(BadInputError, match="a run folder"):
        judge_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []
