"""The command line: exit codes, and one clear message on standard error, never a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from gameday.cli import app
from gameday.errors import BadInputError, ExitCode, GamedayError

type Story = Any
type Edit = Callable[[Path, str, str], Path]

HEAVY = ("pandas", "matplotlib", "kubernetes", "locust", "pyarrow", "scipy", "numpy", "chaoslib", "gevent", "requests")


def gameday(*arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Any:
    """The program as a user starts it."""
    command = [sys.executable, "-c", "from gameday.cli import main; main()", *map(str, arguments)]
    environment = {key: found for key, found in os.environ.items() if key not in {"KUBECONFIG", "KUBERNETES_CONTEXT"}}
    return subprocess.run(
        command, env=environment | dict(env or {}), cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def complaint(answer: Any, code: ExitCode) -> str:
    """The one message; on standard error, of one line."""
    assert answer.returncode == code, answer.stderr
    assert "Traceback" not in answer.stderr + answer.stdout
    assert answer.stdout == ""
    (line,) = answer.stderr.splitlines()
    assert line.startswith("gameday: ")
    return str(line)


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """A kubeconfig of a staging context where nothing listens."""
    path = tmp_path / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "gameday",
        "contexts": [{"name": "gameday", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {}}],
    }
    path.write_text(json.dumps(content))
    return {"KUBECONFIG": str(path), "HOME": str(tmp_path)}


def test_importing_the_command_line_is_quick() -> None:
    """Nothing heavy is imported before a command needs it: `--help` answers at once."""
    code = f"import sys, gameday.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "[]"


def test_help_names_the_commands() -> None:
    """And exits well."""
    answer = invoke("--help")
    assert answer.exit_code == 0
    for command in ("run", "rehearse", "judge", "report", "calibrate", "schema"):
        assert command in answer.output


@pytest.mark.parametrize("arguments", [["fly"], ["schema", "nonsense"], ["run", "--colour", "red"], ["judge"]])
def test_a_wrong_call_is_bad_input(arguments: list[str]) -> None:
    """Typer's own words, and 2."""
    answer = invoke(*arguments)
    assert answer.exit_code == ExitCode.BAD_INPUT
    assert "Traceback" not in answer.output


@pytest.mark.parametrize("what", ["spec", "verdict", "load"])
def test_a_schema_is_a_valid_json_schema(what: str) -> None:
    """On standard output, alone."""
    answer = invoke("schema", what)
    assert answer.exit_code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(answer.stdout))


def test_a_verdict_fits_its_schema(story: Story) -> None:
    """Infinite bounds included."""
    schema = json.loads(invoke("schema", "verdict").stdout)
    story.drop(lambda entry: entry.kind == "event" and entry.seconds in {7.000, 7.010})
    answer = invoke("judge", story.write(), "--json")
    verdict = json.loads(answer.stdout)
    assert '"Infinity"' in answer.stdout
    jsonschema.validate(verdict, schema)


@pytest.mark.parametrize(("change", "code"), [("", ExitCode.PASS), ("503", ExitCode.FAIL), ("cut", ExitCode.UNKNOWN)])
def test_judging_exits_with_the_verdict(story: Story, change: str, code: ExitCode) -> None:
    """0 pass, 1 fail, 3 unknown; the JSON on standard output says the same."""
    if change == "503":
        story.rows[600] = (*story.rows[600][:2], 503, story.rows[600][3])
    if change == "cut":
        story.drop_mark("run.end")
    answer = invoke("judge", story.write(), "--json")
    assert answer.exit_code == code
    assert json.loads(answer.stdout)["status"] == {0: "PASS", 1: "FAIL", 3: "UNKNOWN"}[code]


def test_judging_prints_a_table_and_a_headline(story: Story) -> None:
    """For people."""
    answer = invoke("judge", story.write())
    assert "One pod was killed and the service was whole again after 1.99 s." in answer.stdout
    assert "SC-009" in answer.stdout


