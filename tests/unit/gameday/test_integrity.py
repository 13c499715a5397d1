"""Whether a record is whole: one sentence for each reason why it may not be."""

from typing import Any

import pytest

from gameday import integrity
from gameday.store import folder
from gameday.store.folder import Run
from gameday.timeline import Outcome
from gameday.verdict import Finding
from probes import faults

type Story = Any


def load(story: Story) -> Run:
    return folder.load(story.write())


def findings(story: Story) -> list[Finding]:
    run = load(story)
    return integrity.findings(run, faults.find(run))


def test_a_clean_run_has_nothing_to_say(story: Story) -> None:
    """No doubt, no finding."""
    run = load(story)
    assert integrity.of_run(run) == []
    assert integrity.of_traffic(run) == []
    assert integrity.findings(run, faults.find(run)) == []


def test_watches_that_died(story: Story) -> None:
    """What happened afterwards was seen by nobody."""
    run = load(story.mark(8, "watch.died", reason="exit code -9"))
    assert integrity.of_run(run) == ["The cluster was not watched to the end: exit code -9."]


def test_events_that_were_written_and_are_not_there(story: Story) -> None:
    """Whole lines are missing at the end of the file."""
    path = story.write()
    lines = (path / "cluster.jsonl").read_bytes().splitlines(keepends=True)
    (path / "cluster.jsonl").write_bytes(b"".join(lines[:-2]))
    expected = f"The record holds {len(lines) - 2} events of the watches, and {len(lines)} were written."
    assert integrity.of_run(folder.load(path)) == [expected]


def test_several_doubts_are_all_told(story: Story) -> None:
    """Each is a sentence of its own."""
    path = story.drop_mark("run.end").write()
    with (path / "marks.jsonl").open("ab") as file:
        file.write(b"{")
    assert integrity.of_run(folder.load(path)) == [
        "The run did not come to its end: the record is cut off.",
        "The last line of the record was cut off.",
    ]


def test_what_was_going_on_before_the_fault_is_not_the_fault_s(story: Story) -> None:
    """Counted by its end: a request that ended before the kill has nothing to do with it."""
    story.end(slice(10, 12), Outcome.ANSWERED, took_ms=5, status=500)
    story.end(slice(20, 23), Outcome.TIMEOUT, took_ms=100)
    (finding,) = findings(story)
    assert finding.id == "unsteady-before"
    assert finding.text == "Already before the fault, 2 requests got an HTTP 5xx and 3 no answer."


def test_a_late_generator(story: Story) -> None:
    """Said when it could matter, with the greatest lateness."""
    story.late_ms = 51
    story.end(slice(0, 1200), Outcome.ANSWERED, took_ms=60, status=200)
    (finding,) = findings(story)
    assert (finding.id, finding.severity) == ("generator-late", "info")
    assert "up to 51 ms late" in finding.text


def test_a_generator_that_is_hardly_late(story: Story) -> None:
    """At the limit it is not worth a word."""
    story.late_ms = 50
    story.end(slice(0, 1200), Outcome.ANSWERED, took_ms=60, status=200)
    assert findings(story) == []


@pytest.mark.parametrize(("status", "odd"), [(200, 0), (201, 0), (299, 0), (301, 3), (404, 3), (429, 3), (199, 3)])
def test_answers_that_are_neither_success_nor_server_error(story: Story, status: int, odd: int) -> None:
    """They fail no criterion, and a reader must know."""
    story.end(slice(0, 3), Outcome.ANSWERED, took_ms=5, status=status)
    assert [item.id for item in findings(story)] == (["odd-answers"] if odd else [])


def test_a_request_that_was_not_sent_is_no_answer_of_the_service(story: Story) -> None:
    """It is the instrument's: the totals say so, and it fails nobody."""
    story.end(slice(900, 903), Outcome.UNSENT, took_ms=0)
    assert [item.text for item in findings(story)] == [
        "3 requests could not be sent: the load generator reached its own limits."
    ]
