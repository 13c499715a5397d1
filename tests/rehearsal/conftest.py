"""One stage for all the flows; each test gets an experiment of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage_tools import EXPERIMENT, copy_experiment

from gameday.rehearsal.stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The Task API on a rehearsal stage."""
    with Stage(tmp_path_factory.mktemp("stage"), [EXPERIMENT.parent / "manifests"]) as running:
        yield running


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """A copy of the experiment with short windows."""
    return copy_experiment(tmp_path)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Where the test's run folders go."""
    return tmp_path / "runs"
