"""Stock Chaos Toolkit runs the same experiment and leaves the same run folder."""

from pathlib import Path

from harness import EXPERIMENT, PROMETHEUS, chaos, gameday, left_behind, wait_until_ready

from gameday.adapters.kubernetes import Cluster


def test_stock_chaos_run_leaves_the_same_run_folder(tmp_path: Path, cluster: Cluster) -> None:
    """`chaos run` proves the injection, measures, judges and cleans up as `gameday run` does."""
    wait_until_ready()
    journal = str(tmp_path / "journal.json")
    command = ["--log-file", str(tmp_path / "chaos.log"), "run", "--journal-path", journal, str(EXPERIMENT)]
    stock = chaos(*command, runs=tmp_path / "a", environment={"GAMEDAY_PROMETHEUS_URL": PROMETHEUS})
    assert stock.code == 0, stock.stderr
    assert stock.verdict["proof"]["holds"]
    wait_until_ready()
    own = gameday("run", "--runs", str(tmp_path / "b"), "--prometheus-url", PROMETHEUS, runs=tmp_path / "b")
    assert _files(stock.folder) == _files(own.folder)
    assert [item["id"] for item in stock.verdict["criteria"]] == [item["id"] for item in own.verdict["criteria"]]
    assert left_behind(cluster) == []


def _files(folder: Path | None) -> set[str]:
    assert folder is not None
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