def test_judging_by_another_specification(story: Story, tmp_path: Path) -> None:
    """Given with --spec; a wrong one is bad input."""
    folder = story.write()
    strict = tmp_path / "strict.yaml"
    strict.write_text((folder / "inputs" / "spec.yaml").read_text().replace("< 30 s", "< 1 s"))
    assert invoke("judge", folder, "--spec", strict, "--json").exit_code == ExitCode.FAIL
    answer = invoke("judge", folder, "--spec", tmp_path / "gone.yaml")
    assert isinstance(answer.exception, GamedayError)
    assert "gone.yaml: No such file" in str(answer.exception)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    """One message, exit 2."""
    message = complaint(gameday("judge", tmp_path), ExitCode.BAD_INPUT)
    assert "run.json: No such file or directory; expected a run folder" in message
    assert list(tmp_path.iterdir()) == []


def test_a_missing_experiment(tmp_path: Path) -> None:
    """One message, exit 2, and no run folder."""
    message = complaint(gameday("run", "gone.yaml", cwd=tmp_path), ExitCode.BAD_INPUT)
    assert "gone.yaml: No such file or directory" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("spec.yaml", 'target: "< 30 s"', 'target: "< 30 parsecs"', "unknown unit 'parsecs'"),
    ],
)
def test_a_wrong_field_anywhere(
    experiment: Path, edit: Edit, nowhere: dict[str, str], tmp_path: Path, file: str, old: str, new: str, words: str
) -> None:
    """One message that names it, exit 2, no cluster asked and no run folder made."""
    edit(experiment.parent / file, old, new)
    answer = gameday("run", experiment, "--runs", tmp_path / "runs", env=nowhere)
    assert words in complaint(answer, ExitCode.BAD_INPUT)
    assert not (tmp_path / "runs").exists()


def test_an_experiment_with_a_step_of_others(
    experiment: Path, edit: Edit, nowhere: dict[str, str], tmp_path: Path
) -> None:
    """Refused by the guard, exit 4, and the step did not run."""
    touched = tmp_path / "touched"
    provider = f"{{type: process, path: touch, arguments: {touched}}}"
    step = f"method:\n  - name: evil\n    type: action\n    provider: {provider}\n"
    edit(experiment, "method:\n", step)
    message = complaint(gameday("run", experiment, env=nowhere, cwd=tmp_path), ExitCode.REFUSED)
    assert "refused by the guard (experiment): steps of others: evil (process" in message
    assert not touched.exists()


def test_a_cluster_that_is_not_there(experiment: Path, nowhere: dict[str, str], tmp_path: Path) -> None:
    """The context is allowed, and nobody answers: one message, exit 2, no run folder."""
    answer = gameday("run", experiment, "--runs", tmp_path / "runs", env=nowhere)
    assert "expected an API server that answers" in complaint(answer, ExitCode.BAD_INPUT)
    assert not (tmp_path / "runs").exists()


def test_a_kubeconfig_that_is_not_there(experiment: Path, tmp_path: Path) -> None:
    """One message that names it, exit 2."""
    path = tmp_path / "config"
    answer = gameday("run", experiment, env={"KUBECONFIG": str(path), "HOME": str(tmp_path)}, cwd=tmp_path)
    assert f"kubeconfig {path}: " in complaint(answer, ExitCode.BAD_INPUT)


def test_a_context_that_is_not_allowed(experiment: Path, edit: Edit, nowhere: dict[str, str], tmp_path: Path) -> None:
    """Refused before the cluster is asked anything: nobody listens there, and nobody notices."""
    edit(experiment.parent / "spec.yaml", "contexts: [rehearsal, gameday, kind-gameday]", "contexts: [rehearsal]")
    message = complaint(gameday("run", experiment, env=nowhere, cwd=tmp_path), ExitCode.REFUSED)
    assert "refused by the guard (context): context 'gameday'; expected one of rehearsal." in message


def test_a_rehearsal_without_manifests(experiment: Path, tmp_path: Path) -> None:
    """Named, and no stage is set."""
    lonely = tmp_path / "lonely.yaml"
    lonely.write_text(experiment.read_text())
    answer = invoke("rehearse", lonely, "--json")
    assert isinstance(answer.exception, BadInputError)
    assert "no folder" in str(answer.exception)


def test_a_calibration_of_an_unknown_case() -> None:
    """The known ones are named, and no stage is set."""
    answer = invoke("calibrate", "--only", "eclipse")
    assert isinstance(answer.exception, BadInputError)
    assert "no case eclipse; expected one of: outage 55 ms" in str(answer.exception)
