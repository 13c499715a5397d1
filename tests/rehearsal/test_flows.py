"""Whole Game Days on the rehearsal stage: the good end, and every bad one."""

import json
import shutil
import signal
from pathlib import Path

import pytest
from commands import change
from stage_tools import await_mark, await_ready, children, end, gameday, mark, scale, started, written

from gameday.rehearsal.stage import Stage

FILES = {
    "SHA256SUMS",
    "cluster.jsonl",
    "inputs",
    "journal.json",
    "junit.xml",
    "locust.log",
    "marks.jsonl",
    "prometheus.parquet",
    "report.html",
    "report.md",
    "requests.arrow",
    "run.json",
    "verdict.json",
}


def assert_nothing_left(stage: Stage) -> None:
    """Whatever was created was deleted again."""
    balance: dict[str, int] = {}
    for line in written(stage):
        verb, _, thing = line.partition(" ")
        balance[thing.split()[0]] = balance.get(thing.split()[0], 0) + {"create": 1, "delete": -1}.get(verb, 0)
    assert {resource: count for resource, count in balance.items() if count > 0} == {}


def test_a_game_day_from_one_command(runs: Path) -> None:
    """`gameday rehearse` proves a kill, judges every criterion of a run, and leaves a whole run folder."""
    done = gameday("rehearse", "--runs", str(runs), runs=runs)
    assert done.code in {0, 1}, done.stderr
    verdict = done.verdict
    assert verdict["stage"] == "REHEARSAL"
    assert verdict["proof"]["holds"], verdict["proof"]["reason"]
    statuses = {item["id"]: item["status"] for item in verdict["criteria"]}
    assert {statuses[f"SC-{number:03}"] for number in range(1, 8)} == {"NOT RUN"}
    assert {statuses["SC-008"], statuses["SC-009"]} == {"PASS"}
    assert {statuses["SC-010"], statuses["SC-011"]} <= {"PASS", "FAIL", "UNKNOWN"}
    assert {path.name for path in done.folder.iterdir()} == FILES
    assert str(done.folder / "report.html") in done.stdout
    assert verdict["headline"] in done.stdout


def test_everything_is_recomputed_from_the_folder(stage: Stage, experiment: Path, runs: Path, tmp_path: Path) -> None:
    """A copy of a run folder without its derived files gives the same verdict and reports, offline."""
    done = gameday("run", str(experiment), "--runs", str(runs), stage=stage, runs=runs)
    assert done.code in {0, 1}, done.stderr
    copy = tmp_path / "elsewhere" / done.folder.name
    shutil.copytree(done.folder, copy)
    derived = ("verdict.json", "report.html", "report.md", "junit.xml", "SHA256SUMS")
    for name in derived:
        (copy / name).unlink()
    again = gameday("judge", str(copy), "--json", runs=tmp_path / "elsewhere")
    assert again.code == done.code
    assert json.loads(again.stdout) == done.verdict
    gameday("report", str(copy), runs=tmp_path / "elsewhere")
    for name in derived:
        assert (copy / name).read_bytes() == (done.folder / name).read_bytes(), name
    assert_nothing_left(stage)


def test_no_pod_is_selected(stage: Stage, experiment: Path, runs: Path) -> None:
    """When Chaos Mesh finds nothing to kill, its own words are the verdict's, and the object is taken away."""
    change(experiment.parent / "podchaos.yaml", "spec", "selector", "podPhaseSelectors", value=["Running"])
    with started("run", str(experiment), "--runs", str(runs), stage=stage, runs=runs) as (_, finish):
        await_mark(runs, "baseline.start")
        scale(stage, 0)
        done = finish(100)
    scale(stage, 3)
    await_ready(stage, 3)
    assert done.code == 3, done.stderr
    assert "no pod is selected" in done.verdict["headline"]
    assert {item["status"] for item in done.verdict["criteria"]} == {"UNKNOWN", "NOT RUN"}
    assert_nothing_left(stage)


def test_locust_dies_early(stage: Stage, experiment: Path, runs: Path) -> None:
    """A load generator that dies before the fault ends the run: nothing is killed, and the verdict is UNKNOWN."""
    change(experiment, "configuration", "gameday", "baseline_s", value=20)
    with started("run", str(experiment), "--runs", str(runs), stage=stage, runs=runs) as (process, finish):
        await_mark(runs, "baseline.start")
        for pid in children(process.pid, "locust"):
            end(pid)
        done = finish(100)
    assert done.code == 3, done.stderr
    assert "fault.created" not in done.marks
    assert "traffic.died" in done.marks
    assert_nothing_left(stage)


def test_the_watching_process_dies(stage: Stage, experiment: Path, runs: Path) -> None:
    """Without its watches a run goes no further, and its verdict is UNKNOWN."""
    change(experiment, "configuration", "gameday", "baseline_s", value=20)
    with started("run", str(experiment), "--runs", str(runs), stage=stage, runs=runs) as (_, finish):
        folder = await_mark(runs, "baseline.start")
        end(mark(folder, "watch.start")["pid"])
        done = finish(100)
    assert done.code == 3, done.stderr
    assert "fault.created" not in done.marks
    assert_nothing_left(stage)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(stage: Stage, experiment: Path, runs: Path, number: int) -> None:
    """Ctrl-C and SIGTERM stop the traffic, take everything away, and the run is never a PASS."""
    change(experiment, "configuration", "gameday", "settle_s", value=30)
    with started("run", str(experiment), "--runs", str(runs), stage=stage, runs=runs) as (process, finish):
        await_mark(runs, "settling.start")
        process.send_signal(number)
        done = finish(60)
    assert done.code == 130, done.stderr
    assert done.verdict["status"] != "PASS"
    assert "traffic.stopped" in done.marks
    assert "Traceback" not in done.stderr
    assert_nothing_left(stage)
    await_ready(stage, 3)


def test_two_runs_at_once(stage: Stage, experiment: Path, runs: Path, tmp_path: Path) -> None:
    """While one run holds the Lease, another is refused and writes nothing."""
    with started("run", str(experiment), "--runs", str(runs), stage=stage, runs=runs) as (_, finish):
        await_mark(runs, "baseline.start")
        second = gameday(
            "run", str(experiment), "--runs", str(tmp_path / "second"), stage=stage, runs=tmp_path / "second"
        )
        first = finish(100)
    assert first.code in {0, 1}, first.stderr
    assert second.code == 4
    assert "one run at a time" in second.stderr
    assert second.folder is None


def test_an_action_of_somebody_else(stage: Stage, experiment: Path, runs: Path) -> None:
    """An experiment with another action than this project's is refused before anything is executed."""
    before = written(stage)
    step = {
        "type": "python",
        "module": "chaosk8s.pod.actions",
        "func": "terminate_pods",
        "arguments": {"ns": "production"},
    }
    change(experiment, "rollbacks", value=[{"name": "boom", "type": "action", "provider": step}])
    done = gameday("run", str(experiment), "--runs", str(runs), stage=stage, runs=runs)
    assert done.code == 4, done.stderr
    assert "terminate_pods" in done.stderr
    assert written(stage) == before


def test_json_is_alone_on_standard_output(stage: Stage, experiment: Path, runs: Path) -> None:
    """`--json` prints the verdict as JSON and nothing else."""
    done = gameday("run", str(experiment), "--runs", str(runs), "--json", stage=stage, runs=runs)
    assert json.loads(done.stdout) == done.verdict
