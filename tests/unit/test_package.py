"""The wheel: exactly the four packages, and nothing that was not meant to leave."""

import os
import shutil
import subprocess
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gameday", "loadgen", "probes", "reports")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built as it would be published, without isolation where the build backend is installed already."""
    uv = shutil.which("uv")
    if uv is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have uv: the wheel is checked there")
        pytest.skip("uv is not installed")
    out = tmp_path_factory.mktemp("wheel")
    command = [uv, "build", "--wheel", "--quiet", "--out-dir", str(out), str(ROOT)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert answer.returncode == 0, answer.stderr
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


def info(wheel: zipfile.ZipFile, name: str) -> str:
    (path,) = [item for item in wheel.namelist() if item.endswith(f".dist-info/{name}")]
    return wheel.read(path).decode()


def test_it_holds_the_four_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """Every module and data file of theirs, no tests, no experiments, no caches."""
    files = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    held = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert sorted(held) == sorted(files)


def test_it_holds_what_is_no_module_too(wheel: zipfile.ZipFile) -> None:
    """The page's template, and the marker that types are given."""
    held = wheel.namelist()
    assert any(name.startswith("reports/") and name.endswith((".html", ".j2", ".jinja")) for name in held)
    for package in PACKAGES:
        assert f"{package}/py.typed" in held
        assert f"{package}/__init__.py" in held


def test_it_can_not_be_uploaded_by_mistake(wheel: zipfile.ZipFile) -> None:
    """PyPI refuses any distribution with this classifier."""
    metadata = Parser().parsestr(info(wheel, "METADATA"))
    assert "Private :: Do Not Upload" in (metadata.get_all("Classifier") or [])
    assert metadata["Name"] == "chaos-gameday"


def test_it_installs_one_command(wheel: zipfile.ZipFile) -> None:
    """`gameday`, and nothing else on anybody's path."""
    assert info(wheel, "entry_points.txt").split() == ["[console_scripts]", "gameday", "=", "gameday.cli:main"]


def test_every_dependency_has_a_lower_bound() -> None:
    """What was never tried is not promised."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert all(">=" in dependency for dependency in project["dependencies"])
    assert project["requires-python"] == ">=3.12"
