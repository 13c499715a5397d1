"""Run folders: made without overwriting, read whole or cut off."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gameday.errors import BadInputError
from gameday.store import folder as store

type Story = Any
NOW = datetime(2026, 7, 3, 16, 0, 5, tzinfo=UTC)


def test_a_folder_is_named_after_its_time_and_experiment(tmp_path: Path) -> None:
    """And has room for its inputs; missing parents are made."""
    made = store.create(tmp_path / "deep" / "runs", "pod-kill", NOW)
    assert made == tmp_path / "deep" / "runs" / "20260703T160005Z-pod-kill"
    assert [item.name for item in made.iterdir()] == ["inputs"]


def test_a_second_run_in_the_same_second_gets_a_number(tmp_path: Path) -> None:
    """Nothing is ever overwritten."""
    names = [store.create(tmp_path, "x", NOW).name for _ in range(3)]
    assert names == ["20260703T160005Z-x", "20260703T160005Z-x-2", "20260703T160005Z-x-3"]


def test_a_parent_that_is_a_file_is_bad_input(tmp_path: Path) -> None:
    """Said as what it is, at once."""
    parent = tmp_path / "runs"
    parent.write_text("a file")
    with pytest.raises(BadInputError, match=r"File exists.*Choose another one with --runs"):
        store.create(parent, "x", NOW)
    with pytest.raises(BadInputError, match="Not a directory"):
        store.create(parent / "below", "x", NOW)


def test_inputs_are_kept_byte_for_byte(tmp_path: Path) -> None:
    """Under the names that readers know."""
    source = tmp_path / "my spec.yml"
    source.write_bytes(b"a: 1\r\n# \xc3\xbc\n")
    made = store.create(tmp_path, "x", NOW)
    store.keep_inputs(made, {"spec.yaml": source})
    assert (made / "inputs" / "spec.yaml").read_bytes() == b"a: 1\r\n# \xc3\xbc\n"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """And nothing is left beside it."""
    path = tmp_path / "verdict.json"
    store.write_atomically(path, "first")
    store.write_atomically(path, "second ü")
    assert path.read_text(encoding="utf-8") == "second ü"
    assert [item.name for item in tmp_path.iterdir()] == ["verdict.json"]


def test_a_place_that_cannot_be_written_to_is_bad_input(tmp_path: Path) -> None:
    """A verdict in an archive is judged in a copy."""
    with pytest.raises(BadInputError, match=r"No such file.*Copy the run"):
        store.write_atomically(tmp_path / "gone" / "verdict.json", "x")


def test_a_whole_run_is_read(story: Story) -> None:
    """Marks, events in order of arrival, requests; nothing was cut."""
    run = store.load(story.write())
    assert run.meta.workload.desired_pods == 3
    assert run.cut_lines == 0
    assert len(run.requests) == 1200
    assert run.requests.endpoints == ("list tasks", "create task")
    assert [event.t_ns for event in run.events] == sorted(event.t_ns for event in run.events)
    assert run.anchor.seconds(run.watched("podchaos")[-1].t_ns) == pytest.approx(5.020)
    created = run.mark("fault.create")
    assert created is not None
    assert created.data == {"podchaos": "chaos-mesh/kill-1"}
    assert run.mark("no such mark") is None


def test_events_are_sorted_by_arrival_and_ties_keep_their_order(story: Story) -> None:
    """Two watches write as they come."""
    path = story.write() / "cluster.jsonl"
    events = [
        {"t_ns": t_ns, "watch": watch, "type": "ADDED", "object": {}} for t_ns, watch in ((5, "a"), (3, "b"), (5, "c"))
    ]
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    assert [event.watch for event in store.load(path.parent).events] == ["b", "a", "c"]


def test_a_line_that_was_cut_off_is_left_out_and_counted(story: Story) -> None:
    """In each of the two files."""
    folder = story.write()
    for name in ("marks.jsonl", "cluster.jsonl"):
        with (folder / name).open("ab") as file:
            file.write(b'{"t_ns": 12')
    assert store.load(folder).cut_lines == 2


def test_a_run_that_died_at_once_is_read(story: Story) -> None:
    """Only its plan was written."""
    folder = story.write()
    for name in ("marks.jsonl", "cluster.jsonl", "requests.arrow"):
        (folder / name).unlink()
    run = store.load(folder)
    assert (run.marks, run.events, len(run.requests), run.cut_lines) == ((), (), 0, 0)


@pytest.mark.parametrize("line", [b"[1]", b"5", b"not json", b"\xff\xfe", b""])
def test_damage_in_the_middle_is_bad_input(story: Story, line: bytes) -> None:
    """With the file and the line."""
    path = story.write() / "marks.jsonl"
    path.write_bytes(line + b"\n" + path.read_bytes())
    with pytest.raises(BadInputError, match=r"marks\.jsonl:1: .*a JSON object on every line"):
        store.load(path.parent)


def test_a_folder_that_is_no_run_is_bad_input(tmp_path: Path) -> None:
    """The message says where run folders are."""
    with pytest.raises(BadInputError, match=r"run\.json: No such file.*below runs/"):
        store.load(tmp_path)
    with pytest.raises(BadInputError, match=r"run\.json: No such file"):
        store.load(tmp_path / "gone")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": "gameday/run/v9"}'])
def test_a_plan_that_cannot_be_read_is_bad_input(story: Story, content: str) -> None:
    """Not a traceback."""
    path = story.write() / "run.json"
    path.write_text(content)
    with pytest.raises(BadInputError, match=r"run\.json: .*as this version writes it"):
        store.load(path.parent)


def test_a_record_that_is_no_file_is_bad_input(story: Story) -> None:
    """The operating system's reason is quoted."""
    path = story.write() / "marks.jsonl"
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInputError, match="Is a directory"):
        store.load(path.parent)


SAMPLES = [("requests_total", '{"pod": "a"}', 1000, 1.0), ("requests_total", '{"pod": "b"}', 2000, 2.5)]


def test_samples_come_back_as_they_were(tmp_path: Path) -> None:
    """Written whole or not at all; a missing file has none."""
    path = tmp_path / "prometheus.parquet"
    assert list(store.read_samples(path)) == []
    assert store.write_samples(path, iter(SAMPLES)) == 2
    assert list(store.read_samples(path)) == SAMPLES
    assert store.write_samples(path, []) == 0
    assert list(store.read_samples(path)) == []
    assert [item.name for item in tmp_path.iterdir()] == ["prometheus.parquet"]
