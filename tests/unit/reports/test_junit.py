"""JUnit XML: one case a criterion, and nothing that passes by mistake."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gameday.verdict import Criterion, Status, Verdict
from reports.junit import junit
from reports.view import RunView

Run = tuple[Verdict, RunView]


def suite(verdict: Verdict) -> ET.Element:
    """The only test suite of the document."""
    found = ET.fromstring(junit(verdict)).findall("testsuite")  # noqa: S314 - made by the test
    assert len(found) == 1
    return found[0]


def results(verdict: Verdict) -> list[tuple[str, str]]:
    """Each case's name and result."""
    return [(case.get("name", ""), case[0].tag if len(case) else "pass") for case in suite(verdict).iter("testcase")]


def judged(verdict: Verdict, overall: Status, *statuses: Status) -> Verdict:
    """The verdict with other results."""
    criteria = tuple(
        Criterion(id=f"SC-{number:03}", title="t", target="< 1", status=status, actual="2")
        for number, status in enumerate(statuses)
    )
    return verdict.model_copy(update={"status": overall, "criteria": criteria})


def test_failed_run(failed: Run) -> None:
    """FAIL is a failure, UNKNOWN an error, NOT RUN skipped; the counts and the time are the run's."""
    found = suite(failed[0])
    assert results(failed[0])[6:] == [
        ("SC-007 CPU waste", "skipped"),
        ("SC-008 Pod recovery", "failure"),
        ("SC-009 HTTP 5xx", "failure"),
        ("SC-010 P95 latency during recovery", "error"),
    ]
    assert {name: found.get(name) for name in ("name", "tests", "failures", "errors", "skipped", "time")} == {
        "name": "task-api/pod-kill",
        "tests": "10",
        "failures": "2",
        "errors": "1",
        "skipped": "7",
        "time": "60.0",
    }
    assert found[8].get("classname") == "task-api/pod-kill"
    assert found[8][0].get("message") == (
        "target < 30 s, actual 45.2 s [45.19, 45.21]: all of the interval misses the target"
    )
    properties = {entry.get("name"): entry.get("value") for entry in found.iter("property")}
    assert properties["run"] == "20251009T085320Z-pod-kill"
    assert properties["stage"] == "CLUSTER"
    assert properties["headline"] == failed[0].headline


def test_passed_run(passed: Run) -> None:
    """A pass is a case without any result."""
    assert [name for name, result in results(passed[0]) if result == "pass"] == [
        "SC-008 Pod recovery",
        "SC-009 HTTP 5xx",
        "SC-010 P95 latency during recovery",
        "SC-011 Unanswered requests",
    ]
    assert junit(passed[0]).startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ')


@pytest.mark.parametrize(
    ("overall", "statuses", "last"),
    [
        (Status.PASS, (), ("Verdict", "error")),
        (Status.UNKNOWN, (Status.NOT_RUN,), ("Verdict", "error")),
        (Status.UNKNOWN, (Status.PASS,), ("Verdict", "error")),
        (Status.FAIL, (Status.PASS,), ("Verdict", "failure")),
        (Status.NOT_RUN, (Status.PASS,), ("Verdict", "error")),
        (Status.FAIL, (Status.PASS, Status.FAIL), ("SC-001 t", "failure")),
        (Status.PASS, (Status.PASS,), ("SC-000 t", "pass")),
    ],
)
def test_the_verdict_speaks_when_the_criteria_do_not(
    passed: Run, overall: Status, statuses: tuple[Status, ...], last: tuple[str, str]
) -> None:
    """Judging nothing is an error, and no list of passes hides a worse verdict."""
    assert results(judged(passed[0], overall, *statuses))[-1] == last


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1) | st.sampled_from(["\x00\x1b", "]]><x>", '"&<', "\ufffe", "x" * 10_000]))
def test_any_text_stays_well_formed(passed: Run, text: str) -> None:
    """Whatever names, targets and reasons hold, the XML parses and has as many cases."""
    criteria = tuple(
        Criterion(id=text, title=text, target=text, status=status, actual=text, reason=text) for status in Status
    )
    update = {
        "criteria": criteria,
        "service": text,
        "experiment": text,
        "headline": text,
        "run": text,
        "started_at": text,
    }
    assert [result for _, result in results(passed[0].model_copy(update=update))] == [
        "pass",
        "failure",
        "error",
        "skipped",
    ]


def test_endless_run(passed: Run) -> None:
    """A run without a known end takes no time rather than an infinite one."""
    window = passed[0].window.model_copy(update={"end_s": float("inf")})
    assert suite(passed[0].model_copy(update={"window": window})).get("time") == "0.0"
