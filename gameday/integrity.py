"""Whether a run's record is whole, and what a reader should know about it. Pure."""

from pydantic import ValidationError

from gameday.store.folder import Run
from gameday.store.journal import CLOSED
from gameday.timeline import Outcome
from gameday.verdict import Finding
from loadgen.protocol import Totals, check_totals
from probes.faults import Fault
from probes.traffic import Masks

FIRST_SUCCESS, LAST_SUCCESS = 200, 299
GENERATOR_LATE_MS = 50.0
"""A load generator that is later than this has its own troubles, and a reader should know."""


def of_run(run: Run) -> list[str]:
    """Why nothing of this run may pass: it did not come to its proper end."""
    found = []
    ended = run.mark("run.end")
    if ended is None:
        found.append("The run did not come to its end: the record is cut off.")
    elif ended.data.get("status") != "completed" or ended.data.get("reason"):
        found.append(f"The run was {ended.data.get('status')}: {ended.data.get('reason') or 'no reason is recorded'}.")
    blind = run.mark("watch.died")
    if blind is not None:
        found.append(f"The cluster was not watched to the end: {blind.data.get('reason')}.")
    if run.cut_lines:
        found.append("The last line of the record was cut off.")
    return found + _lost_lines(run)


def _lost_lines(run: Run) -> list[str]:
    """Whether the record of the watches is as long as its writer said."""
    closed = run.mark(CLOSED)
    if closed is None:
        return ["The record was never closed: it may lack its end."]
    written = closed.data.get("events")
    if written == len(run.events):
        return []
    return [f"The record holds {len(run.events)} events of the watches, and {written} were written."]


def of_traffic(run: Run) -> list[str]:
    """Why requests may be missing from the record: one sentence each, none when every request was counted."""
    died, stopped = run.mark("traffic.died"), run.mark("traffic.stopped")
    if died is not None:
        return [f"The load generator died: {died.data.get('reason')}."]
    if stopped is None:
        return ["The load generator never said how many requests it sent."]
    try:
        totals = Totals.model_validate(stopped.data.get("totals"))
    except ValidationError:
        return ["What the load generator said of itself at its end cannot be read."]
    return check_totals(totals, len(run.requests))


def findings(run: Run, fault: Fault) -> list[Finding]:
    """What no criterion says."""
    found = [_warning("traffic-incomplete", text) for text in of_traffic(run)]
    found += [_warning("run-incomplete", text) for text in of_run(run)]
    found += [_warning("chaos-mesh-says", text) for text in fault.complaints]
    found += _gaps(run)
    found += _before(run, fault)
    found += _after_recovery(run, fault)
    found += _lateness(run)
    found += _odd_answers(run)
    troubles = [mark for mark in run.marks if mark.name == "cleanup.trouble"]
    found += [Finding(id="cleanup", severity="error", text=str(mark.data.get("text"))) for mark in troubles]
    return found


def _gaps(run: Run) -> list[Finding]:
    """Each time a watch broke: what happened meanwhile is known less exactly."""
    found = []
    for event in run.events:
        if event.type == "LIST" and event.since_ns:
            seconds = (event.t_ns - event.since_ns) / 1e9
            at_s = run.anchor.seconds(event.t_ns)
            text = f"The watch of {event.watch} was broken for up to {seconds:.3f} s at {at_s:.1f} s."
            found.append(Finding(id="watch-gap", severity="info", text=text))
    return found


def _before(run: Run, fault: Fault) -> list[Finding]:
    """Errors before the fault are not the fault's."""
    if fault.begun is None or not len(run.requests):
        return []
    masks = Masks.of(run.requests)
    early = run.requests.end_ns < fault.begun.low_ns
    errors, silent = int((masks.server_error & early).sum()), int((masks.unanswered & early).sum())
    if not errors and not silent:
        return []
    return [
        _warning(
            "unsteady-before",
            f"Already before the fault, {errors:,} requests got an HTTP 5xx and {silent:,} no answer.",
        )
    ]


def _lateness(run: Run) -> list[Finding]:
    if not len(run.requests):
        return []
    late_ms = float((run.requests.start_ns - run.requests.intended_ns).max()) / 1e6
    if late_ms <= GENERATOR_LATE_MS:
        return []
    text = f"The load generator was up to {late_ms:.0f} ms late; the lower bounds of the latencies take that off again."
    return [Finding(id="generator-late", severity="info", text=text)]


def _odd_answers(run: Run) -> list[Finding]:
    """Answers that are neither a success nor a 5xx fail no criterion: a wrong path would look like a good service."""
    status, answered = run.requests.status, run.requests.outcome == Outcome.ANSWERED
    odd = answered & ((status < FIRST_SUCCESS) | (status > LAST_SUCCESS)) & ~Masks.of(run.requests).server_error
    count = int(odd.sum())
    text = f"{count:,} requests were answered with neither a success (2xx) nor a server error (5xx)."
    return [_warning("odd-answers", text)] if count else []


def _after_recovery(run: Run, fault: Fault) -> list[Finding]:
    """Failures after the workload was whole again belong to no criterion, and users had them all the same."""
    if fault.recovered is None or not len(run.requests):
        return []
    masks = Masks.of(run.requests)
    late = run.requests.intended_ns > fault.recovered.high_ns
    count = int(((masks.server_error | masks.unanswered) & late).sum())
    return [_warning("failures-after-recovery", f"{count:,} requests failed after the recovery.")] if count else []


def _warning(identifier: str, text: str) -> Finding:
    return Finding(id=identifier, severity="warning", text=text)
