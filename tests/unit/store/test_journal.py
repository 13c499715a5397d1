"""The journal: whole lines, nothing secret, from any thread."""

import errno
import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from gameday.store.journal import CLOSED, Journal, event_of, slim


def lines(folder: Path, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal of an empty folder."""
    return Journal(tmp_path)


def test_a_mark_is_on_disk_before_the_call_returns(journal: Journal, tmp_path: Path) -> None:
    """The step that it names comes after it."""
    mark = journal.mark("fault.create", podchaos="chaos-mesh/kill-1", name="x")
    expected = {"t_ns": mark.t_ns, "mark": "fault.create", "podchaos": "chaos-mesh/kill-1", "name": "x"}
    assert lines(tmp_path, "marks.jsonl") == [expected]
    assert dict(mark.data) == {"podchaos": "chaos-mesh/kill-1", "name": "x"}


def test_what_is_no_json_is_written_as_text(journal: Journal, tmp_path: Path) -> None:
    """A path or an error in a mark must not lose the mark."""
    journal.mark("x", path=Path("a"), text="line\nbreak \u2028 ü")
    (line,) = lines(tmp_path, "marks.jsonl")
    assert (line["path"], line["text"]) == ("a", "line\nbreak \u2028 ü")


def test_an_event_reads_back_as_it_was(journal: Journal, tmp_path: Path, make: SimpleNamespace) -> None:
    """Times, watch, type, object; of a list also the last whole moment before it."""
    changed = make.event(5, "MODIFIED", make.pod("a"))
    listed = make.event(9, "LIST", {"items": [make.pod("a")]}, watch="pods", since=4)
    given_back = [journal.event(changed), journal.event(listed)]
    written = lines(tmp_path, "cluster.jsonl")
    assert [event_of(line) for line in written] == [changed, listed]
    assert given_back == written


SECRET = "hunter2"


@pytest.mark.parametrize("kind", ["LIST", "ADDED"])
def test_nothing_secret_and_no_ballast_is_stored(
    journal: Journal, tmp_path: Path, make: SimpleNamespace, kind: str
) -> None:
    """Values of environment variables, managedFields and the applied configuration, in every kind of container."""
    pod = make.pod("a")
    pod["metadata"] |= {
        "managedFields": [{"fieldsV1": {"note": SECRET}}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": SECRET, "kept": "yes"},
    }
    variables = [{"name": "PASSWORD", "value": SECRET}, {"name": "B", "valueFrom": {"secretKeyRef": {"key": SECRET}}}]
    pod["spec"] = {
        kind: [{"name": "main", "image": "task-api:1", "env": variables}]
        for kind in ("containers", "initContainers", "ephemeralContainers")
    }
    thing = {"items": [pod]} if kind == "LIST" else pod
    journal.event(make.event(1, kind, thing))
    text = (tmp_path / "cluster.jsonl").read_text()
    assert SECRET not in text
    assert "managedFields" not in text
    assert '"kept":"yes"' in text
    assert '"env":[{"name":"PASSWORD"},{"name":"B"}]' in text
    assert '"image":"task-api:1"' in text


def test_slimming_leaves_the_original_alone(make: SimpleNamespace) -> None:
    """The live view reads the same object."""
    pod = {"metadata": {"managedFields": [1]}, "spec": {"containers": [{"env": [{"name": "A", "value": "b"}]}]}}
    slim(pod)
    assert pod["metadata"] == {"managedFields": [1]}
    assert pod["spec"] == {"containers": [{"env": [{"name": "A", "value": "b"}]}]}


@pytest.mark.parametrize("thing", [{}, None, "text", 5, {"env": "text"}, {"annotations": None}, {"env": [None, 5]}])
def test_odd_objects_are_stored_and_no_crash(thing: object) -> None:
    """What the API sends is not in this program's hands."""
    json.dumps(slim(thing))


def test_concurrent_writers_give_whole_lines(tmp_path: Path) -> None:
    """Two journals (two processes' worth) of one folder, four threads each: every line parses, none is lost."""
    journals = [Journal(tmp_path), Journal(tmp_path)]
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        for count in range(100):
            journals[number % 2].mark("m", writer=number, count=count, pad="x" * (count * 50))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = lines(tmp_path, "marks.jsonl")
    assert {(line["writer"], line["count"]) for line in found} == {(w, c) for w in range(8) for c in range(100)}
    assert len(found) == 800


def test_a_writer_of_events_says_how_many_there_were(journal: Journal, tmp_path: Path, make: SimpleNamespace) -> None:
    """Its last mark; closing twice says it once, and later writes are dropped."""
    for second in range(3):
        journal.event(make.event(second, "ADDED", make.pod("a")))
    journal.mark("run.end")
    journal.close()
    journal.close()
    journal.mark("late")
    journal.event(make.event(9, "ADDED", make.pod("b")))
    marks = lines(tmp_path, "marks.jsonl")
    assert [(line["mark"], line.get("events")) for line in marks] == [("run.end", None), (CLOSED, 3)]
    assert len(lines(tmp_path, "cluster.jsonl")) == 3


def test_who_wrote_no_events_says_nothing_of_them(journal: Journal, tmp_path: Path) -> None:
    """The harness writes marks; the watching process writes events."""
    journal.mark("run.end")
    journal.close()
    assert [line["mark"] for line in lines(tmp_path, "marks.jsonl")] == ["run.end"]


def test_a_full_disk_leaves_no_half_line(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written of a line is taken back, so that the next line is whole again."""
    journal.mark("first")
    real_write, calls = os.write, []

    def write(descriptor: int, raw: bytes) -> int:
        calls.append(len(raw))
        if len(calls) == 1:
            return real_write(descriptor, raw[:7])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        with pytest.raises(OSError, match="No space left"):
            journal.mark("second")
    journal.mark("third")
    assert [line["mark"] for line in lines(tmp_path, "marks.jsonl")] == ["first", "third"]
    assert len(calls) == 2


def test_short_writes_are_continued(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system may take less than all of it."""
    real_write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, raw: real_write(descriptor, raw[:3]))
    journal.mark("whole", text="of many pieces")
    assert lines(tmp_path, "marks.jsonl")[0]["text"] == "of many pieces"
