"""JUnit XML for CI: one test case a criterion.

FAIL is a failure, NOT RUN is skipped, PASS is a plain case. **UNKNOWN is an error**, because CI must never go
on as if a thing had passed that nobody could measure, and because "the check itself did not work" is what
JUnit's error means. For the same reason a run that judged nothing holds an error, and so does a verdict that
none of its criteria explains.
"""

from math import isfinite
from typing import TYPE_CHECKING

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from gameday.verdict import Status
from reports import safe

if TYPE_CHECKING:
    from gameday.verdict import Criterion, Verdict


def junit(verdict: "Verdict") -> bytes:
    """The verdict as an XML document, UTF-8, with its declaration."""
    name = safe.visible(f"{verdict.service}/{verdict.experiment}")
    suite = TestSuite(name)
    suite.timestamp = safe.visible(verdict.started_at)
    for key, value in _properties(verdict).items():
        suite.add_property(key, safe.visible(value))
    suite.add_testcases([*(_case(name, criterion) for criterion in verdict.criteria), *_whole(name, verdict)])
    document = JUnitXml("gameday")
    document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]  # junitparser types only some methods
    # After the statistics, which sum up the times of cases that have none.
    suite.time = document.time = verdict.window.end_s if isfinite(verdict.window.end_s) else 0.0
    text: bytes = document.tostring()  # type: ignore[no-untyped-call]  # as above
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text


def _properties(verdict: "Verdict") -> dict[str, str]:
    return {
        "run": verdict.run,
        "status": verdict.status.value,
        "stage": verdict.stage,
        "headline": verdict.headline,
        "schema_version": verdict.schema_version,
    }


def _case(classname: str, criterion: "Criterion") -> TestCase:
    """One criterion; its result says target, actual value and reason in one line."""
    case = TestCase(safe.visible(f"{criterion.id} {criterion.title}"), classname)
    said = "" if criterion.status is Status.NOT_RUN else f"target {criterion.target}, actual {criterion.actual}"
    message = safe.visible(": ".join(part for part in (said, criterion.reason) if part))
    match criterion.status:
        case Status.FAIL:
            case.result = [Failure(message, "FAIL")]
        case Status.UNKNOWN:
            case.result = [Error(message, "UNKNOWN")]
        case Status.NOT_RUN:
            case.result = [Skipped(message, "NOT RUN")]
        case Status.PASS:
            pass
    return case


def _whole(classname: str, verdict: "Verdict") -> list[TestCase]:
    """A case for the verdict itself, when the criteria alone would look better than it does."""
    found = {criterion.status for criterion in verdict.criteria} - {Status.NOT_RUN}
    if found and (verdict.status is Status.PASS or verdict.status in found):
        return []
    case = TestCase("Verdict", classname)
    reason = verdict.headline if found else f"nothing was judged: {verdict.headline}"
    result = Failure if verdict.status is Status.FAIL else Error
    case.result = [result(safe.visible(reason), verdict.status.value)]
    return [case]
